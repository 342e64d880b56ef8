"""Two engines on one Redis, all three killed again and again: is anybody ever in two calls at once?

What the engines did is judged by what each wrote down when it did it, not by what Redis says of itself.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from dialer.queues import Hopper, SegmentShare, connect, ensure
from dialer.types import DialerError, QueuedLead, Unavailable, attempt_id

T = TypeVar("T")

NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
CAMPAIGNS = ("march", "april")
SEGMENTS = [SegmentShare("early", 3, 3), SegmentShare("middle", 2, 2), SegmentShare("late", 1, 1)]
SPEED = 60.0
"""Business seconds in one of the machine's: what rests for half a minute rests half a second here."""

LEASE = timedelta(seconds=10 * SPEED)
"""Far longer than a call here, outages of Redis included: what runs out is a lease that nobody knows of."""

MOST_OPEN = 60
"""Calls one engine has at once."""

PAUSE_S = 0.01
ENTRY = struct.Struct("<BIIIQ")
START, END = 1, 2


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """How many leases, between how many engines, and how often something is killed (seconds, at random below)."""

    leases: int = 100_000
    engines: int = 2
    kill_s: float = 0.6
    redis_kills: int = 3
    within_s: float = 400.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of an engine's diary: a call of a lead began or ended, in nanoseconds of the machine's clock."""

    kind: int
    lead_id: int
    debtor_id: int
    phone: int
    at_ns: int


@dataclass(slots=True)
class Findings:
    """What was wrong: leads called more than once, and calls to one debtor or phone at the same time."""

    called: int = 0
    called_twice: list[int] = field(default_factory=list)
    debtor_at_once: list[int] = field(default_factory=list)
    phone_at_once: list[int] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.called_twice or self.debtor_at_once or self.phone_at_once)


@dataclass(frozen=True, slots=True)
class ChaosResult:
    """What the engines did, what was killed, and what was wrong with it."""

    findings: Findings
    plan: ChaosPlan
    engine_kills: int
    redis_kills: int
    given_back: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether every lead was called exactly once, and nobody was in two calls at once."""
        return self.findings.clean and self.findings.called == self.plan.leases

    def figures(self) -> dict[str, Any]:
        """Return everything as it is printed by --json."""
        return {
            "leases": self.findings.called,
            "wanted": self.plan.leases,
            **{name: value for name, value in asdict(self.findings).items() if name != "called"},
            "engine_kills": self.engine_kills,
            "redis_kills": self.redis_kills,
            "leases_given_back": self.given_back,
            "seconds": round(self.seconds, 1),
            "leases_per_s": round(self.findings.called / self.seconds),
        }


def judge(entries: Iterable[Entry]) -> Findings:
    """Read the diaries of all engines together, in the order things happened."""
    found, started = Findings(), set[int]()
    debtors, phones = set[int](), set[int]()
    # An end at the same instant comes first: the release followed it.
    for entry in sorted(entries, key=lambda entry: (entry.at_ns, -entry.kind)):
        if entry.kind == END:
            debtors.discard(entry.debtor_id)
            phones.discard(entry.phone)
            continue
        if entry.lead_id in started:
            found.called_twice.append(entry.lead_id)
        if entry.debtor_id in debtors:
            found.debtor_at_once.append(entry.debtor_id)
        if entry.phone in phones:
            found.phone_at_once.append(entry.phone)
        started.add(entry.lead_id)
        debtors.add(entry.debtor_id)
        phones.add(entry.phone)
    found.called = len(started)
    return found


def the_lead(lead_id: int, leases: int) -> QueuedLead:
    """Return a lead of a debtor who has seven others, half of them in the other campaign, and shares phones."""
    debtor = lead_id * 7919 % max(1, leases // 8)
    phone = lead_id * 104_729 % max(1, leases // 9)
    return QueuedLead(
        lead_id=lead_id,
        debtor_id=debtor,
        debtor="",
        campaign_id=1,
        segment=SEGMENTS[lead_id % len(SEGMENTS)].name,
        phone_id=phone,
        phone=f"+57300{phone:07d}",
        time_zone="America/Bogota",
        language="es",
        try_no=1,
        call_id=attempt_id("chaos", lead_id, 1),
        due_at=NOON - timedelta(seconds=lead_id % 5_000),
        priority=lead_id % 3,
    )


def campaign_of(lead_id: int) -> str:
    """Return the campaign of a lead."""
    return CAMPAIGNS[lead_id % 2]


class Diary:
    """What an engine writes down at once; what was written before a kill is kept."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def write(self, kind: int, leads: Iterable[QueuedLead]) -> None:
        """Note that calls began or ended now."""
        now = time.monotonic_ns()
        os.write(self._file, b"".join(ENTRY.pack(kind, d.lead_id, d.debtor_id, d.phone_id, now) for d in leads))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read(path: Path) -> Iterator[Entry]:
    """Yield what an engine wrote; the half of a line a kill left is none."""
    whole = path.read_bytes() if path.exists() else b""
    for fields in ENTRY.iter_unpack(whole[: len(whole) // ENTRY.size * ENTRY.size]):
        yield Entry(*fields)


def engine(url: str, path: Path, began: float, seed: int) -> None:
    """Lease, call and end for ever, until killed."""
    asyncio.run(_engine(url, Diary(path), began, Random(seed)))  # noqa: S311 - a load, no secret


def business(began: float) -> datetime:
    """Return the business time all processes share."""
    return NOON + timedelta(seconds=(time.monotonic() - began) * SPEED)


async def _engine(url: str, diary: Diary, began: float, rng: Random) -> None:
    async with await _patiently(lambda: connect(url, 2.0)) as link:
        hopper, open_calls = Hopper(link), deque[QueuedLead]()
        while True:
            now, room = business(began), min(20, MOST_OPEN - len(open_calls))
            try:
                leads = await hopper.lease(rng.choice(CAMPAIGNS), SEGMENTS, rng.randint(0, room), now, now + LEASE)
            except Unavailable:
                leads = []
            diary.write(START, leads)
            open_calls.extend(leads)
            ending = [open_calls.popleft() for _ in range(rng.randint(0, len(open_calls)))]
            diary.write(END, ending)
            await _patiently(lambda ending=ending: hopper.release(ending))  # type: ignore[misc]
            if not leads:
                await asyncio.sleep(PAUSE_S)


async def _patiently(ask: Callable[[], Any]) -> Any:
    """Ask until Redis answers."""
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(PAUSE_S)


class Chaos:
    """Starts engines, kills them and Redis, cleans up after each as the recovery of an engine does."""

    def __init__(self, plan: ChaosPlan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        self._rng = Random(plan.seed)  # noqa: S311 - a load, no secret
        self._began = time.monotonic()
        self._engines: dict[Path, BaseProcess] = {}
        self._diaries: list[Path] = []
        self._called: set[int] = set()
        self._lost: list[QueuedLead] = []
        self.kills, self.redis_kills, self.given_back = 0, 0, 0

    def run(self) -> ChaosResult:
        """Go on until every lead was called; raise DialerError when that takes too long."""
        try:
            self._serve()
            self._on_redis(self._fill)
            for _ in range(self._plan.engines):
                self._start()
            self._rage()
            self._finish()
        finally:
            for path in list(self._engines):
                self._kill(path)
            self._end_redis()
        findings = judge(entry for path in self._diaries for entry in read(path))
        seconds = time.monotonic() - self._began
        return ChaosResult(findings, self._plan, self.kills, self.redis_kills, self.given_back, seconds)

    def _rage(self) -> None:
        """Kill something at random while most leads still wait."""
        redis_next = self._plan.leases // (self._plan.redis_kills + 1)
        while len(self._called) < self._plan.leases * 0.9:
            self._in_time()
            time.sleep(self._rng.uniform(0.1, 1) * self._plan.kill_s)
            victim = self._rng.choice(list(self._engines))
            self._kill(victim)
            self.kills += 1
            self._on_redis(lambda hopper, victim=victim: self._recover(hopper, victim))  # type: ignore[misc]
            self._start()
            if self.redis_kills < self._plan.redis_kills and len(self._called) > redis_next * (self.redis_kills + 1):
                self._kill_redis()

    def _finish(self) -> None:
        """Leave the engines in peace until the last lead is called; what was leased and never called comes back."""
        while len(self._called) < self._plan.leases:
            self._in_time()
            time.sleep(self._plan.kill_s)
            self._on_redis(self._give_back)
            self._look()

    def _in_time(self) -> None:
        if time.monotonic() - self._began > self._plan.within_s:
            raise DialerError(
                f"{len(self._called)} of {self._plan.leases} leads were called within {self._plan.within_s:g} s; "
                "ask for fewer with --leases"
            )

    def _start(self) -> None:
        path = self._folder / f"engine-{len(self._diaries)}"
        self._diaries.append(path)
        # Forked: a new interpreter would take longer to start than an engine lives here.
        process = multiprocessing.get_context("fork").Process(
            target=engine, args=(self._url, path, self._began, self._rng.randrange(2**32)), daemon=True
        )
        process.start()
        self._engines[path] = process

    def _kill(self, path: Path) -> None:
        process = self._engines.pop(path)
        process.kill()
        process.join()

    async def _recover(self, hopper: Hopper, victim: Path) -> None:
        """End the calls the dead engine had: written down first, as the books are, then released."""
        entries = list(read(victim))
        ended = {entry.lead_id for entry in entries if entry.kind == END}
        begun = [the_lead(entry.lead_id, self._plan.leases) for entry in entries if entry.kind == START]
        diary = Diary(victim)
        diary.write(END, [lead for lead in begun if lead.lead_id not in ended])
        diary.close()
        await hopper.release(begun[-2 * MOST_OPEN :])
        await self._give_back(hopper)

    async def _give_back(self, hopper: Hopper) -> None:
        """Leases of nobody end by their time; a lead that was never called is offered until it is queued again."""
        self._look()
        now = business(self._began)
        nobodys = [lead for lead in await hopper.expire(now) if lead.lead_id not in self._called]
        self.given_back += len(nobodys)
        self._lost += nobodys
        # Not queued while its debtor is in a call: later, then.
        self._lost = [lead for lead in self._lost if not await hopper.offer(campaign_of(lead.lead_id), [lead], now)]

    def _look(self) -> None:
        self._called = {entry.lead_id for path in self._diaries for entry in read(path) if entry.kind == START}

    async def _fill(self, hopper: Hopper) -> None:
        for start in range(0, self._plan.leases, 2_000):
            leads = [the_lead(n, self._plan.leases) for n in range(start, min(start + 2_000, self._plan.leases))]
            for campaign in CAMPAIGNS:
                await hopper.offer(campaign, [lead for lead in leads if campaign_of(lead.lead_id) == campaign], NOON)

    def _serve(self) -> None:
        """Start Redis, and have it write everything down before it answers: only then a kill loses nothing."""
        server = asyncio.run(ensure(self._folder))
        if not server.durable:
            asyncio.run(server.stop(anyway=True))
            raise DialerError("fakeredis keeps nothing when it is killed; install redis-server")
        self._url, self._redis = server.url, server
        asyncio.run(self._write_first())

    async def _write_first(self) -> None:
        async with await connect(self._url, 5.0) as link:
            await link.call("CONFIG SET", "appendfsync", "always")

    def _kill_redis(self) -> None:
        os.kill(int((self._redis.directory / "redis.pid").read_text()), signal.SIGKILL)
        self.redis_kills += 1
        self._serve()

    def _end_redis(self) -> None:
        if hasattr(self, "_redis"):
            asyncio.run(self._redis.stop(anyway=True))

    def _on_redis(self, work: Callable[[Hopper], Any]) -> None:
        async def done() -> None:
            async with await connect(self._url, 10.0) as link:
                await work(Hopper(link))

        asyncio.run(done())
