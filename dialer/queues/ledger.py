"""The ledger: how often something happened to a phone, a person, a debt; and room reserved before each call."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.compliance import Happening, Kind, Limit, Tally
from dialer.queues.connection import TAG, Command, RedisLink, script
from dialer.types import Refused

HORIZON = timedelta(days=40)
"""Older events are forgotten: longer than any window of a rule."""

LEDGER_UNKNOWN = Refused("ledger_unknown", "the counters are not complete yet: they are read from the books")
"""Why nothing is reserved on a Redis that does not know the past."""

_CHUNK = 250
"""Limits or events in one script run, or calls in one round trip, so that Redis is never blocked for long."""

_COUNTERS = f"{TAG}:ledger"  # :<kind>:<key> -> call ids scored by microseconds since 1970
_CALLS = f"{TAG}:ledger:call:"  # call id -> the counters it reserved at
_READY = f"{TAG}:ledger:ready"  # generation of the rebuild that completed this ledger
_REBUILDS = f"{TAG}:ledger:rebuilds"  # generations begun in this very Redis
_PRIOR = f"{TAG}:ledger:prior"  # number of the last event of another system
_REBUILD_KEPT_S = 24 * 3600

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_RESERVE, _SETTLE, _NOTE, _COUNT = (script("events", name) for name in ("reserve", "settle", "note", "count"))
_MARK = script("mark")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call about to be placed: counted at every key, unless one limit is reached."""

    call_id: str
    at: datetime
    keys: Sequence[str]
    limits: Sequence[Limit] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """A call that is over: what happened in it, and whether its reservation is taken back."""

    call_id: str
    happenings: Sequence[Happening] = ()
    released: bool = False


@dataclass(frozen=True, slots=True)
class Reserved:
    """The attempt is counted at every key; `counted` is what each limit had before it."""

    counted: tuple[Tally, ...] = ()


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing was reserved: `tallies` are the limits that refuse, `counted` all of them."""

    tallies: tuple[Tally, ...]
    counted: tuple[Tally, ...] = ()


class Ledger:
    """Counters of the past, shared by all campaigns and engines; each change is one atomic script.

    Keys are those of `campaigns.compliance` (`phone_key`, `person_key`, `debt_key`). Every method raises Unavailable
    when Redis is away; a call may be placed only after `Reserved`.
    """

    def __init__(self, redis: RedisLink, horizon: timedelta = HORIZON) -> None:
        """Use this Redis; events older than `horizon` are forgotten."""
        self._redis = redis
        self._horizon = horizon
        self._kept_s = int(horizon.total_seconds())

    async def reserve(
        self, call_id: str, at: datetime, keys: Sequence[str], limits: Sequence[Limit]
    ) -> Reserved | Over | Refused:
        """Count an attempt at all keys unless one limit is reached: all or nothing, in one step.

        Repeated for the same call it answers the same and counts once. Refused(`ledger_unknown`) until a rebuild is
        complete.
        """
        (answer,) = await self.reserve_each([Attempt(call_id, at, keys, limits)])
        return answer

    async def reserve_each(self, attempts: Sequence[Attempt]) -> list[Reserved | Over | Refused]:
        """Reserve for a moment's calls one after the other, each in one step, in one round trip."""
        asked = [((_READY, _CALLS + attempt.call_id), self._asked(attempt)) for attempt in attempts]
        answers = await self._redis.run_each(_RESERVE, asked) if asked else []
        return [_answer(attempt.limits, answer) for attempt, answer in zip(attempts, answers, strict=True)]

    def _asked(self, attempt: Attempt) -> list[Any]:
        counters = [_counter(Kind.ATTEMPT, key) for key in attempt.keys]
        at, oldest = _micros(attempt.at), _micros(attempt.at - self._horizon)
        return [attempt.call_id, at, oldest, self._kept_s, len(counters), *counters, *_windows(attempt.limits)]

    async def count(self, limits: Sequence[Limit]) -> list[Tally]:
        """Return what each limit has now; nothing is reserved, and the next moment may differ."""
        tallies: list[Tally] = []
        for chunk in _chunks(limits):
            tallies += _tallies(chunk, await self._redis.run(_COUNT, (_READY,), _windows(chunk)))
        return tallies

    async def settle(self, call_id: str, happenings: Sequence[Happening], *, released: bool) -> None:
        """End a call's reservation: it stays counted, or `released` takes it back; write what happened.

        Repeating it changes nothing, and the first answer about the reservation stands. A call that was reserved and
        never placed is released the same way.
        """
        await self.settle_each([Ending(call_id, happenings, released)])

    async def settle_each(self, endings: Sequence[Ending]) -> None:
        """End the reservations of some calls one after the other, each in one step, in few round trips."""
        for chunk in _chunks(endings):
            await self._redis.run_each(_SETTLE, [((_CALLS + each.call_id,), self._ended(each)) for each in chunk])

    def _ended(self, ending: Ending) -> list[Any]:
        return [ending.call_id, int(ending.released), self._kept_s, *self._events(ending.happenings)]

    async def note(self, happenings: Sequence[Happening]) -> None:
        """Write what happened outside our calls (a debtor rang us); the same event twice is one."""
        for chunk in _chunks(happenings):
            await self._redis.run(_NOTE, (_READY,), (self._kept_s, *self._events(chunk)))

    async def load(self, happenings: Iterable[Happening]) -> int:
        """Write events of the books or of another system in chunks, in any order; return how many.

        Nothing is trimmed: a wrong date among them cannot push out what is right.
        """
        written, chunk = 0, list[Happening]()
        for happening in happenings:
            chunk.append(happening)
            if len(chunk) == _CHUNK:
                written += await self._loaded(chunk)
                chunk = []
        return written + await self._loaded(chunk)

    async def _loaded(self, chunk: Sequence[Happening]) -> int:
        if chunk:
            await self._redis.run(_NOTE, (_READY,), (self._kept_s, *self._events(chunk, trim=False)))
        return len(chunk)

    async def begin_rebuild(self) -> str:
        """Close the ledger until it is complete again and return the rebuild's generation.

        What is counted stays: reading the same books over it changes nothing, so two rebuilds at once do no harm.
        """
        generation = uuid.uuid4().hex
        begun: list[Command] = [("DEL", _READY), ("SADD", _REBUILDS, generation)]
        await self._redis.together([*begun, ("EXPIRE", _REBUILDS, _REBUILD_KEPT_S)])
        return generation

    async def mark_ready(self, generation: str) -> bool:
        """Open the ledger: the rebuild is complete. False when this Redis never saw it begin: rebuild again."""
        return bool(await self._redis.run(_MARK, (_READY, _REBUILDS), (generation,)))

    async def is_ready(self) -> bool:
        """Return whether the counters are complete; while not, `count` counts too little and `reserve` refuses."""
        return bool(await self._redis.call("EXISTS", _READY))

    async def prior_seen(self) -> int:
        """Return the number of the last event of another system that is counted here."""
        return int(await self._redis.call("GET", _PRIOR) or 0)

    async def saw_prior(self, last: int) -> None:
        """Note the number of the last event of another system that is counted."""
        await self._redis.call("SET", _PRIOR, last)

    def _events(self, happenings: Iterable[Happening], *, trim: bool = True) -> list[str | int | float]:
        arguments: list[str | int | float] = []
        for event in happenings:
            at = _micros(event.at)
            oldest: str | int = at - self._horizon // _MICROSECOND if trim else "(0"
            arguments += (_counter(event.kind, event.key), event.call_id, at, oldest)
        return arguments


def _counter(kind: Kind, key: str) -> str:
    return f"{_COUNTERS}:{kind.value}:{key}"


def _windows(limits: Iterable[Limit]) -> list[str | int | float]:
    arguments: list[str | int | float] = []
    for limit in limits:
        arguments += (_counter(limit.kind, limit.key), _micros(limit.since), limit.most)
    return arguments


def _answer(limits: Sequence[Limit], answer: Sequence[Any]) -> Reserved | Over | Refused:
    said, *counts = answer
    if said == "unknown":
        return LEDGER_UNKNOWN
    counted = tuple(_tallies(limits, counts))
    return Reserved(counted) if said == "reserved" else Over(tuple(t for t in counted if t.full), counted)


def _tallies(limits: Sequence[Limit], answer: Sequence[Any]) -> list[Tally]:
    return [
        Tally(limit, int(answer[2 * i]), _moment(answer[2 * i + 1]) if answer[2 * i + 1] else None)
        for i, limit in enumerate(limits)
    ]


def _micros(moment: datetime) -> int:
    """Whole microseconds: exact in a sorted set's double until the year 2255, and small in its memory."""
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micros: str) -> datetime:
    return _EPOCH + int(float(micros)) * _MICROSECOND


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
