"""`dialer bench load`: a campaign at full rate through a real Asterisk, checked call by call against the carrier."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaigns.repository import Agents
from dialer.app.redis import open_redis
from dialer.app.store import open_store
from dialer.bench.machine import CpuMeter, MachineMeter, quantile
from dialer.bench.mix import differences, phones
from dialer.config import Config
from dialer.queues.bus import CommandBus
from dialer.types import InputError
from tests.lab.asterisk import AsteriskLab
from tests.lab.carrier import Carrier
from tests.lab.processes import eventually
from tests.lab.root import asterisk_root, cache_dir
from tests.lab.service import Service
from tests.lab.softphones import Softphones

LOGINS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of the engine: calls a second for so many seconds, agents, talk and ring in seconds."""

    seconds: float = 60.0
    rate: float = 50.0
    agents: int = 100
    talk_s: float = 4.5
    ring_s: float = 0.3
    wrap_up_s: float = 0.5
    media: bool = True
    recording: bool = True

    @property
    def calls(self) -> int:
        """How many debtors the list has."""
        return round(self.seconds * self.rate)


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured; `differences` lists every call on which engine and carrier do not agree."""

    plan: Plan
    attempts: int
    dialling_s: float
    outcomes: Mapping[str, int]
    differences: Sequence[str]
    join_ms: Sequence[float]
    engine_cpu: float
    worker_cpu: float
    asterisk_cpu: float
    machine: Mapping[str, float]
    recordings: int
    recordings_expected: int
    called_twice: Sequence[str] = field(default=())

    def figures(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "calls": self.attempts,
            "calls_per_s": round(self.attempts / self.dialling_s, 2) if self.dialling_s else None,
            "dialling_s": round(self.dialling_s, 2),
            "outcomes": dict(self.outcomes),
            "differences": list(self.differences),
            "called_twice": list(self.called_twice),
            "joins": len(self.join_ms),
            "join_p50_ms": quantile(self.join_ms, 0.50),
            "join_p99_ms": quantile(self.join_ms, 0.99),
            "join_max_ms": max(self.join_ms, default=None),
            "engine_cores": round(self.engine_cpu, 3),
            "recording_worker_cores": round(self.worker_cpu, 3),
            "asterisk_cores": round(self.asterisk_cpu, 3),
            "recordings": self.recordings,
            "recordings_expected": self.recordings_expected,
            "machine": dict(self.machine),
        }


def require_laboratory() -> None:
    """Raise InputError with the remedy when this machine cannot run a real Asterisk or sipp."""
    root = Path(os.environ.get("DIALER_LAB_ROOT") or cache_dir() / "asterisk-root")
    wanted = {
        "root (for chroot)": os.geteuid() == 0,
        "sipp": shutil.which("sipp") is not None,
        f"an Asterisk root at {root}": (root / "usr/sbin/asterisk").exists(),
    }
    if missing := [name for name, there in wanted.items() if not there]:
        raise InputError(f"the bench needs {', '.join(missing)}; run scripts/provision as root, then this as root")


def run(plan: Plan, work: Path) -> Result:
    """Run the whole bench in `work` and return what was measured; raises LabError when a server does not start."""
    with _stage(plan, work) as (lab, carrier, service):
        campaign = service.campaign(_leads(plan), **_campaign(plan))
        service.start()
        asyncio.run(_hire(service.config, plan.agents))
        service.run("campaign", "start", campaign)
        service.run("campaign", "pause", campaign)
        asyncio.run(_seat_agents(service.config, plan.agents, campaign))
        engine, asterisk, machine = CpuMeter(service.engine.pid), CpuMeter(lab.pid), MachineMeter()
        service.run("campaign", "start", campaign)
        eventually(lambda: sum(carrier.invites().values()) >= plan.calls, "all calls are placed", plan.seconds * 3 + 60)
        cpu = engine.cores(), engine.children_cores(), asterisk.cores()
        load = machine.read()
        eventually(lambda: _settled(service, plan), "all calls are accounted for", 120, service.engine.log)
        return _judged(plan, carrier, service, cpu, load)


@contextmanager
def _stage(plan: Plan, work: Path) -> Iterator[tuple[AsteriskLab, Carrier, Service]]:
    with ExitStack() as stack:
        lab = stack.enter_context(
            AsteriskLab(
                asterisk_root(),
                work / "home",
                softphones=plan.agents,
                trunk={"calls_per_s": plan.rate, "channels": 1000},
                node={"calls_per_s": plan.rate, "channels": 1000},
                service={"home": work / "home", "metrics": ""},
                agents={"wrap_up_s": plan.wrap_up_s},
                dialing={"ring_timeout_s": 15.0, "setup_s": 4.0},
            )
        )
        carrier = stack.enter_context(
            Carrier(work, lab.carrier_port, ring_s=plan.ring_s, talk_s=plan.talk_s, media=plan.media)
        )
        stack.enter_context(Softphones(lab, work, media=plan.media))
        yield lab, carrier, stack.enter_context(Service(lab.config, work))


def _campaign(plan: Plan) -> dict[str, Any]:
    pacing = {"mode": "ratio", "lines_per_agent": 10, "max_lines_per_agent": 10, "max_calls_per_s": plan.rate}
    return {"max_tries": 1, "max_lines": 1000, "recording": plan.recording, "pacing": pacing}


def _leads(plan: Plan) -> list[tuple[str, str, str]]:
    return [(f"d{number}", phone, "alta") for number, phone in enumerate(phones(plan.calls))]


async def _hire(config: Config, count: int) -> None:
    async with open_store(config) as store, store.transaction(60) as session:
        for number in range(count):
            await Agents(session).add(f"agente{number}", config.agents.first_extension + number, {}, ["es"])


async def _seat_agents(config: Config, count: int, campaign: str) -> None:
    gate = asyncio.Semaphore(LOGINS_AT_ONCE)
    async with open_redis(config) as redis, asyncio.TaskGroup() as logins:
        bus = CommandBus(redis)
        for number in range(count):
            logins.create_task(_log_in(bus, gate, f"agente{number}", campaign))


async def _log_in(bus: CommandBus, gate: asyncio.Semaphore, agent: str, campaign: str) -> None:
    async with gate:
        await bus.request("agent.login", {"agent": agent, "campaign": campaign, "ready": True}, 40.0)


def _settled(service: Service, plan: Plan) -> bool:
    attempts = service.report("attempts")
    return len(attempts) == plan.calls and all(attempt["outcome"] for attempt in attempts)


def _judged(
    plan: Plan, carrier: Carrier, service: Service, cpu: tuple[float, float, float], load: Mapping[str, float]
) -> Result:
    attempts = service.report("attempts")
    spoken = [attempt for attempt in attempts if attempt["bridged_at"]]
    wanted = len(spoken) if plan.recording else 0
    eventually(lambda: _recordings(service.config) >= wanted, "all recordings are kept", 60)
    calls = carrier.calls()
    first, last = calls[0].at, max(call.at for call in calls if call.what == "INVITE")
    invites = carrier.invites()
    return Result(
        plan=plan,
        attempts=len(attempts),
        dialling_s=last - first,
        outcomes=dict(sorted(Counter(str(attempt["outcome"]) for attempt in attempts).items())),
        differences=differences(attempts, invites, {call.number for call in calls if call.what == "ANSWERED"}),
        join_ms=_join_times(service.engine.output),
        engine_cpu=cpu[0],
        worker_cpu=cpu[1],
        asterisk_cpu=cpu[2],
        machine=load,
        recordings=_recordings(service.config),
        recordings_expected=wanted,
        called_twice=[number for number, count in invites.items() if count > 1],
    )


def _join_times(log: str) -> list[float]:
    lines = (line for line in log.splitlines() if '"joined"' in line)
    return [float(json.loads(line)["ms"]) for line in lines]


def _recordings(config: Config) -> int:
    return sum(1 for _ in config.recordings_dir.rglob("*.flac"))
