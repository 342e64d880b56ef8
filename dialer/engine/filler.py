"""Keeps the hopper filled with leads that are due and may be called; the others are put off until they may."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from campaigns.callbacks import Standing, promised_to
from campaigns.compliance import Judgement, day_ends, zone_of
from dialer import metrics
from dialer.config import Config
from dialer.engine.counsel import Client, rule_label
from dialer.engine.keeper import Part
from dialer.engine.lane import Lane
from dialer.types import Clock, QueuedLead, Refused, Unavailable

log = structlog.get_logger("dialer.filler")

T = TypeVar("T")

LOW_WATER = 200
"""Below this many leads waiting, a segment is filled again; with many segments it is less."""

MOST_WAITING = 4000
LEAST_WAITING = 20

BATCH = 500
IDLE_S = 0.5
LEAST_IDLE_S = 0.1
"""Of the machine's time: Redis and the database are not asked more often, however fast business time runs."""
UNKNOWN_WAIT = timedelta(hours=24)
"""A lead refused without a known end (an unknown zone, say) rests this long before it is looked at again."""

RULES_WAIT = timedelta(minutes=10)
SHORT_WAIT = timedelta(minutes=1)
RULES_MAY_CHANGE = frozenset({"unapproved_profile", "unknown_profile", "contradictory_profiles"})
"""Refusals that end when somebody approves or writes a profile."""

PASSING = frozenset({"in_call", "already_tried", "phone_retired"})
"""Refusals that soon are no more: the other call ends, the books learn of the try, the next phone is taken."""


class Hopper(Protocol):
    """Where due leads wait."""

    async def offer(self, campaign: str, leads: Sequence[QueuedLead], now: datetime | None = None) -> int:
        """Queue leads that are not queued yet."""
        ...

    async def depth(self, campaign: str) -> dict[str, int]:
        """Return how many wait in each segment."""
        ...

    async def late(self, now: datetime) -> list[str]:
        """Return calls whose lease is over and still held."""
        ...

    async def expire(self, now: datetime, calls: Sequence[str] | None = None) -> list[QueuedLead]:
        """End leases whose time is over."""
        ...


class Lists(Protocol):
    """The books, as far as the filler reads them."""

    async def due_leads(
        self, campaign: str, now: datetime, limit: int, *, only: Collection[str] | None = None, each: int | None = None
    ) -> list[QueuedLead]:
        """Return due leads without an open attempt."""
        ...

    async def callbacks_due(self, lead_ids: Collection[int]) -> Mapping[int, Standing]:
        """Return the open callbacks of these leads."""
        ...

    async def promised_debts(self, account_ids: Collection[int]) -> Mapping[int, date]:
        """Return the debts that are promised to be paid, with the day."""
        ...

    async def postpone(self, until: Mapping[int, datetime]) -> None:
        """Put leads off until these times."""
        ...


class Counsel(Protocol):
    """Who knows whom the rules allow to be called."""

    async def sift(self, client: Client, leads: Iterable[QueuedLead], now: datetime) -> list[Judgement]:
        """Judge leads in their order."""
        ...


class Filler:
    """Offers due leads of running campaigns, never more than a couple of hundred ahead."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        *,
        hopper: Hopper,
        lists: Lists,
        lanes: Callable[[], Iterable[Lane]],
        parts: Mapping[str, Part],
        counsel: Counsel,
        account_for: Callable[[Sequence[str]], Awaitable[None]],
        at_work: Callable[[], Collection[str]],
    ) -> None:
        self._config = config
        self._clock = clock
        self._hopper = hopper
        self._lists = lists
        self._lanes = lanes
        self._parts = parts
        self._counsel = counsel
        self._account_for = account_for
        self._at_work = at_work
        self._wake = asyncio.Event()
        self._put_off: dict[int, datetime] = {}
        self.waiting: dict[str, int] = {}
        self.refused: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def hurry(self) -> None:
        """Fill now: a campaign was started or leads were imported."""
        self._wake.set()

    def put_off(self, lead: QueuedLead, refused: Refused) -> None:
        """A lead was refused right before its call: let it rest until it may be called."""
        self.refused[lead.campaign_id][refused.rule] += 1
        wait = SHORT_WAIT if refused.rule in PASSING else UNKNOWN_WAIT
        if refused.rule in RULES_MAY_CHANGE:
            wait = RULES_WAIT
        self._put_off[lead.lead_id] = refused.until or self._clock.now() + wait

    async def run(self) -> None:
        """Fill for ever; wait out Redis and the database."""
        while True:
            try:
                await self.turn()
            except Unavailable as exc:
                log.debug("filler waits", detail=str(exc))
            try:
                async with asyncio.timeout(max(IDLE_S / self._clock.speed, LEAST_IDLE_S)):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def turn(self) -> None:
        """Fill every running campaign once."""
        await self._postpone()
        now = self._clock.now()
        await self._end_late(now)
        running = {lane.campaign_id: lane for lane in self._lanes() if lane.shut is None}
        for lane in running.values():
            await self._fill(lane, now)

    async def _end_late(self, now: datetime) -> None:
        """End the leases whose time is over, after their calls are counted."""
        while late := await self._guard("redis", self._hopper.late(now)):
            await self._guard("database", self._account_for(late))
            await self._guard("redis", self._hopper.expire(now, late))

    async def _fill(self, lane: Lane, now: datetime) -> None:
        campaign = lane.campaign
        depth = await self._guard("redis", self._hopper.depth(campaign.name))
        self.waiting[campaign.name] = sum(depth.values())
        metrics.HOPPER.labels(campaign.name).set(self.waiting[campaign.name])
        each = _low_water(len(campaign.segments))
        thirsty = {segment.name for segment in campaign.segments if depth.get(segment.name, 0) < each}
        if not thirsty:
            return
        most = each + BATCH // len(thirsty)
        wanted = self._lists.due_leads(campaign.name, now, BATCH, only=thirsty, each=most)
        due = await self._guard("database", wanted)
        allowed = await self._sift(lane, await self._promised(due, now), now)
        if allowed:
            await self._guard("redis", self._hopper.offer(campaign.name, allowed, now))
        await self._postpone()

    async def _promised(self, due: Sequence[QueuedLead], now: datetime) -> list[QueuedLead]:
        """Give promised calls to their agents, and let debts that somebody promised to pay be."""
        urgent = [lead.lead_id for lead in due if lead.priority > 0]
        callbacks = await self._guard("database", self._lists.callbacks_due(urgent)) if urgent else {}
        ready, waiting = promised_to(due, callbacks, now, self._at_work())
        self._put_off |= waiting
        debts = {account for lead in ready for account in lead.accounts}
        promised = await self._guard("database", self._lists.promised_debts(debts)) if debts else {}
        return [left for lead in ready if (left := self._left(lead, promised)) is not None]

    def _left(self, lead: QueuedLead, promised: Mapping[int, date]) -> QueuedLead | None:
        """Return the lead with the debts a call may be about; None when all of them are promised, and it rests."""
        left = tuple(account for account in lead.accounts if account not in promised)
        if left or not lead.accounts:
            return replace(lead, accounts=left)
        zone = lead.time_zone if zone_of(lead.time_zone) else "UTC"
        until = day_ends(zone, max(promised[account] for account in lead.accounts))
        self.put_off(lead, Refused("promise", until=until))
        return None

    async def _sift(self, lane: Lane, due: Sequence[QueuedLead], now: datetime) -> list[QueuedLead]:
        """Return the leads that may be called now; the others are put off until they may."""
        allowed: list[QueuedLead] = []
        judged = await self._guard("redis", self._counsel.sift(lane.client, due, now))
        for lead, judgement in zip(due, judged, strict=True):
            verdict = judgement.verdict
            if isinstance(verdict, Refused):
                metrics.REFUSED.labels(rule_label(verdict.rule)).inc()
                self.put_off(lead, verdict)
            else:
                allowed.append(lead)
        return allowed

    async def _postpone(self) -> None:
        if not self._put_off:
            return
        waiting, self._put_off = self._put_off, {}
        try:
            await self._guard("database", self._lists.postpone(waiting))
        except Unavailable:
            self._put_off = {**waiting, **self._put_off}
            raise

    async def _guard(self, part: str, asked: Awaitable[T]) -> T:
        try:
            answer = await asked
        except Unavailable as exc:
            self._parts[part].failed(str(exc))
            raise
        if part != "database":  # reading works beside a lock that stops all writing: only a write proves anything
            self._parts[part].works()
        return answer


def _low_water(segments: int) -> int:
    """Return how many leads of each segment wait in the hopper: what is there is not judged by the newest rules."""
    return max(LEAST_WAITING, min(LOW_WATER, MOST_WAITING // max(segments, 1)))
