"""The engine's lawyer: which leads may be called, room in the ledger for each call, and what an ended call leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from campaigns.approvals import Standing, unapproved
from campaigns.audit import DialEvidence, evidence_of
from campaigns.compliance import (
    Ended,
    Happening,
    Judgement,
    Library,
    Limit,
    Position,
    Subject,
    Tally,
    Terms,
    counts_as_attempt,
    happenings,
    inbound_happenings,
    keys,
    limits,
)
from campaigns.compliance.happenings import COUNTED
from campaigns.standpoint import judged, subject_of, subject_of_call, terms_of
from dialer.config import CampaignConfig
from dialer.engine.keeper import Part
from dialer.queues.ledger import Attempt, Ending, Over, Reserved
from dialer.types import AttemptRecord, InboundRecord, QueuedLead, Refused, Unavailable

GENERAL_RULES = frozenset(
    [
        "unknown_profile",
        "contradictory_profiles",
        "unknown_zone",
        "outside_window",
        "holiday",
        "suppressed",
        "third_party",
        "workplace",
        "channel_not_authorised",
        "min_days_overdue",
        "wait_after_notice",
        "ledger_unknown",
        "in_call",
        "already_tried",
        "phone_retired",
        "phone_day_limit",
        "opted_out",
        "lead_closed",
        "unknown_lead",
        "unknown_hours",
        "unapproved_profile",
        "agent_not_reserved",
        "promise",
    ]
)
"""Rules that belong to no profile."""


class Ledger(Protocol):
    """Who counts the past."""

    async def reserve_each(self, attempts: Sequence[Attempt]) -> list[Reserved | Over | Refused]:
        """Count each attempt unless a limit is reached."""
        ...

    async def count(self, limits: Sequence[Limit]) -> list[Tally]:
        """Return what each limit has now."""
        ...

    async def settle_each(self, endings: Sequence[Ending]) -> None:
        """End reservations and write what happened."""
        ...

    async def note(self, happenings: Sequence[Happening]) -> None:
        """Write what happened outside our calls."""
        ...


class Rules(Protocol):
    """The rules of this installation."""

    @property
    def library(self) -> Library:
        """Every profile in force now."""
        ...

    def look_again(self) -> None:
        """Take over what changed."""
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """A campaign the engine calls for: its file, and the moment its blocks of days count from."""

    campaign: CampaignConfig
    started_at: datetime | None = None
    _terms: dict[str, Terms] = field(default_factory=dict, compare=False, repr=False)

    def terms(self, segment: str) -> Terms:
        """Return what campaign and segment bring along; a segment that is gone brings nothing of its own."""
        if segment not in self._terms:
            self._terms[segment] = terms_of(self.campaign, segment, self.started_at)
        return self._terms[segment]


@dataclass(frozen=True, slots=True)
class Cleared:
    """The answer about one call: the judgement, the do-not-call lists that hold for it, and what the audit keeps."""

    judgement: Judgement
    lists: frozenset[str] = frozenset()
    evidence: DialEvidence = field(default_factory=DialEvidence)


class Counsel:
    """Answers for every call. What it does not know, it refuses; `part` says whether the counters are complete."""

    def __init__(self, library: Callable[[], Library], ledger: Ledger, part: Part, ring_s: float) -> None:
        """`library` is asked each time: rules of the house may change; `ring_s` is the longest a phone can ring."""
        self._library = library
        self._ledger = ledger
        self._part = part
        self._ring_s = ring_s
        self.clients: Mapping[int, Client] = {}
        self.standings: Mapping[str, Standing] = {}

    async def sift(self, client: Client, leads: Iterable[QueuedLead], now: datetime) -> list[Judgement]:
        """Judge leads about to be queued, in their order; nothing is reserved. Raises Unavailable."""
        asked = [self._asked(client, lead, now) for lead in leads]
        # First what needs no counting: most of a list may be asleep.
        judged = [self._uncounted(place, subject, now) for place, subject in asked]
        wanted: list[list[Limit]] = [
            list(self._limits(client, place, subject, now)) if judgement.allowed else []
            for (place, subject), judgement in zip(asked, judged, strict=True)
        ]
        counted = iter(await self._ledger.count([limit for each in wanted for limit in each]))
        for number, ((place, subject), each) in enumerate(zip(asked, wanted, strict=True)):
            if each:
                tallies = [next(counted) for _ in each]
                judged[number] = self._judged(client, place, subject, now, tallies)
        return judged

    async def clear(self, calls: Sequence[tuple[Client, QueuedLead]], now: datetime) -> list[Cleared]:
        """Judge calls about to be placed, in their order, and reserve the place of each under every limit in one step.

        Raises Unavailable when Redis is away or its counters are not complete: then nobody may be called.
        """
        asked = [(client, lead, *self._asked(client, lead, now)) for client, lead in calls]
        judged = [self._uncounted(place, subject, now) for _, _, place, subject in asked]
        attempts = [
            Attempt(lead.call_id, now, keys(subject), self._limits(client, place, subject, now))
            for (client, lead, place, subject), judgement in zip(asked, judged, strict=True)
            if judgement.allowed
        ]
        answers = iter(await self._ledger.reserve_each(attempts))
        cleared: list[Cleared] = []
        for (client, _, place, subject), judgement in zip(asked, judged, strict=True):
            if judgement.allowed:
                counted = self._counted(next(answers))
                judgement = self._judged(client, place, subject, now, counted)
            cleared.append(self._cleared(judgement, place))
        return cleared

    def _counted(self, answer: Reserved | Over | Refused) -> tuple[Tally, ...]:
        if isinstance(answer, Refused):
            self._part.failed(answer.detail)
            raise Unavailable(f"ledger: {answer.detail}", error_id=answer.rule)
        return answer.counted

    async def settle(self, calls: Iterable[tuple[str, AttemptRecord | None]]) -> None:
        """Write what ended calls count as, or give their places back; one without a record was never placed.

        Harmless when repeated. Raises Unavailable.
        """
        await self._ledger.settle_each([self._ending(call_id, record) for call_id, record in calls])

    def _ending(self, call_id: str, record: AttemptRecord | None) -> Ending:
        if record is None:
            return Ending(call_id, released=True)
        counts = self.counted_by(record)
        released = record.outcome is not None and not counts_as_attempt(record.outcome, counts)
        return Ending(call_id, happenings(Ended.of(record, record.accounts), counts), released)

    async def heard(self, records: Iterable[InboundRecord]) -> None:
        """Count the conversations of people who called us; harmless when repeated. Raises Unavailable."""
        await self._ledger.note([event for record in records if record.ended_at for event in left_by_caller(record)])

    def left_by(self, record: AttemptRecord) -> tuple[Happening, ...]:
        """Return what a call, as far as it is known, leaves in the ledger."""
        return happenings(Ended.of(record, record.accounts), self.counted_by(record))

    def counted_by(self, record: AttemptRecord) -> frozenset[str]:
        """Return what counts as an attempt where this call went; more than necessary when nobody knows the place."""
        client = self.clients.get(record.campaign_id)
        subject = subject_of_call(record, client.campaign.country if client else "")
        terms = client.terms(record.segment) if client else Terms()
        place = self._library().position(subject, terms, record.intent_at)
        return COUNTED if isinstance(place, Refused) else place.rulebook.facts.attempt_counts

    def _asked(self, client: Client, lead: QueuedLead, now: datetime) -> tuple[Position | Refused, Subject]:
        subject = subject_of(lead, client.campaign.country)
        return self._library().position(subject, client.terms(lead.segment), now), subject

    def _uncounted(self, place: Position | Refused, subject: Subject, now: datetime) -> Judgement:
        """Judge by everything but the counters."""
        judgement = judged(place, subject, now, self._ring_s, ())
        if isinstance(place, Refused):
            return judgement
        more = tuple(unapproved(place.rulebook.bound, self.standings))
        return replace(judgement, refusals=(*judgement.refusals, *more), until=None) if more else judgement

    def _cleared(self, judgement: Judgement, place: Position | Refused) -> Cleared:
        if isinstance(place, Refused):
            return Cleared(judgement, evidence=evidence_of(judgement, None))
        return Cleared(judgement, place.rulebook.facts.dnc, evidence_of(judgement, place.rulebook))

    def _limits(self, client: Client, place: Position | Refused, subject: Subject, now: datetime) -> tuple[Limit, ...]:
        if isinstance(place, Refused):
            return ()
        return limits(place.rulebook, subject, place.zones, now, campaign_started_at=client.started_at)

    def _judged(
        self, client: Client, place: Position | Refused, subject: Subject, now: datetime, tallies: Sequence[Tally]
    ) -> Judgement:
        return judged(place, subject, now, self._ring_s, tallies, campaign_started_at=client.started_at)


def left_by_caller(record: InboundRecord) -> tuple[Happening, ...]:
    """Return what a call from a debtor leaves: a conversation counts, whoever began it."""
    if record.debtor_id is None:
        return ()
    at = record.ended_at or record.bridged_at or record.arrived_at
    joined = record.bridged_at is not None
    return inbound_happenings(record.call_id, record.phone, record.debtor_id, record.accounts, at, joined=joined)


def rule_label(rule: str) -> str:
    """Return a rule as a metric's label; the rules of a house's own profiles share one, so that labels are bounded."""
    known = rule in GENERAL_RULES or rule in _shipped_rules() or rule.split(".")[0] in Library.shipped().profiles
    return rule if known else "other"


@lru_cache(maxsize=1)
def _shipped_rules() -> frozenset[str]:
    rules = [profile.rules for profile in Library.shipped().profiles.values()]
    return frozenset({cap.r for each in rules for cap in each.caps} | {r.r for each in rules for r in each.cooldowns})
