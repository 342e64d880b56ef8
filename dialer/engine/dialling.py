"""Placing calls: what the pacers want, leased, committed as intents, and only then written to Asterisk."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from campaigns.audit import Decision, decision_of
from campaigns.compliance import local_day
from campaigns.journal import Intent
from dialer import metrics
from dialer.call import UNJOINED, Call, CallRules, Recording
from dialer.config import CampaignConfig, Config, TrunkConfig
from dialer.engine.book import Book
from dialer.engine.counsel import Cleared, Client, rule_label
from dialer.engine.floor import Floor
from dialer.engine.keeper import Keeper, Part
from dialer.engine.lane import Lane
from dialer.engine.lines import Lines, Trunk
from dialer.engine.plane import Plane
from dialer.events import CancelOrdered, NotPlaced, Written
from dialer.queues.hopper import SegmentShare
from dialer.routing import Want
from dialer.types import AttemptRecord, Clock, QueuedLead, Refused, Unavailable, Verdict

log = structlog.get_logger("dialer.dialling")

T = TypeVar("T")

GROUP_S = 0.05
"""Intents of this long are committed together; less where business time runs so fast that pacers decide as often."""

GROUP_MAX = 50
STEP = 20
MOST_STEPS = 4


class Hopper(Protocol):
    """Where leads are leased."""

    async def lease(
        self, campaign: str, segments: Sequence[SegmentShare], n: int, now: datetime, until: datetime
    ) -> list[QueuedLead]:
        """Lease up to n due leads."""
        ...


class Journal(Protocol):
    """Where intents are committed."""

    async def commit_intents(self, intents: Sequence[Intent]) -> list[Verdict]:
        """Commit a group; only what is Allowed may be dialled."""
        ...


class Counsel(Protocol):
    """Who knows whom the rules allow to be called."""

    async def clear(self, calls: Sequence[tuple[Client, QueuedLead]], now: datetime) -> list[Cleared]:
        """Judge calls in their order and reserve the room of each."""
        ...


@dataclass(frozen=True, slots=True)
class Ticket:
    """A leased lead on its way to Asterisk."""

    lane: Lane
    lead: QueuedLead
    trunk: Trunk
    record: AttemptRecord


def want_of(campaign: CampaignConfig, segment: str, language: str, last_agent: str | None) -> Want:
    """Return what a lead of this segment asks of an agent; a segment that is gone asks for the language only."""
    for candidate in campaign.segments:
        if candidate.name == segment:
            return Want(candidate.skills, candidate.language or language or campaign.language, last_agent)
    return Want({}, language or campaign.language, last_agent)


def shares_of(campaign: CampaignConfig) -> list[SegmentShare]:
    """Return what part of the calls each segment gets while all have somebody to call.

    Without a weight the priority decides: each step counts twenty times the one below it, so that a high one is
    called first and a low one is never forgotten.
    """
    steps = sorted({segment.priority for segment in campaign.segments})
    return [
        SegmentShare(each.name, each.weight or STEP ** min(steps.index(each.priority), MOST_STEPS), each.priority)
        for each in campaign.segments
    ]


def recording_of(campaign: CampaignConfig) -> Recording:
    """Return whether and when conversations of this campaign are recorded."""
    if not campaign.recording:
        return Recording.NO
    return Recording.NOTICE if campaign.recording_notice else Recording.NOW


class Dialling:
    """The dialling loop of all lanes. Every refusal has a reason that the wallboard shows."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        *,
        lanes: Mapping[tuple[int, str], Lane],
        book: Book,
        floor: Floor,
        plane: Plane,
        keeper: Keeper,
        hopper: Hopper,
        journal: Journal,
        counsel: Counsel,
        parts: Mapping[str, Part],
        incarnation: Callable[[str], str],
    ) -> None:
        self._config = config
        self._clock = clock
        self._lanes = lanes
        self._book = book
        self._floor = floor
        self._plane = plane
        self._keeper = keeper
        self._hopper = hopper
        self._journal = journal
        self._counsel = counsel
        self._parts = parts
        self._incarnation = incarnation
        self._lines = Lines(config.nodes, config.trunks)
        dialing = config.dialing
        self.rules = CallRules(
            dialing.ring_timeout_s, dialing.setup_s, dialing.min_ring_s, dialing.connect_within_s, dialing.dead_leg_s
        )
        self.closed: str | None = None
        self.on_refused: Callable[[Lane, QueuedLead, Refused], None] = lambda lane, lead, refused: None
        self.on_decision: Callable[[Decision], None] = lambda decision: None

    async def run(self) -> None:
        """Decide and dial for ever."""
        while True:
            await self.turn()
            await asyncio.sleep(self.pause_s)

    @property
    def pause_s(self) -> float:
        """Return the machine's seconds between two groups: pacers are asked twice as often as they decide, at least."""
        halves = [lane.pacer.tick_s / self._clock.speed / 2 for lane in self._lanes.values()]
        return min([GROUP_S, *halves])

    async def turn(self) -> None:
        """Let due pacers decide, then place one group of calls."""
        now = self._clock.now().timestamp()
        calls = list(self._book.calls())
        lanes = list(self._lanes.values())  # campaigns come and go while Redis and the database are asked
        for lane in lanes:
            self._decide(lane, now, calls)
        tickets: list[Ticket] = []
        try:
            for lane in lanes:
                tickets += await self._tickets(lane, tickets)
            if tickets:
                await self._place(tickets)
        except Unavailable:
            self._give_up(tickets, lanes)

    def _give_up(self, tickets: Sequence[Ticket], lanes: Sequence[Lane]) -> None:
        """Redis or the database is away: what was leased and not committed was never placed; ask again later."""
        self._keeper.release([ticket.lead.call_id for ticket in tickets])
        self._lines.give_back([ticket.trunk for ticket in tickets])
        for lane in lanes:
            lane.wanted = 0

    def _decide(self, lane: Lane, now: float, calls: Sequence[Call]) -> None:
        if now - lane.decided_at < lane.pacer.tick_s and now >= lane.decided_at:
            return
        mine = [c for c in calls if c.record.campaign == lane.name and c.record.node == lane.node]
        decision = lane.decide(now, mine, self._floor.of(lane.name, lane.node))
        lane.gate = self.gate(lane)
        metrics.PACING_WANTED.labels(lane.name).set(decision.dial)
        for name, gauge in metrics.PACING_GAUGES.items():
            gauge.labels(lane.name).set(getattr(lane.pacer.gauges, name))
        for call_id in lane.to_cancel:
            # It has rung long enough, and nobody will be free for whoever answers.
            self._book.apply(call_id, CancelOrdered())

    def gate(self, lane: Lane) -> str | None:
        """Return why this lane may not dial at all now, or None."""
        if self.closed is not None:
            return self.closed
        if (shut := lane.shut) is not None:
            return shut
        for part in self._parts.values():
            if not part.ok:
                return f"{part.name}: {part.detail}"
        if self._keeper.full:
            return f"{self._keeper.backlog} records wait to be stored"
        if len(self._book) >= self._config.dialing.max_lines:
            return f"all {self._config.dialing.max_lines} lines are in use (dialing.max_lines)"
        if self._unjoined(lane) >= lane.campaign.max_lines:
            return f"all {lane.campaign.max_lines} lines of the campaign are in use (max_lines)"
        return self._plane.gate(lane.node)

    def _unjoined(self, lane: Lane) -> int:
        """Return how many calls of the campaign, on all nodes, are not with an agent yet."""
        return sum(1 for call in self._book.calls() if call.record.campaign == lane.name and call.stage in UNJOINED)

    def _room(self, lane: Lane, tickets: Sequence[Ticket]) -> int:
        """Return how many more calls fit: into the group, into all lines and into the campaign's."""
        leased = sum(1 for ticket in tickets if ticket.lane.name == lane.name)
        return min(
            GROUP_MAX - len(tickets),
            self._config.dialing.max_lines - len(self._book) - len(tickets),
            lane.campaign.max_lines - self._unjoined(lane) - leased,
        )

    async def _tickets(self, lane: Lane, before: Sequence[Ticket]) -> list[Ticket]:
        """Lease as many leads as lane, trunks and lines allow; the rest of the wish waits for the next turn."""
        if lane.gate is not None or lane.wanted <= 0 or lane.state != "running" or self.closed is not None:
            return []
        now = self._clock.now()
        lines = self._take_lines(lane, min(lane.wanted, self._room(lane, before)), before, now)
        if not lines:
            return []
        leads: list[QueuedLead] = []
        try:
            leads = await self._asked("redis", self._lease(lane, len(lines), now))
        finally:
            self._lines.give_back(lines[len(leads) :])
        lane.wanted -= len(leads) if leads else lane.wanted
        return [
            Ticket(lane, lead, trunk, self._record(lane, lead, trunk.config))
            for lead, trunk in zip(leads, lines, strict=False)
        ]

    def _take_lines(self, lane: Lane, n: int, before: Sequence[Ticket], now: datetime) -> list[Trunk]:
        busy = Counter(call.record.trunk for call in self._book.calls())
        busy.update(ticket.record.trunk for ticket in before)
        return self._lines.take(lane.campaign.trunks, lane.node, n, busy, now.timestamp())

    def _lease(self, lane: Lane, n: int, now: datetime) -> Awaitable[list[QueuedLead]]:
        until = now + timedelta(seconds=self._config.dialing.lease_s)
        return self._hopper.lease(lane.name, shares_of(lane.campaign), n, now, until)

    async def _asked(self, part: str, asked: Awaitable[T]) -> T:
        """Return the answer of a part, and keep its health."""
        try:
            answer = await asked
        except Unavailable as exc:
            self._parts[part].failed(str(exc))
            raise
        self._parts[part].works()
        return answer

    def _record(self, lane: Lane, lead: QueuedLead, trunk: TrunkConfig) -> AttemptRecord:
        return AttemptRecord(
            call_id=lead.call_id,
            campaign_id=lead.campaign_id,
            campaign=lane.name,
            segment=lead.segment,
            lead_id=lead.lead_id,
            debtor_id=lead.debtor_id,
            debtor=lead.debtor,
            phone_id=lead.phone_id,
            phone=lead.phone,
            try_no=lead.try_no,
            node=lane.node,
            trunk=trunk.name,
            incarnation=self._incarnation(lane.node),
            time_zone=lead.time_zone,
            accounts=lead.accounts,
            place=lead.place,
            intent_at=self._clock.now(),
        )

    async def _place(self, tickets: Sequence[Ticket]) -> None:
        """Let counsel clear each call, commit the intents, and write what was allowed."""
        cleared = list(zip(tickets, await self._cleared(tickets), strict=True))
        intents = [(ticket, self._intent(ticket, each)) for ticket, each in cleared if each.judgement.allowed]
        # Before anybody is refused: when it fails, all tickets of the group are given back, each once.
        answers = await self._committed([intent for _, intent in intents])
        for ticket, each in cleared:
            if isinstance(verdict := each.judgement.verdict, Refused):
                self.on_decision(decision_of(ticket.record, each.evidence, verdict))
                self._refuse(ticket, verdict)
        for (ticket, intent), answer in zip(intents, answers, strict=True):
            if isinstance(answer, Refused):
                self._refuse(ticket, answer)
            else:
                self._originate(replace(ticket, record=intent.record))

    async def _committed(self, intents: Sequence[Intent]) -> list[Verdict]:
        return await self._asked("database", self._journal.commit_intents(intents)) if intents else []

    async def _cleared(self, tickets: Sequence[Ticket]) -> list[Cleared]:
        calls = [(ticket.lane.client, ticket.lead) for ticket in tickets]
        return await self._asked("redis", self._counsel.clear(calls, self._clock.now()))

    def _intent(self, ticket: Ticket, cleared: Cleared) -> Intent:
        zone = ticket.lead.time_zone or cleared.judgement.zones[0]
        record = replace(ticket.record, time_zone=zone)
        day, limit = local_day(zone, record.intent_at), ticket.lane.campaign.max_tries_per_phone_per_day
        return Intent(record, day, limit, cleared.lists, cleared.evidence)

    def _refuse(self, ticket: Ticket, refused: Refused) -> None:
        metrics.REFUSED.labels(rule_label(refused.rule)).inc()
        log.info("refused", call_id=ticket.lead.call_id, rule=refused.rule, detail=refused.detail or None)
        self.on_refused(ticket.lane, ticket.lead, refused)
        self._keeper.release([ticket.lead.call_id])
        self._lines.give_back([ticket.trunk])

    def _originate(self, ticket: Ticket) -> None:
        lane, lead = ticket.lane, ticket.lead
        if self._book.remembered(lead.call_id) is not None:
            # The commit was acknowledged so late that the reconciliation found the intent first, and closed it.
            log.warning("intent closed meanwhile", call_id=lead.call_id)
            return
        call = Call(record=ticket.record, rules=self.rules, recording=recording_of(lane.campaign))
        want = want_of(lane.campaign, lead.segment, lead.language, lead.last_agent)
        self._book.add(call, want)
        if lane.state != "running" or self.closed is not None:
            # Stopped while the intent was being committed: the try is given back, nobody was called.
            self._book.apply(call.call_id, NotPlaced("stopped before the call was placed"))
            return
        lane.dials(ticket.record)
        self._plane.originate(call, ticket.trunk.config, lane.campaign, want.language)

    def written(self, call_id: str) -> None:
        """The Originate is on its way."""
        self._book.apply(call_id, Written())

    def not_placed(self, call_id: str, detail: str) -> None:
        """The Originate was refused or never written."""
        log.warning("not placed", call_id=call_id, detail=detail)
        self._book.apply(call_id, NotPlaced(detail))
