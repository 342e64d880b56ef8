"""Placing calls: what the pacers want, leased, committed as intents, and only then written to Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from campaigns.compliance import local_day, may_dial
from campaigns.journal import Intent
from dialer import metrics
from dialer.call import UNJOINED, Call, CallRules, Recording
from dialer.config import CampaignConfig, Config, TrunkConfig, Window
from dialer.engine.book import Book
from dialer.engine.floor import Floor
from dialer.engine.keeper import Keeper, Part
from dialer.engine.lane import Lane, Trunk
from dialer.engine.plane import Plane
from dialer.events import NotPlaced, Written
from dialer.routing import Want
from dialer.types import AttemptRecord, Clock, QueuedLead, Refused, Unavailable, Verdict

log = structlog.get_logger("dialer.dialling")

GROUP_S = 0.025
"""Intents of this long are committed together."""

GROUP_MAX = 50


class Hopper(Protocol):
    """Where leads are leased."""

    async def lease(
        self, campaign: str, segments: Sequence[str], n: int, now: datetime, until: datetime
    ) -> list[QueuedLead]:
        """Lease up to n due leads."""
        ...


class Journal(Protocol):
    """Where intents are committed."""

    async def commit_intents(self, intents: Sequence[Intent]) -> list[Verdict]:
        """Commit a group; only what is Allowed may be dialled."""
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
        self._parts = parts
        self._incarnation = incarnation
        self._trunks = {trunk.name: Trunk.of(trunk) for trunk in config.trunks}
        dialing = config.dialing
        self.rules = CallRules(dialing.ring_timeout_s, dialing.min_ring_s, dialing.connect_within_s, dialing.dead_leg_s)
        self.closed: str | None = None
        self.on_refused: Callable[[Lane, QueuedLead, Refused], None] = lambda lane, lead, refused: None

    async def run(self) -> None:
        """Decide and dial for ever."""
        while True:
            await self.turn()
            await asyncio.sleep(GROUP_S)

    async def turn(self) -> None:
        """Let due pacers decide, then place one group of calls."""
        now = self._clock.now()
        calls = list(self._book.calls())
        for lane in self._lanes.values():
            self._decide(lane, now.timestamp(), calls)
        tickets: list[Ticket] = []
        try:
            for lane in self._lanes.values():
                tickets += await self._tickets(lane, GROUP_MAX - len(tickets))
            if tickets:
                await self._place(tickets)
        except Unavailable as exc:
            # What was leased and not committed was never placed; the leases run out by themselves.
            part = "database" if tickets else "redis"
            self._parts[part].failed(str(exc))
            self._keeper.release([ticket.lead.call_id for ticket in tickets])

    def _decide(self, lane: Lane, now: float, calls: Iterable[Call]) -> None:
        if now - lane.decided_at < lane.pacer.tick_s and now >= lane.decided_at:
            return
        mine = [c for c in calls if c.record.campaign == lane.name and c.record.node == lane.node]
        decision = lane.decide(now, mine, self._floor.of(lane.name, lane.node))
        lane.gate = self._gate(lane, mine)
        metrics.PACING_WANTED.labels(lane.name).set(decision.dial)

    def _gate(self, lane: Lane, mine: Sequence[Call]) -> str | None:
        """Return why this lane may not dial at all now, or None."""
        if self.closed is not None:
            return self.closed
        if lane.state != "running":
            return f"campaign is {lane.state}"
        for part in self._parts.values():
            if not part.ok:
                return f"{part.name}: {part.detail}"
        if self._keeper.full:
            return f"{self._keeper.backlog} records wait to be stored"
        if len(self._book) >= self._config.dialing.max_lines:
            return f"all {self._config.dialing.max_lines} lines are in use (dialing.max_lines)"
        if sum(1 for call in mine if call.stage in UNJOINED) >= lane.campaign.max_lines:
            return f"all {lane.campaign.max_lines} lines of the campaign are in use (max_lines)"
        return self._plane.gate(lane.node)

    async def _tickets(self, lane: Lane, room: int) -> list[Ticket]:
        """Lease as many leads as lane, trunks and lines allow; the rest of the wish waits for the next turn."""
        if lane.gate is not None or lane.wanted <= 0 or room <= 0 or self.closed is not None:
            return []
        if self._plane.link_down(lane.node) is not None:  # the gate is half a second old
            return []
        now = self._clock.now()
        lines = self._take_lines(lane, min(lane.wanted, room), now.timestamp())
        if not lines:
            return []
        until = now + timedelta(seconds=self._config.dialing.lease_s)
        by_priority = sorted(lane.campaign.segments, key=lambda segment: -segment.priority)
        names = [segment.name for segment in by_priority]
        leads = await self._hopper.lease(lane.name, names, len(lines), now, until)
        self._parts["redis"].works()
        for trunk in lines[len(leads) :]:
            trunk.bucket = trunk.bucket.give_back(1)
        lane.wanted -= len(leads) if leads else lane.wanted
        return [
            Ticket(lane, lead, trunk, self._record(lane, lead, trunk.config))
            for lead, trunk in zip(leads, lines, strict=False)
        ]

    def _take_lines(self, lane: Lane, n: int, now: float) -> list[Trunk]:
        """Return a trunk for each call that may be placed now: within its rate and its channels."""
        taken: list[Trunk] = []
        for name in lane.campaign.trunks:
            trunk = self._trunks[name]
            if trunk.config.node != lane.node:
                continue
            busy = sum(1 for call in self._book.calls() if call.record.trunk == name)
            free = min(n - len(taken), trunk.config.channels - busy)
            granted, trunk.bucket = trunk.bucket.take(max(free, 0), now)
            taken += [trunk] * granted
        return taken

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
            intent_at=self._clock.now(),
        )

    async def _place(self, tickets: Sequence[Ticket]) -> None:
        """Check the clock on the debtor's wall, commit the intents, and write what was allowed."""
        allowed = [ticket for ticket in tickets if self._in_hours(ticket)]
        if not allowed:
            return
        intents = [
            Intent(
                ticket.record,
                local_day(ticket.lead.time_zone, ticket.record.intent_at),
                ticket.lane.campaign.max_tries_per_phone_per_day,
            )
            for ticket in allowed
        ]
        verdicts = await self._journal.commit_intents(intents)
        self._parts["database"].works()
        for ticket, verdict in zip(allowed, verdicts, strict=True):
            if isinstance(verdict, Refused):
                self._refuse(ticket, verdict)
            else:
                self._originate(ticket)

    def _in_hours(self, ticket: Ticket) -> bool:
        windows = tuple(Window.parse(line) for line in ticket.lane.campaign.windows)
        dialing = self._config.dialing
        ring_s = dialing.ring_timeout_s + dialing.setup_s
        verdict = may_dial(windows, ticket.lead.time_zone, self._clock.now(), ring_s)
        if isinstance(verdict, Refused):
            self._refuse(ticket, verdict)
            return False
        return True

    def _refuse(self, ticket: Ticket, refused: Refused) -> None:
        metrics.REFUSED.labels(refused.rule).inc()
        log.info("refused", call_id=ticket.lead.call_id, rule=refused.rule, detail=refused.detail or None)
        self.on_refused(ticket.lane, ticket.lead, refused)
        self._keeper.release([ticket.lead.call_id])

    def _originate(self, ticket: Ticket) -> None:
        lane, lead = ticket.lane, ticket.lead
        call = Call(record=ticket.record, rules=self.rules, recording=recording_of(lane.campaign))
        want = want_of(lane.campaign, lead.segment, lead.language, lead.last_agent)
        self._book.add(call, want)
        if lane.state != "running" or self.closed is not None:
            # Stopped while the intent was being committed: the try is given back, nobody was called.
            self._book.apply(call.call_id, NotPlaced("stopped before the call was placed"))
            return
        self._plane.originate(call, ticket.trunk.config, lane.campaign, want.language)

    def written(self, call_id: str) -> None:
        """The Originate is on its way."""
        self._book.apply(call_id, Written())

    def not_placed(self, call_id: str, detail: str) -> None:
        """The Originate was refused or never written."""
        log.warning("not placed", call_id=call_id, detail=detail)
        self._book.apply(call_id, NotPlaced(detail))
