"""What the engine asks of SQL, each question in a transaction of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Text, bindparam, case, cast, func, or_, select, update

from campaigns.approvals import Approvals, Standing
from campaigns.audit import Audit, Decision
from campaigns.callbacks import Callbacks
from campaigns.callbacks import Standing as CallbackStanding
from campaigns.case_models import PriorEvent
from campaigns.compliance import Happening, Kind, Library, Profile
from campaigns.decisions import Minute, PacingMinutes
from campaigns.effective import effective
from campaigns.explain import Explainer, Ledger
from campaigns.history import History, history
from campaigns.journal import Journal
from campaigns.models import Agent as AgentRow
from campaigns.models import Attempt, Campaign, CampaignState, InboundCall
from campaigns.promises import Promises, promised_debts
from campaigns.repository import Agents, Campaigns, Debtors, KnownCaller, Leads
from campaigns.standing import standing
from dialer.config import CampaignConfig
from dialer.routing import Agent
from dialer.store import Store
from dialer.types import LIVE_OUTCOMES, AttemptRecord, ConfigError, InboundRecord, Outcome, QueuedLead, Refused
from recordings.models import Recording, RecordingState
from recordings.repository import Recordings

ZONES_APART = timedelta(days=1)
"""A debtor's local date and the UTC date of the same moment differ by a day at most."""

_TELL_PATH = [
    update(table).where(table.c.call_id == bindparam("call")).values(recording=bindparam("path"))
    for table in (Attempt.metadata.tables["attempts"], InboundCall.metadata.tables["inbound_calls"])
]


@dataclass(frozen=True, slots=True)
class Tally:
    """Live answers, and those abandoned or joined too late."""

    live: int = 0
    abandoned: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign the engine serves: its identity, its file, its state."""

    campaign_id: int
    key: str
    state: str
    config: CampaignConfig
    started_at: datetime | None = None


class Books:
    """The database as the engine needs it; every method raises Unavailable when it is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.journal = Journal(store)
        self.audit = Audit(store)
        self.callbacks = Callbacks(store)
        self.promises = Promises(store)

    async def campaigns(self) -> tuple[list[Running], dict[str, str]]:
        """Return the campaigns that may have calls: running, paused or stopping; and those this version cannot read.

        The latter by name, with the reason: one bad campaign must not stop the others.
        """
        served = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.STOPPING)
        async with self._store.snapshot() as session:
            campaigns = Campaigns(session)
            rows = [(row, await campaigns.segments(row.id)) for row in await campaigns.list(*served)]
        readable: list[Running] = []
        unreadable: dict[str, str] = {}
        for row, segments in rows:
            try:
                config = effective(row, segments)
            except ConfigError as exc:
                unreadable[row.name] = str(exc)
            else:
                readable.append(Running(row.id, row.key, row.state, config, row.started_at))
        return readable, unreadable

    def explainer(self, library: Library, ledger: Ledger, ring_s: float) -> Explainer:
        """Return who explains from these books why somebody is called or not; `ring_s` is the longest ring."""
        return Explainer(self._store, library, ring_s=ring_s, ledger=ledger)

    async def check(self) -> None:
        """Return when the database takes a write transaction."""
        async with self._store.transaction() as session:
            await session.execute(select(1))

    async def set_state(self, name: str, state: CampaignState, now: datetime) -> None:
        """Move a campaign on; raises InputError when it cannot."""
        async with self._store.transaction() as session:
            await Campaigns(session).set_state(name, state, now)

    async def set_pacing(self, name: str, knobs: Mapping[str, Any]) -> CampaignConfig:
        """Keep pacing knobs; raises InputError for an unknown campaign, ConfigError naming a knob that cannot be."""
        async with self._store.transaction() as session:
            campaigns = Campaigns(session)
            row = await campaigns.get(name)
            config = effective(row, await campaigns.segments(row.id)).tuned({**row.pacing, **knobs})
            await campaigns.set_pacing(name, knobs)
        return config

    async def history(self, campaign_id: int) -> History:
        """Return what a campaign has lived through; the hours of its next tries are chosen by it from now on."""
        async with self._store.snapshot() as session:
            found = await history(session, campaign_id)
        self.journal.learn(campaign_id, found.week)
        return found

    async def approvals(self, profiles: Iterable[Profile]) -> Mapping[str, Standing]:
        """Return how each profile stands."""
        async with self._store.snapshot() as session:
            return await Approvals(session).standings(profiles)

    async def standing(
        self, campaign_id: int, library: Library, now: datetime, real_nodes: Collection[str]
    ) -> tuple[Refused, ...]:
        """Return what forbids a whole campaign to call; empty when nothing does."""
        async with self._store.snapshot() as session:
            row = await session.get_one(Campaign, campaign_id)
            return await standing(session, row, library, now, real_nodes=real_nodes)

    async def record_decisions(self, decisions: Sequence[Decision]) -> None:
        """Append decisions not to call to the audit."""
        await self.audit.record(decisions)

    async def keep_decisions(self, minutes: Sequence[Minute]) -> None:
        """Store what pacing decided, minute by minute."""
        async with self._store.transaction() as session:
            await PacingMinutes(session).keep(minutes)

    async def due_leads(
        self, campaign: str, now: datetime, limit: int, *, only: Collection[str] | None = None, each: int | None = None
    ) -> list[QueuedLead]:
        """Return leads to be called now, without those in a call; of these segments only, so many of each."""
        async with self._store.snapshot() as session:
            return await Leads(session).due(await Campaigns(session).get(campaign), now, limit, only=only, each=each)

    async def attempts(self, call_ids: Collection[str]) -> list[AttemptRecord]:
        """Return what the books know of these calls; those that never got into them are left out."""
        return await self.journal.attempts(call_ids)

    async def callbacks_due(self, lead_ids: Collection[int]) -> Mapping[int, CallbackStanding]:
        """Return the open callbacks of these leads."""
        return await self.callbacks.due(lead_ids)

    async def promised_debts(self, account_ids: Collection[int]) -> Mapping[int, date]:
        """Return the debts of these that somebody promised to pay, with the day."""
        async with self._store.snapshot() as session:
            return await promised_debts(await session.connection(), account_ids)

    async def review_promises(self, now: datetime) -> None:
        """Decide the promises that can be decided, and give up callbacks nobody kept in time."""
        await self.promises.review(now)
        await self.callbacks.review(now)

    async def postpone(self, until: Mapping[int, datetime]) -> None:
        """Let leads rest until these times."""
        async with self._store.transaction() as session:
            leads = Leads(session)
            for lead_id, moment in until.items():
                await leads.park(lead_id, moment)

    async def agents(self, wrap_up_s: float) -> list[Agent]:
        """Return every active agent, logged out."""
        async with self._store.snapshot() as session:
            return [_agent(row, wrap_up_s) for row in await Agents(session).list()]

    async def tally(self, campaign_id: int, since: datetime) -> Tally:
        """Count a campaign's live answers since a moment, and those that met no agent within the limit."""
        late = cast(Attempt.flags, Text).like("%late_join%")
        abandoned = case((or_(Attempt.outcome == Outcome.ABANDONED.value, late), 1), else_=0)
        query = select(func.count(), func.coalesce(func.sum(abandoned), 0)).where(
            Attempt.campaign_id == campaign_id,
            Attempt.day >= since.date() - ZONES_APART,
            Attempt.answered_at >= since,
            Attempt.outcome.in_([outcome.value for outcome in LIVE_OUTCOMES]),
        )
        async with self._store.snapshot() as session:
            live, lost = (await session.execute(query)).one()
        return Tally(int(live), int(lost))

    async def caller(self, phone: str) -> KnownCaller | None:
        """Return who has this number."""
        async with self._store.snapshot() as session:
            return await Debtors(session).find_by_phone(phone)

    async def open_inbound(self, node: str) -> list[InboundRecord]:
        """Return the inbound calls of a node that have no end."""
        query = select(InboundCall).where(InboundCall.node == node, InboundCall.ended_at.is_(None))
        async with self._store.snapshot() as session:
            return [_inbound(row) for row in await session.scalars(query)]

    async def past_attempts(self, after: str, since: datetime, limit: int) -> list[AttemptRecord]:
        """Return attempts since a moment in the order of their ids, those after one id."""
        return await self.journal.attempts_after(after, since, limit)

    async def past_inbound(self, after: str, since: datetime, limit: int) -> list[InboundRecord]:
        """Return the conversations of people who called us, in the same way."""
        spoken = (InboundCall.bridged_at.is_not(None), InboundCall.arrived_at >= since, InboundCall.call_id > after)
        query = select(InboundCall).where(*spoken).order_by(InboundCall.call_id).limit(limit)
        async with self._store.snapshot() as session:
            return [_inbound(row) for row in await session.scalars(query)]

    async def prior_events(self, after: int, limit: int) -> list[tuple[int, Happening]]:
        """Return what happened before this dialer, numbered, after one number."""
        query = select(PriorEvent).where(PriorEvent.id > after).order_by(PriorEvent.id).limit(limit)
        async with self._store.snapshot() as session:
            rows = (await session.scalars(query)).all()
        return [(row.id, Happening(Kind(row.kind), row.key, row.at, f"prior-{row.id}")) for row in rows]

    async def keep_recordings(self, recordings: Sequence[Recording]) -> None:
        """Register what is known of these recordings, beside the calls too: their records may be long closed."""
        stored = sorted(each.call_id for each in recordings if each.state == RecordingState.STORED)
        paths = {each.call_id: each.path for each in recordings}
        kept = [{"call": call_id, "path": paths[call_id]} for call_id in stored]  # in the order the journal locks
        async with self._store.transaction() as session:
            await Recordings(session).store(*recordings)
            connection = await session.connection()
            for tell in _TELL_PATH if kept else ():
                await connection.execute(tell, kept)


def _inbound(row: InboundCall) -> InboundRecord:
    facts = {field.name: getattr(row, field.name) for field in fields(InboundRecord)}
    return InboundRecord(**{**facts, "accounts": tuple(row.accounts)})


def _agent(row: AgentRow, wrap_up_s: float) -> Agent:
    return Agent(
        name=row.name,
        extension=str(row.extension),
        skills=row.skills,
        languages=frozenset(row.languages or ["es"]),
        wrap_up_s=wrap_up_s,
    )
