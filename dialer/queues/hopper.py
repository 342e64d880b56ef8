"""The hopper: who is called next, leased so that no debtor and no phone is ever in two calls at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from dialer.queues.connection import TAG, LuaScript, RedisLink
from dialer.types import InputError, QueuedLead

ASIDE_S = 30.0
"""How long a lead whose phone is in another call rests before it is looked at again.

A lead set aside because of its debtor returns at once when that call ends.
"""

_CHUNK = 500
"""Leads, or calls, handled in one script run, so that Redis is never blocked for long."""

_ROOT = f"{TAG}:hopper"
_CAMPAIGNS = f"{_ROOT}:campaign:"
_LEADS = f"{_ROOT}:leads"  # lead id -> record, everyone queued or set aside
_OWNERS = f"{_ROOT}:owners"  # lead id scored by debtor id: finds a debtor's leads
_LEASED = f"{_ROOT}:leased"  # call id -> record
_DEADLINES = f"{_ROOT}:deadlines"  # call id scored by the end of its lease
_DEBTORS = f"{_ROOT}:debtors"  # debtor id -> the call that holds it
_PHONES = f"{_ROOT}:phones"  # phone -> the call that holds it


def _script(name: str) -> LuaScript:
    return LuaScript(files("dialer.queues").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8"))


_OFFER, _LEASE, _RELEASE, _REMOVE = (_script(name) for name in ("offer", "lease", "release", "remove"))


class Hopper:
    """Queues of leads by campaign and segment, and the leases on those being called.

    Every change is one atomic script: a crash leaves a lead queued or leased, never both and never neither.
    Deadlines are stored times of the dialer's clock. Every method raises Unavailable when Redis is away.
    """

    def __init__(self, redis: RedisLink) -> None:
        """Use this Redis."""
        self._redis = redis

    async def offer(self, campaign: str, leads: Sequence[QueuedLead]) -> int:
        """Queue leads and return how many are new; those queued already or whose debtor is in a call are ignored."""
        keys = (_LEADS, _OWNERS, _DEBTORS, f"{_CAMPAIGNS}{campaign}:segments")
        added = 0
        for chunk in _chunks(leads):
            arguments: list[str | int | float] = [f"{_CAMPAIGNS}{campaign}:queue:"]
            for lead in chunk:
                arguments += (lead.lead_id, lead.debtor_id, lead.segment, _seconds(lead.due_at))
                arguments.append(_record(campaign, lead))
            added += int(await self._redis.run(_OFFER, keys, arguments))
        return added

    async def lease(
        self, campaign: str, segments: Sequence[str], n: int, now: datetime, until: datetime
    ) -> list[QueuedLead]:
        """Lease up to n due leads until `until`: segments in the order given, earliest due first.

        Looks at a bounded number of leads: fewer than n may come back although more are due; ask again.
        """
        if n <= 0:
            return []
        aside_until = now + timedelta(seconds=ASIDE_S)
        base = f"{_CAMPAIGNS}{campaign}"
        keys = (_LEADS, _LEASED, _DEADLINES, _DEBTORS, _PHONES, _OWNERS, f"{base}:aside")
        times = (_seconds(now), _seconds(until), 4 * n + 50, _seconds(aside_until))
        given = await self._redis.run(_LEASE, keys, (n, *times, f"{base}:queue:", *segments))
        return [_lead(record) for record in given]

    async def renew(self, call_ids: Iterable[str], until: datetime) -> list[str]:
        """Hold leases until `until`; return the call ids that hold none any more."""
        calls = list(call_ids)
        scores = await self._redis.together([("ZSCORE", _DEADLINES, call) for call in calls]) if calls else []
        held = [call for call, score in zip(calls, scores, strict=True) if score is not None]
        if held:
            # XX: a lease that ended in between stays ended.
            pairs = [part for call in held for part in (_seconds(until), call)]
            await self._redis.call("ZADD", _DEADLINES, "XX", *pairs)
        return [call for call, score in zip(calls, scores, strict=True) if score is None]

    async def release(self, calls: Iterable[QueuedLead | str]) -> list[QueuedLead]:
        """End leases (call over or refused): debtor and phone are free; return those that were held."""
        ids = [call if isinstance(call, str) else call.call_id for call in calls]
        return await self._end(ids, "+inf")

    async def expire(self, now: datetime) -> list[QueuedLead]:
        """End every lease whose deadline has passed and return them; SQL says whether they are offered again."""
        ended: list[QueuedLead] = []
        while late := await self._redis.call("ZRANGEBYSCORE", _DEADLINES, "-inf", _seconds(now), "LIMIT", 0, _CHUNK):
            ended += await self._end(late, _seconds(now))
        return ended

    async def _end(self, call_ids: Sequence[str], bound: str | float) -> list[QueuedLead]:
        keys = (_LEADS, _LEASED, _DEADLINES, _DEBTORS, _PHONES, _OWNERS)
        ended: list[QueuedLead] = []
        for chunk in _chunks(call_ids):
            records = await self._redis.run(_RELEASE, keys, (bound, _CAMPAIGNS, *chunk))
            ended += [_lead(record) for record in records]
        return ended

    async def depth(self, campaign: str) -> dict[str, int]:
        """Return how many leads wait in each segment, due or not; those set aside are not among them."""
        segments = sorted(await self._redis.call("SMEMBERS", f"{_CAMPAIGNS}{campaign}:segments"))
        if not segments:
            return {}
        sizes = await self._redis.together(
            [("ZCARD", f"{_CAMPAIGNS}{campaign}:queue:{segment}") for segment in segments]
        )
        return dict(zip(segments, map(int, sizes), strict=True))

    async def aside(self, campaign: str) -> int:
        """Return how many leads rest because their debtor or phone is in a call."""
        return int(await self._redis.call("ZCARD", f"{_CAMPAIGNS}{campaign}:aside"))

    async def clear(self, campaign: str) -> int:
        """Empty the campaign's queues and return how many leads left; its leases stay until their calls end."""
        base = f"{_CAMPAIGNS}{campaign}"
        queues = [f"{base}:queue:{segment}" for segment in await self.depth(campaign)]
        removed = 0
        for queue in (*queues, f"{base}:aside"):
            while ids := await self._redis.call("ZRANGE", queue, 0, _CHUNK - 1):
                removed += int(await self._redis.run(_REMOVE, (_LEADS, _OWNERS, queue), (_CAMPAIGNS, *ids)))
        return removed

    async def leased(self) -> list[QueuedLead]:
        """Return every lease, of all campaigns: what may be in a call now."""
        return [_lead(record) for record in await self._redis.call("HVALS", _LEASED)]

    async def remove_debtor(self, debtor_id: int) -> int:
        """Take a debtor out of every queue (suppressed, paid); return how many leads left. A call goes on."""
        ids = await self._redis.call("ZRANGEBYSCORE", _OWNERS, debtor_id, debtor_id)
        return int(await self._redis.run(_REMOVE, (_LEADS, _OWNERS, _OWNERS), (_CAMPAIGNS, *ids))) if ids else 0


def _record(campaign: str, lead: QueuedLead) -> str:
    """Return what Redis keeps: what the scripts read in front, tab-separated, then the lead as JSON."""
    head = (lead.segment, _seconds(lead.due_at), lead.debtor_id, lead.phone, lead.call_id, campaign)
    if any("\t" in str(part) for part in head):
        raise InputError(f"lead {lead.lead_id}: a tab in segment, phone, call id or campaign; remove it")
    return "\t".join((*map(str, head), lead.to_json()))


def _lead(record: str) -> QueuedLead:
    return QueuedLead.from_json(record.split("\t", 6)[6])


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _chunks(items: Sequence[str] | Sequence[QueuedLead]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
