"""`dialer bench load --simulated`: a campaign at full rate through a simulated Asterisk, checked call by call."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.bench.clients import Comparison, compare
from dialer.bench.gauges import MemoryMeter, ProcessorMeter, quantile_ms, scrape, slope_per_min
from dialer.bench.machine import MachineMeter
from dialer.bench.mix import differences
from dialer.bench.processes import command
from dialer.bench.stage import CAMPAIGN, Stage, staged
from dialer.bench.twin import Note

FILLED_AFTER_S = 60.0
"""By then every periodic duty of the engine has run, and ended calls leave its memory as others enter it."""

LISTEN_S = 5.0
"""So long the stream for the clients' comparison is recorded, at the beginning of the warm-up."""

SETTLE_S = 120.0
START_S = 60.0


@dataclass(frozen=True, slots=True)
class SimulatedPlan:
    """What is asked of the engine: calls a second for so many seconds, agents, talk and ring in seconds."""

    seconds: float = 60.0
    rate: float = 200.0
    agents: int = 500
    talk_s: float = 4.5
    ring_s: float = 0.3
    wrap_up_s: float = 0.5
    recording: bool = True

    @property
    def calls(self) -> int:
        """How many debtors the list has, those of the warm-up included."""
        return round((self.seconds + self.warm_up_s) * self.rate)

    @property
    def warm_up_s(self) -> float:
        """Seconds dialled before anything is measured: memory fills first, and must be flat from then on."""
        return min(FILLED_AFTER_S, max(self.seconds, LISTEN_S))


@dataclass(frozen=True, slots=True)
class Window:
    """What was measured between the warm-up and the last call."""

    calls: int
    seconds: float
    engine_s: float
    twin_s: float
    memory: Sequence[tuple[float, float]]
    lag: Mapping[float, float]
    join: Mapping[float, float]
    machine: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SimulatedResult:
    """What was measured, and every call on which the books and the simulated node do not agree."""

    plan: SimulatedPlan
    window: Window
    outcomes: Mapping[str, int]
    differences: Sequence[str]
    called_twice: Sequence[str]
    recordings: int
    recordings_expected: int
    clients: Comparison | None

    def figures(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        window = self.window
        return {
            "calls": sum(self.outcomes.values()),
            "calls_per_s": round(window.calls / window.seconds, 1),
            "agents": self.plan.agents,
            "events": round(max(window.lag.values(), default=0.0)),
            "event_lag_p50_ms": quantile_ms(window.lag, 0.50),
            "event_lag_p99_ms": quantile_ms(window.lag, 0.99),
            "join_p50_ms": quantile_ms(window.join, 0.50),
            "join_p99_ms": quantile_ms(window.join, 0.99),
            "engine_ms_per_call": round(window.engine_s / window.calls * 1000, 2) if window.calls else None,
            "engine_cores": round(window.engine_s / window.seconds, 3),
            "twin_cores": round(window.twin_s / window.seconds, 3),
            "memory_mb": round(window.memory[-1][1], 1),
            "memory_mb_per_min": _rounded(slope_per_min(window.memory)),
            "outcomes": dict(self.outcomes),
            "differences": list(self.differences),
            "called_twice": list(self.called_twice),
            "recordings": self.recordings,
            "recordings_expected": self.recordings_expected,
            "clients": dict(self.clients.figures()) if self.clients else None,
            "machine": dict(window.machine),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def run(plan: SimulatedPlan, work: Path) -> SimulatedResult:
    """Run the whole bench in `work` and return what was measured; raises Unavailable when a part does not start."""
    with staged(work, calls=plan.calls, agents=plan.agents, rate=plan.rate, talk_s=plan.talk_s,
                ring_s=plan.ring_s, wrap_up_s=plan.wrap_up_s, recording=plan.recording) as stage:  # fmt: skip
        command(stage.file, "campaign", "start", CAMPAIGN)
        stage.engine.wait_for("the first call", lambda: stage.placed > 0, START_S)
        stream = stage.record(LISTEN_S)
        warm = plan.calls - round(plan.seconds * plan.rate)
        stage.engine.wait_for("the warm-up", lambda: stage.placed >= warm, plan.warm_up_s * 4 + START_S)
        window = _measured(plan, stage)
        stage.engine.wait_for("the end of every call", lambda: stage.settled(plan.calls), SETTLE_S)
        return _judged(plan, stage, window, compare(stream))


def _measured(plan: SimulatedPlan, stage: Stage) -> Window:
    address = stage.config.service.metrics
    engine, twin = ProcessorMeter(stage.engine.pid), ProcessorMeter(stage.twin.pid)
    memory, machine, before = MemoryMeter(stage.engine.pid), MachineMeter(), scrape(address)
    began, placed = time.monotonic(), stage.placed
    stage.engine.wait_for("the last call", lambda: stage.placed >= plan.calls, plan.seconds * 4 + START_S)
    seconds, calls, engine_s, twin_s = time.monotonic() - began, stage.placed - placed, engine.read(), twin.read()
    after = scrape(address)
    return Window(
        calls,
        seconds,
        engine_s,
        twin_s,
        memory=memory.read(),
        lag=after.since(before, "dialer_ami_event_age_seconds"),
        join=after.since(before, "dialer_join_seconds"),
        machine=machine.read(),
    )


def _judged(plan: SimulatedPlan, stage: Stage, window: Window, clients: Comparison | None) -> SimulatedResult:
    attempts = json.loads(command(stage.file, "report", "attempts", "--format", "json"))
    spoken = sum(1 for attempt in attempts if attempt["bridged_at"]) if plan.recording else 0
    stage.engine.wait_for("the last recording", lambda: stage.recordings >= spoken, SETTLE_S)
    notes: list[Note] = stage.notes()
    placed = Counter(note.number for note in notes)
    return SimulatedResult(
        plan=plan,
        window=window,
        outcomes=dict(sorted(Counter(str(attempt["outcome"]) for attempt in attempts).items())),
        differences=differences(attempts, placed, {note.number for note in notes if note.answers}),
        called_twice=sorted(number for number, count in placed.items() if count > 1),
        recordings=stage.recordings,
        recordings_expected=spoken,
        clients=clients,
    )
