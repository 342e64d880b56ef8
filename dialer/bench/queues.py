"""`dialer bench queues`: what a lease, a reservation and a look at the clock cost, on a Redis of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from campaigns.compliance import (
    Happening,
    Kind,
    Library,
    Limit,
    Subject,
    Terms,
    debt_key,
    may_dial,
    person_key,
    phone_key,
)
from dialer.bench.machine import MachineMeter, quantile
from dialer.config import Window
from dialer.queues import Hopper, RedisLink, SegmentShare, connect, ensure
from dialer.queues.ledger import Ledger
from dialer.types import DialerError, QueuedLead, Refused, attempt_id

T = TypeVar("T")

NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
CAMPAIGN = "bench"
SEGMENTS = 50
LEASED = 100
REST = timedelta(seconds=5)
"""A lead given back is due again after so many rounds of a second each: every lease has leads to make ready."""

EVENTS = 20
"""Events of the last week at each counter: more than any cap lets a call add."""

ZONES = (
    *("America/Bogota", "America/Mexico_City", "America/Santiago", "America/Lima", "America/Sao_Paulo"),
    *("America/Argentina/Buenos_Aires", "America/New_York", "America/Los_Angeles", "Europe/Madrid", "Europe/London"),
)
WINDOWS = tuple(map(Window.parse, ("mon-fri 07:00-19:00", "sat 08:00-15:00")))
PEOPLE = (
    *(("CO", "", "+573001234567"), ("MX", "", "+525555123456"), ("CL", "", "+56221234567"), ("PE", "", "+5117123456")),
    *(("BR", "BR-SP", "+551132345678"), ("AR", "AR-C", "+541143215678"), ("US", "US-NY", "+12125550123")),
    *(("US", "US-CA", "+12135550123"), ("ES", "ES-MD", "+34912345678"), ("GB", "", "+442079460000")),
)
"""Where debtors live, and a phone of theirs."""

RING_S = 45.0
SETTLES_S = 120.0


@dataclass(frozen=True, slots=True)
class QueuesPlan:
    """What is measured: queue lengths, leases at each, reservations over so many debtors, looks at the clock."""

    sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    rounds: int = 1_000
    debtors: int = 5_000
    reservations: int = 5_000
    looks: int = 300_000


QUICK = QueuesPlan(sizes=(1_000, 10_000), rounds=50, debtors=200, reservations=300, looks=20_000)
"""Done within some seconds: whether it works, not how fast."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one kind of request, network and our own side included."""

    name: str
    times_ms: Sequence[float]

    def figures(self) -> dict[str, float]:
        """Return how many there were, the median, the 99th percentile and the longest."""
        p50, p99 = quantile(self.times_ms, 0.5), quantile(self.times_ms, 0.99)
        if p50 is None or p99 is None:
            raise DialerError(f"nothing was measured for {self.name}; ask for more rounds")
        return {
            "n": len(self.times_ms),
            "p50_ms": round(p50, 3),
            "p99_ms": round(p99, 3),
            "max_ms": round(max(self.times_ms), 3),
        }


@dataclass(frozen=True, slots=True)
class QueuesResult:
    """What was measured, and the machine meanwhile."""

    timings: tuple[Timing, ...]
    values: Mapping[str, float | str]
    machine: Mapping[str, float]

    def figures(self) -> dict[str, Any]:
        """Return everything as it is printed by --json."""
        return {
            "timings": {timing.name: timing.figures() for timing in self.timings},
            **self.values,
            "machine": dict(self.machine),
        }


def run(plan: QueuesPlan, folder: Path) -> QueuesResult:
    """Measure on a private Redis in `folder`, which ends with it."""
    meter = MachineMeter()
    looks = {
        "may_dial_per_s_per_core": round(rules_per_s(plan.looks)),
        "may_dial_by_hours_alone_per_s_per_core": round(hours_per_s(plan.looks)),
    }
    timings, values = asyncio.run(_on_a_redis(plan, folder))
    return QueuesResult(tuple(timings), {**values, **looks}, meter.read())


def rules_per_s(looks: int) -> float:
    """Return how many debtors a second one core judges as the engine does before each call: the law, then the clock.

    Debtors of ten places under the shipped profiles, over six hours' instants; what binds there is known already.
    """
    library, terms = Library.shipped(), Terms.of(WINDOWS)
    people = [
        Subject(phone=phone, debtor_id=number, country=country, subdivision=subdivision)
        for number, (country, subdivision, phone) in enumerate(PEOPLE)
    ]

    def look(subject: Subject, now: datetime) -> None:
        position = library.position(subject, terms, now)
        if isinstance(position, Refused):
            raise DialerError(
                f"{subject.country}: {position.rule}, {position.detail}; the shipped profiles are at fault"
            )
        position.timetable.may_dial(position.zones, now, position.rulebook.needed_s(RING_S))

    return _per_s(looks, people, look)


def hours_per_s(looks: int) -> float:
    """Return the same for a campaign's hours alone in ten zones: the least that a look at the clock costs."""
    return _per_s(looks, ZONES, lambda zone, now: may_dial(WINDOWS, zone, now, RING_S))


def _per_s(looks: int, who: Sequence[T], look: Callable[[T, datetime], object]) -> float:
    rng = Random(1)  # noqa: S311 - a load, no secret
    asked = [(rng.choice(who), NOON + timedelta(seconds=rng.randrange(6 * 3600))) for _ in range(1_000)]
    for one, now in asked:
        look(one, now)
    began = time.process_time()
    for _ in range(max(1, looks // len(asked))):
        for one, now in asked:
            look(one, now)
    return max(1, looks // len(asked)) * len(asked) / (time.process_time() - began)


async def _on_a_redis(plan: QueuesPlan, folder: Path) -> tuple[list[Timing], dict[str, float | str]]:
    server = await ensure(folder)
    try:
        async with await connect(server.url, 30.0) as link:
            timings = await _bare(link, plan.reservations)
            for size in plan.sizes:
                timings += await _leases(link, size, plan.rounds)
            more, values = await _reservations(link, plan)
            return [*timings, *more], {"redis": server.kind, **values}
    finally:
        await server.stop(anyway=True)


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1000


async def _bare(link: RedisLink, n: int) -> list[Timing]:
    """Measure what any request costs here: the least that a lease or a reservation could."""
    pings = [await _timed(lambda: link.call("PING")) for _ in range(n)]
    pairs = [
        await _timed(lambda i=i: link.together([("ZADD", "{b}:z", i, i), ("ZCOUNT", "{b}:z", i - EVENTS, "+inf")]))  # type: ignore[misc]
        for i in range(n)
    ]
    await link.call("FLUSHALL")
    return [Timing("PING", pings), Timing("ZADD + ZCOUNT", pairs)]


def a_lead(number: int, rng: Random) -> QueuedLead:
    """Return a lead such as the books offer."""
    return QueuedLead(
        lead_id=number,
        debtor_id=number,
        debtor=f"Debtor {number}",
        campaign_id=1,
        segment=f"segment-{number % SEGMENTS}",
        phone_id=number,
        phone=f"+57300{number:07d}",
        time_zone=ZONES[number % len(ZONES)],
        language="es",
        try_no=1,
        call_id=attempt_id(CAMPAIGN, number, 1),
        due_at=NOON - timedelta(seconds=rng.randrange(86_400)),
        priority=rng.randrange(5),
        accounts=(number, number + 1),
    )


def shares() -> list[SegmentShare]:
    """Return fifty segments of unequal weight."""
    return [SegmentShare(f"segment-{n}", 1 + n % 10, n) for n in range(SEGMENTS)]


async def _leases(link: RedisLink, size: int, rounds: int) -> list[Timing]:
    """Lease, end and queue again, a hundred at a time; the queue keeps its length."""
    await link.call("FLUSHALL")
    hopper, rng, segments = Hopper(link), Random(size), shares()  # noqa: S311 - a load, no secret
    for start in range(0, size, 5_000):
        await hopper.offer(CAMPAIGN, [a_lead(n, rng) for n in range(start, min(start + 5_000, size))], NOON)
    await _settled(link)
    times: dict[str, list[float]] = {"lease": [], "release": [], "offer": []}
    for second in range(rounds):
        now = NOON + timedelta(seconds=second)
        began = time.perf_counter()
        leads = await hopper.lease(CAMPAIGN, segments, LEASED, now, now + timedelta(minutes=2))
        times["lease"].append((time.perf_counter() - began) * 1000)
        if len(leads) != min(LEASED, size):
            raise DialerError(f"only {len(leads)} of {LEASED} leads came out of {size}; the hopper is at fault")
        times["release"].append(await _timed(lambda leads=leads: hopper.release(leads)))  # type: ignore[misc]
        again = [_again(lead, now + REST) for lead in leads]
        times["offer"].append(await _timed(lambda again=again, now=now: hopper.offer(CAMPAIGN, again, now)))  # type: ignore[misc]
    return [Timing(f"{name} {LEASED} of {size}", taken) for name, taken in times.items()]


def _again(lead: QueuedLead, due_at: datetime) -> QueuedLead:
    try_no = lead.try_no + 1
    call_id = attempt_id(CAMPAIGN, lead.debtor_id, try_no)
    changed = {"try_no": try_no, "call_id": call_id, "due_at": due_at}
    return QueuedLead(**{**{name: getattr(lead, name) for name in QueuedLead.__slots__}, **changed})


def keys_of(debtor: int) -> tuple[str, ...]:
    """Return a debtor's counters: a phone, the person, two debts."""
    return (phone_key(f"+57300{debtor:07d}"), person_key(debtor), debt_key(2 * debtor), debt_key(2 * debtor + 1))


def past_of(debtor: int) -> Iterator[Happening]:
    """Yield a debtor's last week: twenty attempts at each counter."""
    for key in keys_of(debtor):
        for n in range(EVENTS):
            at = NOON - timedelta(hours=8 * n + 1, microseconds=debtor)
            yield Happening(Kind.ATTEMPT, key, at, attempt_id("past", debtor, n))


def limits_of(debtor: int, now: datetime, n: int) -> list[Limit]:
    """Return the first n of the limits that a strict rule book puts on a call about two debts."""
    phone, person, *debts = keys_of(debtor)
    day, week = now - timedelta(days=1), now - timedelta(days=7)
    all_of_them = [
        Limit("house", Kind.ATTEMPT, phone, now - timedelta(hours=1), 2, "rolling:1h"),
        Limit("house", Kind.ATTEMPT, person, day, 9, "calendar:1d"),
        Limit("US-03", Kind.ATTEMPT, debts[0], week, 99, "days:7"),
        Limit("US-03", Kind.ATTEMPT, debts[1], week, 99, "days:7"),
        Limit("US-04", Kind.CONVERSATION, debts[0], week, 1, "days:7"),
        Limit("US-04", Kind.CONVERSATION, debts[1], week, 1, "days:7"),
    ]
    return all_of_them[:n]


async def _reservations(link: RedisLink, plan: QueuesPlan) -> tuple[list[Timing], dict[str, float | str]]:
    await link.call("FLUSHALL")
    ledger, rng = Ledger(link), Random(7)  # noqa: S311 - a load, no secret
    generation, empty = await ledger.begin_rebuild(), await _used(link)
    began = time.perf_counter()
    events = await ledger.load(chain.from_iterable(past_of(debtor) for debtor in range(plan.debtors)))
    loaded_s, full = time.perf_counter() - began, await _used(link)
    await ledger.mark_ready(generation)
    reserve, settle = list[float](), list[float]()
    for number in range(plan.reservations):
        debtor, call_id = rng.randrange(plan.debtors), attempt_id("now", number, 1)
        now = NOON + timedelta(seconds=number)
        limits = limits_of(debtor, now, rng.randint(3, 6))
        reserve.append(await _timed(lambda c=call_id, d=debtor, w=now, m=limits: ledger.reserve(c, w, keys_of(d), m)))  # type: ignore[misc]
        settle.append(await _timed(lambda c=call_id: ledger.settle(c, [], released=True)))  # type: ignore[misc]
    first = await _first_attempts(link, ledger, plan)
    values: dict[str, float | str] = {
        "ledger_bytes_per_event": round((full - empty) / events),
        "ledger_bytes_of_a_first_call": round(first),
        "ledger_loaded_per_s": round(events / loaded_s),
    }
    return [Timing("reserve one call", reserve), Timing("settle one call", settle)], values


async def _first_attempts(link: RedisLink, ledger: Ledger, plan: QueuesPlan) -> float:
    """Return the bytes that the first call ever to a debtor takes at its four counters."""
    before = await _used(link)
    for debtor in range(10**6, 10**6 + plan.debtors):
        call_id = attempt_id("first", debtor, 1)
        await ledger.reserve(call_id, NOON, keys_of(debtor), ())
        await ledger.settle(call_id, (), released=False)
    return (await _used(link) - before) / plan.debtors


async def _settled(link: RedisLink) -> None:
    """Wait until Redis has rewritten its file after a load: that is not what is measured."""
    async with asyncio.timeout(SETTLES_S):
        while int((await link.call("INFO", "persistence"))["aof_rewrite_in_progress"]):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)


async def _used(link: RedisLink) -> int:
    return int((await link.call("INFO", "memory"))["used_memory"])
