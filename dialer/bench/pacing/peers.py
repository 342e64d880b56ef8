"""Peers to compare with, as their sources behave: VICIdial's adaptive dial levels. The other peers are Pacer modes.

VICIdial samples ready agents minus waiting calls every second; every 15 s the mean of the samples moves a dial level
between 1 and its maximum, and drops above the target push it down; every 2.5 s it places what is missing to level x
agents lines. Agents in wrap-up are not counted, lines of conversations are.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

import numpy as np

from dialer.pacing import Abandoned, Connected, Decision, Fact, Pacer, PacingPolicy, Snapshot, Stage

MOST_LEVEL = 3.0
DROP_TARGET = 0.03
FEWEST_CALLS = 50
"""Calls of the day before drops count."""
SAMPLE_S, ADAPT_S, DIAL_S, COUNT_S = 1.0, 15.0, 2.5, 60.0
STARTS_AT, ENDS_AT = 13.0, 21.0
"""Hours of the day at which the benchmark begins and the campaign's calling time ends."""


class FixedRatio:
    """So many calls for each free agent, whatever is abandoned: the Pacer's mode without the brake it has."""

    tick_s = 0.5

    def __init__(self, lines_per_agent: float) -> None:
        self._pacer = Pacer(PacingPolicy(mode="ratio", lines_per_agent=lines_per_agent))

    def observe(self, fact: Fact) -> None:
        """Learn nothing."""

    def decide(self, snapshot: Snapshot) -> Decision:
        """Place what is missing."""
        return self._pacer.decide(replace(snapshot, budgets=()))


class Adapt(Enum):
    """What drops above the target do to the level."""

    TAPERED = "ADAPT_TAPERED"
    AVERAGE = "ADAPT_AVERAGE"


class Vicidial:
    """One campaign of VICIdial with its shipped defaults."""

    tick_s = 0.5

    def __init__(self, adapt: Adapt) -> None:
        self._adapt = adapt
        self._level = 1.0
        self._samples: list[float] = []
        self._sampled_at = self._adapted_at = self._dialled_at = self._counted_at = 0.0
        self._answers: list[tuple[float, bool]] = []
        self._calls = self._drops = 0
        self._drops_last_minute = 0.0

    def observe(self, fact: Fact) -> None:
        """Keep what the drop statistics count."""
        if isinstance(fact, Connected | Abandoned):
            self._answers.append((fact.at, isinstance(fact, Abandoned)))

    def decide(self, snapshot: Snapshot) -> Decision:
        """Sample, adapt and dial, each when its time has come."""
        now, ready = snapshot.now, snapshot.ready_since.size
        waiting = int((snapshot.call_stage == Stage.WAITING).sum())
        agents = ready + snapshot.talking_since.size
        if now - self._sampled_at >= SAMPLE_S:
            self._sampled_at = now
            self._samples = [*self._samples[-14:], ready - waiting]
        if now - self._counted_at >= COUNT_S:
            self._count(now)
        if now - self._adapted_at >= ADAPT_S and agents:
            self._adapted_at = now
            self._move(now, agents)
        dial = 0
        if now - self._dialled_at >= DIAL_S or now == 0:
            self._dialled_at = now
            lines = snapshot.call_stage.size + snapshot.talking_since.size
            dial = max(round(self._level * agents) - lines, 0)
        return Decision(dial, np.empty(0, dtype=np.int64), f"Dial level {self._level:.2f}.", float("nan"))

    def _count(self, now: float) -> None:
        """Refresh the drop statistics, as its once-a-minute job does."""
        self._counted_at = now
        self._calls = len(self._answers)
        self._drops = sum(dropped for _, dropped in self._answers)
        latest = [dropped for at, dropped in self._answers if at > now - COUNT_S]
        self._drops_last_minute = sum(latest) / len(latest) if latest else 0.0

    def _move(self, now: float, agents: int) -> None:
        mean = sum(self._samples) / max(len(self._samples), 1)
        level = self._level * (1 + mean / agents)
        if self._calls > FEWEST_CALLS and self._drops / self._calls > DROP_TARGET:
            level = self._braked(level, now)
        self._level = min(max(level, 1.0), MOST_LEVEL)

    def _braked(self, level: float, now: float) -> float:
        if self._adapt is Adapt.AVERAGE:
            level /= 2
        else:
            level *= (_hhmm(ENDS_AT) - _hhmm(STARTS_AT + now / 3600)) / 1000
        return level / 2 if self._drops_last_minute > 0.5 else level


def _hhmm(hour: float) -> float:
    """Return an hour as the number its source computes with: half past one is 1330."""
    return 100 * int(hour) + 60 * (hour % 1)
