"""Questions about campaigns, leads, agents and debtors that have a name; commits belong to `Store.transaction`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, desc, exists, func, literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.case_models import Import, ImportState
from campaigns.models import (
    Account,
    Agent,
    Attempt,
    AttemptState,
    Campaign,
    CampaignState,
    Debtor,
    Lead,
    LeadState,
    Phone,
    Segment,
)
from campaigns.standpoint import least_overdue
from dialer.config import CampaignConfig
from dialer.types import InputError, QueuedLead, attempt_id

_NEXT_STATES: Mapping[CampaignState, frozenset[CampaignState]] = {
    CampaignState.CREATED: frozenset({CampaignState.RUNNING, CampaignState.STOPPED}),
    CampaignState.RUNNING: frozenset({CampaignState.PAUSED, CampaignState.STOPPING, CampaignState.STOPPED}),
    CampaignState.PAUSED: frozenset({CampaignState.RUNNING, CampaignState.STOPPING, CampaignState.STOPPED}),
    CampaignState.STOPPING: frozenset({CampaignState.STOPPED, CampaignState.RUNNING}),
    CampaignState.STOPPED: frozenset({CampaignState.RUNNING}),
}


def attempt_is_open() -> ColumnElement[bool]:
    """Return the condition under which the database may use its index of open attempts."""
    # Written out, not bound: a partial index is used only for the very words it was made with.
    return Attempt.state == literal(AttemptState.OPEN.value, literal_execute=True)


class Campaigns:
    """The campaigns kept in the database, with the file each was loaded from."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, config: CampaignConfig, definition: str, *, key: str, now: datetime) -> Campaign:
        """Keep a new campaign and its segments; `key` is random and makes its call ids unlike any other's.

        Raises InputError when the name is taken.
        """
        if await self._find(config.name) is not None:
            raise InputError(
                f"campaign {config.name!r} exists already; choose another name", error_id="campaign-exists"
            )
        campaign = Campaign(
            key=key, name=config.name, definition=definition, state=CampaignState.CREATED.value, created_at=now
        )
        self._session.add(campaign)
        await self._session.flush()
        self._session.add_all(
            Segment(campaign_id=campaign.id, name=segment.name, priority=segment.priority)
            for segment in config.segments
        )
        await self._session.flush()
        return campaign

    async def get(self, name: str) -> Campaign:
        """Return a campaign; raise InputError naming the known ones."""
        campaign = await self._find(name)
        if campaign is None:
            known = ", ".join(c.name for c in await self.list()) or "none"
            raise InputError(f"unknown campaign {name!r}; known: {known}", error_id="campaign-unknown")
        return campaign

    async def list(self, *states: CampaignState) -> Sequence[Campaign]:
        """Return the campaigns by name, those in the given states only when states are given."""
        query = select(Campaign).order_by(Campaign.name)
        if states:
            query = query.where(Campaign.state.in_(states))
        return (await self._session.scalars(query)).all()

    async def set_state(self, name: str, state: CampaignState, now: datetime) -> Campaign:
        """Move a campaign on; the same state again changes nothing, an impossible move raises InputError."""
        campaign = await self.get(name)
        current = CampaignState(campaign.state)
        if state is current:
            return campaign
        if state not in _NEXT_STATES[current]:
            raise InputError(f"campaign {name!r} is {current}; it cannot become {state}", error_id="campaign-state")
        campaign.state = state.value
        if state is CampaignState.RUNNING:
            campaign.started_at, campaign.stopped_at = campaign.started_at or now, None
        if state is CampaignState.STOPPED:
            campaign.stopped_at = now
        await self._session.flush()
        return campaign

    async def set_pacing(self, name: str, knobs: Mapping[str, Any]) -> Campaign:
        """Keep these knobs beside those turned before; raises InputError for an unknown campaign."""
        campaign = await self.get(name)
        campaign.pacing = {**campaign.pacing, **knobs}
        await self._session.flush()
        return campaign

    async def segments(self, campaign_id: int) -> Sequence[Segment]:
        """Return a campaign's segments, the one called first at the head."""
        query = (
            select(Segment).where(Segment.campaign_id == campaign_id).order_by(Segment.priority.desc(), Segment.name)
        )
        return (await self._session.scalars(query)).all()

    async def _find(self, name: str) -> Campaign | None:
        return await self._session.scalar(select(Campaign).where(Campaign.name == name))


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """Where a campaign's list stands now."""

    leads: Mapping[str, int]
    due: int
    open_attempts: int
    outcomes: Mapping[str, int]


class Leads:
    """Who is to be called next, and how far a list has come."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def due(
        self,
        campaign: Campaign,
        now: datetime,
        limit: int,
        *,
        only: Collection[str] | None = None,
        each: int | None = None,
    ) -> list[QueuedLead]:
        """Return up to `limit` leads to be called, at most `each` of a segment, urgent ones first, then longest due.

        Segments come by priority, those in `only`. Left out: debtors in a call of any campaign, opted out, or
        without a phone in use, and whoever came with an import that is not published. Every part is read along an
        index, however long the list. Calling windows and limits are checked by whoever dials.
        """
        segments = [s for s in await Campaigns(self._session).segments(campaign.id) if only is None or s.name in only]
        published = await self._published(campaign.id)
        parts = [
            part
            for position, one in enumerate(segments)
            for part in _due(position, one, now, published, min(limit, each or limit))
        ]
        if not parts:
            return []
        found: list[tuple[Row[Any], str]] = []
        seen: set[int] = set()
        taken: Counter[str] = Counter()
        order: tuple[Any, ...] = ("position", "part", desc("priority"), "next_try_at", "lead_id")
        for row in await self._session.execute(union_all(*parts).order_by(*order)):
            name = segments[row.position].name
            if row.lead_id not in seen and len(found) < limit and taken[name] < (each or limit):
                seen.add(row.lead_id)
                taken[name] += 1
                found.append((row, name))
        debts = await self._debts({row.debtor_id for row, _ in found})
        return [_queued(row, campaign, name, debts.get(row.debtor_id, ())) for row, name in found]

    async def _debts(self, people: Collection[int]) -> dict[int, list[tuple[int, int | None]]]:
        """Return the debts of these people with the days each is overdue."""
        found: defaultdict[int, list[tuple[int, int | None]]] = defaultdict(list)
        query = select(Account.debtor_id, Account.id, Account.days_overdue).where(Account.debtor_id.in_(people))
        for debtor_id, account_id, days in await self._session.execute(query):
            found[debtor_id].append((account_id, days))
        return found

    async def _published(self, campaign_id: int) -> list[int]:
        """Return the published imports whose leads still bear the mark of the stage."""
        query = select(Import.id).where(Import.campaign_id == campaign_id, Import.state == ImportState.PUBLISHED.value)
        return list(await self._session.scalars(query))

    async def park(self, lead_id: int, until: datetime) -> None:
        """Let a refused lead rest until it may be asked again, so that it does not stand in the way of others.

        Never sooner than it may be called already: its try may have ended since, and a cool-down be running.
        """
        rested = update(Lead).where(Lead.id == lead_id, Lead.next_try_at < until)
        await self._session.execute(rested.values(next_try_at=until))

    async def counts(self, campaign_id: int, now: datetime) -> CampaignCounts:
        """Return how many leads are in each state, due now, in a call, and what the attempts came to."""
        leads = select(Lead.state, func.count()).where(Lead.campaign_id == campaign_id).group_by(Lead.state)
        due = select(func.count()).where(
            Lead.campaign_id == campaign_id, Lead.state == LeadState.OPEN.value, Lead.next_try_at <= now
        )
        in_call = select(func.count()).where(Attempt.campaign_id == campaign_id, attempt_is_open())
        outcomes = (
            select(Attempt.outcome, func.count())
            .where(Attempt.campaign_id == campaign_id, Attempt.outcome.is_not(None))
            .group_by(Attempt.outcome)
        )
        return CampaignCounts(
            leads=await self._pairs(leads),
            due=await self._session.scalar(due) or 0,
            open_attempts=await self._session.scalar(in_call) or 0,
            outcomes=await self._pairs(outcomes),
        )

    async def _pairs(self, query: Select[*tuple[Any, ...]]) -> dict[str, int]:
        return {str(name): int(count) for name, count in await self._session.execute(query)}


def _due(
    position: int, segment: Segment, now: datetime, published: Sequence[int], limit: int
) -> list[Select[*tuple[Any, ...]]]:
    """Return a segment's questions, in the order of the answers: urgent leads, due ones, those just published."""
    mine = (Lead.campaign_id == segment.campaign_id, Lead.segment_id == segment.id)
    is_open = Lead.state == LeadState.OPEN.value
    urgent = _leads().where(*mine, is_open, Lead.next_try_at <= now, Lead.priority > 0)
    due = _leads().where(*mine, is_open, Lead.next_try_at <= now)
    asked = [urgent.order_by(Lead.priority.desc(), Lead.next_try_at), due.order_by(Lead.next_try_at, Lead.id)]
    for import_id in published:
        staged = Lead.state == literal(LeadState.STAGED.value, literal_execute=True)
        mine_too = (Lead.import_id == import_id, Lead.segment_id == segment.id, staged, Lead.next_try_at <= now)
        asked.append(_leads().where(*mine_too))
    return [
        select(literal(position).label("position"), literal(part).label("part"), query.limit(limit).subquery())
        for part, query in enumerate(asked)
    ]


def _leads() -> Select[*tuple[Any, ...]]:
    """Return the question for leads with all that a call needs; whoever is in a call or unreachable is left out."""
    in_use = (Phone.debtor_id == Lead.debtor_id, Phone.retired_at.is_(None))
    chosen = select(Phone.id).where(*in_use, Phone.id == Lead.phone_id).correlate(Lead).scalar_subquery()
    first = select(Phone.id).where(*in_use).order_by(Phone.rank, Phone.id).limit(1).correlate(Lead).scalar_subquery()
    in_call = exists().where(Attempt.debtor_id == Lead.debtor_id, attempt_is_open())
    return (
        select(
            Lead.id.label("lead_id"),
            Lead.debtor_id,
            Debtor.external_id,
            Phone.id.label("phone_id"),
            Phone.e164,
            Phone.kind.label("phone_kind"),
            Debtor.time_zone,
            Debtor.language,
            Debtor.country,
            Debtor.subdivision,
            Debtor.locality,
            Debtor.party,
            Lead.tries,
            Lead.next_try_at,
            Lead.priority,
            Lead.account_ids,
            Debtor.last_agent,
        )
        .join(Debtor, Debtor.id == Lead.debtor_id)
        .join(Phone, Phone.id == func.coalesce(chosen, first))
        .where(Debtor.opted_out_at.is_(None), ~in_call)
    )


def _queued(row: Row[Any], campaign: Campaign, segment: str, debts: Collection[tuple[int, int | None]]) -> QueuedLead:
    try_no = row.tries + 1
    return QueuedLead(
        lead_id=row.lead_id,
        debtor_id=row.debtor_id,
        debtor=row.external_id,
        campaign_id=campaign.id,
        segment=segment,
        phone_id=row.phone_id,
        phone=row.e164,
        time_zone=row.time_zone,
        language=row.language,
        try_no=try_no,
        call_id=attempt_id(campaign.key, row.debtor_id, try_no),
        due_at=row.next_try_at,
        last_agent=row.last_agent,
        priority=row.priority,
        accounts=tuple(row.account_ids),
        days_overdue=least_overdue(debts, row.account_ids),
        phone_kind=row.phone_kind,
        place=(row.country, row.subdivision, row.locality, row.party),
    )


class Agents:
    """Those who talk to debtors."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, name: str, extension: int, skills: Mapping[str, int], languages: Sequence[str]) -> Agent:
        """Keep a new agent; raise InputError when the name or the extension is taken."""
        taken = await self._session.scalar(select(Agent).where((Agent.name == name) | (Agent.extension == extension)))
        if taken is not None:
            raise InputError(
                f"agent {taken.name!r} already has extension {taken.extension}; choose another name and extension",
                error_id="agent-exists",
            )
        agent = Agent(name=name, extension=extension, skills=dict(skills), languages=list(languages), active=True)
        self._session.add(agent)
        await self._session.flush()
        return agent

    async def get(self, name: str) -> Agent:
        """Return an agent; raise InputError when there is none of that name."""
        agent = await self._session.scalar(select(Agent).where(Agent.name == name))
        if agent is None:
            raise InputError(f"unknown agent {name!r}; add it with `dialer agent add`", error_id="agent-unknown")
        return agent

    async def list(self, *, active_only: bool = True) -> Sequence[Agent]:
        """Return the agents by name."""
        query = select(Agent).order_by(Agent.name)
        return (await self._session.scalars(query.where(Agent.active) if active_only else query)).all()


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """Who calls us back, and where the case belongs; campaign and segment are None outside every list."""

    debtor_id: int
    debtor: str
    name: str
    language: str
    last_agent: str | None
    campaign_id: int | None
    campaign: str | None
    segment: str | None
    accounts: tuple[int, ...] = ()


class Debtors:
    """People, found by what an inbound call tells of them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_by_phone(self, phone: str) -> KnownCaller | None:
        """Return the debtor with this number in the campaign that called last; None for a stranger."""
        query = (
            select(
                Debtor.id,
                Debtor.external_id,
                Debtor.name,
                Debtor.language,
                Debtor.last_agent,
                Lead.campaign_id,
                Campaign.name,
                Segment.name,
                Lead.account_ids,
            )
            .select_from(Phone)
            .join(Debtor, Debtor.id == Phone.debtor_id)
            .outerjoin(Lead, Lead.debtor_id == Debtor.id)
            .outerjoin(Campaign, Campaign.id == Lead.campaign_id)
            .outerjoin(Segment, Segment.id == Lead.segment_id)
            .outerjoin(Attempt, (Attempt.campaign_id == Lead.campaign_id) & (Attempt.debtor_id == Debtor.id))
            .where(Phone.e164 == phone)
            .order_by(Attempt.intent_at.desc().nulls_last(), Lead.id.desc().nulls_last())
            .limit(1)
        )
        row = (await self._session.execute(query)).first()
        return None if row is None else KnownCaller(*row[:-1], accounts=tuple(row[-1] or ()))
