"""The hopper: who is called next, leased so that no debtor and no phone is ever in two calls at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dialer.queues import former
from dialer.queues.connection import TAG, RedisLink, script
from dialer.queues.record import leads_of, rank, record, seconds
from dialer.types import InputError, QueuedLead

ASIDE_S = 30.0
"""How long a lead whose phone is in another call rests before it is looked at again.

A lead set aside because of its debtor returns at once when that call ends.
"""

_CHUNK = 500
"""Leads, or calls, handled in one script run, so that Redis is never blocked for long."""

_ROOT = f"{TAG}:hopper"
_CAMPAIGNS = f"{_ROOT}:campaign:"
_QUEUED = f"{_ROOT}:queued"  # lead id -> record, everyone waiting, ready, set aside or in a call
_OWNERS = f"{_ROOT}:owned"  # debtor id -> ids of the leads queued or in a call
_LEASED = f"{_ROOT}:leased"  # call id -> lead id; the record itself in a lease of an older version
_DEADLINES = f"{_ROOT}:deadlines"  # call id scored by the end of its lease
_DEBTORS = f"{_ROOT}:debtors"  # debtor id -> the call that holds it
_PHONES = f"{_ROOT}:phones"  # phone -> the call that holds it
_MARKS = (_QUEUED, _LEASED, _DEADLINES, _DEBTORS, _PHONES)

_OFFER, _RELEASE, _REMOVE = (script("owners", name) for name in ("offer", "release", "remove"))
_LEASE = script("lease")


@dataclass(frozen=True, slots=True)
class SegmentShare:
    """A segment at the hopper: its part of all leases is its weight among the segments that have due leads.

    When two segments have the same claim, the one with the higher priority goes first.
    """

    name: str
    weight: int = 1
    priority: int = 0

    def __post_init__(self) -> None:
        """Refuse a weight that would starve the segment, and a name that Redis could not tell from others."""
        if "\t" in self.name or "\n" in self.name:
            raise InputError(f"segment {self.name!r}: a tab or line end in its name; remove it")
        if self.weight < 1:
            raise InputError(f"segment {self.name!r}: weight {self.weight} would starve it; use 1 or more")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a campaign's leads stand: due and ready, waiting for their time, at rest while their debtor is called."""

    ready: dict[str, int]
    waiting: dict[str, int]
    aside: int


class Hopper:
    """Queues of leads by campaign and segment, and the leases on those being called.

    Every change is one atomic script: a crash leaves a lead queued or leased, never both and never neither.
    Deadlines are stored times of the dialer's clock. Every method raises Unavailable when Redis is away.
    """

    def __init__(self, redis: RedisLink) -> None:
        """Use this Redis."""
        self._redis = redis
        self._swept = False

    async def offer(self, campaign: str, leads: Sequence[QueuedLead], now: datetime | None = None) -> int:
        """Queue leads and return how many are new; those queued already or whose debtor is in a call are ignored.

        `now` makes due leads ready at once, in their order of priority; without it the next leases do, by and by.
        """
        await self._sweep()
        keys = (_QUEUED, _OWNERS, _DEBTORS, f"{_CAMPAIGNS}{campaign}:segments")
        added = 0
        for chunk in _chunks(leads):
            arguments: list[str | int | float] = [f"{_CAMPAIGNS}{campaign}", seconds(now) if now else "-inf"]
            for lead in chunk:
                arguments += (lead.lead_id, lead.debtor_id, lead.segment, seconds(lead.due_at), rank(lead))
                arguments.append(record(campaign, lead))
            added += int(await self._redis.run(_OFFER, keys, arguments))
        return added

    async def lease(
        self, campaign: str, segments: Sequence[SegmentShare], n: int, now: datetime, until: datetime
    ) -> list[QueuedLead]:
        """Lease up to n due leads until `until`: segments by weight, in a segment by priority, then earliest due.

        A segment without due leads saves nothing up. A bounded number of leads is looked at: fewer than n may come
        back although more are due; ask again.
        """
        if n <= 0 or not segments:
            return []
        n = min(n, _CHUNK)
        aside_until = now + timedelta(seconds=ASIDE_S)
        base = f"{_CAMPAIGNS}{campaign}"
        keys = (*_MARKS, f"{base}:aside", f"{base}:turns")
        arguments: list[str | int | float] = [n, seconds(now), seconds(until), 4 * n + 50, seconds(aside_until)]
        arguments += (base, "".join(f"{share.name}\t{share.weight}\t{share.priority}\n" for share in segments))
        return leads_of(_lines(await self._redis.run(_LEASE, keys, arguments)))

    async def renew(self, call_ids: Iterable[str], until: datetime) -> list[str]:
        """Hold leases until `until`; return the call ids that hold none any more."""
        calls = list(call_ids)
        scores = await self._redis.together([("ZSCORE", _DEADLINES, call) for call in calls]) if calls else []
        held = [call for call, score in zip(calls, scores, strict=True) if score is not None]
        if held:
            # XX: a lease that ended in between stays ended.
            pairs = [part for call in held for part in (seconds(until), call)]
            await self._redis.call("ZADD", _DEADLINES, "XX", *pairs)
        return [call for call, score in zip(calls, scores, strict=True) if score is None]

    async def release(self, calls: Iterable[QueuedLead | str]) -> list[QueuedLead]:
        """End leases (call over or refused): debtor and phone are free; return those that were held."""
        ids = [call if isinstance(call, str) else call.call_id for call in calls]
        return await self._end(ids, "+inf")

    async def late(self, now: datetime) -> list[str]:
        """Return some calls whose lease is over and still held: whoever ends it counts the call first."""
        command = ("ZRANGEBYSCORE", _DEADLINES, "-inf", seconds(now), "LIMIT", 0, _CHUNK)
        return [str(call) for call in await self._redis.call(*command)]

    async def expire(self, now: datetime, calls: Sequence[str] | None = None) -> list[QueuedLead]:
        """End leases whose deadline has passed, of these calls or of all; SQL says whether they are offered again."""
        if calls is not None:
            return await self._end(calls, seconds(now))
        ended: list[QueuedLead] = []
        while late := await self.late(now):
            ended += await self._end(late, seconds(now))
        return ended

    async def _end(self, call_ids: Sequence[str], bound: str | float) -> list[QueuedLead]:
        ended: list[QueuedLead] = []
        for chunk in _chunks(call_ids):
            ended += leads_of(_lines(await self._redis.run(_RELEASE, (*_MARKS, _OWNERS), (bound, _CAMPAIGNS, *chunk))))
        return ended

    async def depth(self, campaign: str) -> dict[str, int]:
        """Return how many leads each segment holds, due or not; those set aside are not among them."""
        standing = await self.standing(campaign)
        return {name: ready + standing.waiting[name] for name, ready in standing.ready.items()}

    async def standing(self, campaign: str) -> Standing:
        """Return where the campaign's leads stand, by segment."""
        base = f"{_CAMPAIGNS}{campaign}"
        names = sorted(await self._redis.call("SMEMBERS", f"{base}:segments"))
        queues = [f"{base}:{queue}:{name}" for queue in ("ready", "waiting") for name in names]
        sizes = await self._redis.together([("ZCARD", key) for key in (*queues, f"{base}:aside")])
        *of_segments, aside = map(int, sizes)
        ready = dict(zip(names, of_segments[: len(names)], strict=True))
        waiting = dict(zip(names, of_segments[len(names) :], strict=True))
        return Standing(ready, waiting, aside)

    async def aside(self, campaign: str) -> int:
        """Return how many leads rest because their debtor or phone is in a call."""
        return (await self.standing(campaign)).aside

    async def clear(self, campaign: str) -> int:
        """Empty the campaign's queues and return how many leads left; its leases stay until their calls end."""
        base = f"{_CAMPAIGNS}{campaign}"
        names = (await self.standing(campaign)).ready
        queues = [f"{base}:{queue}:{name}" for queue in ("ready", "waiting") for name in names]
        removed = 0
        for queue in (*queues, f"{base}:aside"):
            while ids := await self._redis.call("ZRANGE", queue, 0, _CHUNK - 1):
                removed += int(await self._redis.run(_REMOVE, (_QUEUED, _OWNERS, _LEASED, queue), (_CAMPAIGNS, *ids)))
        await self._redis.call("DEL", f"{base}:turns")
        return removed

    async def leased(self) -> list[QueuedLead]:
        """Return every lease, of all campaigns: what may be in a call now."""
        return await self._held(await self._redis.call("HVALS", _LEASED))

    async def _held(self, leases: Sequence[str | None]) -> list[QueuedLead]:
        """Return the leads of these leases, without those that end meanwhile."""
        ids = [lease for lease in leases if lease and "\t" not in lease]
        records = [lease for lease in leases if lease and "\t" in lease]
        for chunk in _chunks(ids):
            records += await self._redis.call("HMGET", _QUEUED, *chunk)
        return leads_of(record for record in records if record)

    async def remove_debtor(self, debtor_id: int) -> int:
        """Take a debtor out of every queue (suppressed, paid); return how many leads left. A call goes on."""
        ids = str(await self._redis.call("HGET", _OWNERS, debtor_id) or "")
        keys = (_QUEUED, _OWNERS, _LEASED)
        return int(await self._redis.run(_REMOVE, keys, (_CAMPAIGNS, *ids.split(",")))) if ids else 0

    async def _sweep(self) -> None:
        """Once a process: an older version's queues would never be read again; the books fill the new ones."""
        if not self._swept:
            await former.sweep(self._redis, _ROOT)
            self._swept = True


def _lines(answer: str) -> list[str]:
    return answer.split("\n") if answer else []


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
