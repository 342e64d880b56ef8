"""Leads with all that decides about a call, read in bulk: whose, which phone, which debts, who stopped it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.case_models import Callback, CallbackState, Import, ImportState, Promise, PromiseState, Suppression
from campaigns.compliance import debt_key, person_key, phone_key
from campaigns.models import Account, Attempt, Debtor, Lead, Phone, Segment
from campaigns.repository import attempt_is_open
from campaigns.standpoint import least_overdue
from campaigns.stops import Callee, Stops
from campaigns.suppression import in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One lead on one phone (empty: no number is in use), as the books have it.

    `accounts` are the debts the call is about, `all_accounts` every debt of the debtor; `promised` are debts with a
    promise that is not due yet, by the day it falls due.
    """

    lead_id: int
    debtor_id: int
    debtor: str
    name: str
    segment: str
    state: str
    reason: str
    published: bool
    tries: int
    next_try_at: datetime
    opted_out_at: datetime | None
    phone: str
    phone_kind: str = ""
    phone_retired: str = ""
    time_zone: str
    country: str
    subdivision: str
    locality: str
    party: str
    accounts: tuple[int, ...]
    all_accounts: tuple[int, ...] = ()
    days_overdue: int | None = None
    in_call: str = ""
    stops: Stops = field(default_factory=dict)
    promised: Mapping[int, date] = field(default_factory=dict)
    callback_at: datetime | None = None
    asked_at: datetime | None = None
    asked_until_at: datetime | None = None

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Where the debtor lives, and whether he owes the debt."""
        return self.country, self.subdivision, self.locality, self.party

    @property
    def callee(self) -> Callee:
        """Whom a suppression may hold back."""
        return Callee(self.phone, self.debtor_id, self.accounts or self.all_accounts)


@dataclass(frozen=True, slots=True)
class Beside:
    """What there is at all beside the leads: what is empty need not be asked for every lead."""

    stops: bool
    promises: bool
    callbacks: bool


async def beside(session: AsyncSession, campaign_id: int) -> Beside:
    """Look which of the tables beside the leads hold anything in force."""
    promise = select(Promise.id).where(Promise.state == PromiseState.OPEN.value).limit(1)
    callback = select(Callback.id).where(
        Callback.campaign_id == campaign_id, Callback.state == CallbackState.OPEN.value
    )
    stop = select(Suppression.id).where(Suppression.lifted_at.is_(None)).limit(1)
    return Beside(
        await session.scalar(stop) is not None,
        await session.scalar(promise) is not None,
        await session.scalar(callback.limit(1)) is not None,
    )


async def cases(session: AsyncSession, chosen: Select[*tuple[Any, ...]], there: Beside, now: datetime) -> list[Case]:
    """Return the cases of the chosen leads; `chosen` is made by `leads_of` and narrowed by the caller."""
    rows = (await session.execute(chosen)).all()
    people = {row.debtor_id for row in rows}
    debts = await _debts(session, people)
    calls = await _calls(session, people)
    stops = await _stops(session, rows, debts, now) if there.stops else {}
    promised = await _promised(session, people) if there.promises else {}
    callbacks = await _callbacks(session, [row.lead_id for row in rows]) if there.callbacks else {}
    return [
        _case(
            row,
            debts.get(row.debtor_id, ()),
            in_call=calls.get(row.debtor_id, ""),
            stops=stops,
            promised=promised.get(row.debtor_id, {}),
            **_asked(callbacks.get(row.lead_id), now),
        )
        for row in rows
    ]


def leads_of(campaign_id: int) -> Select[*tuple[Any, ...]]:
    """Return the question for a campaign's leads with their phone: the one chosen next, the first in use, or any."""

    def one(*chosen: Any) -> Any:
        mine = select(Phone.id).where(Phone.debtor_id == Lead.debtor_id, *chosen)
        return mine.order_by(Phone.rank, Phone.id).limit(1).correlate(Lead).scalar_subquery()

    in_use = Phone.retired_at.is_(None)
    best = func.coalesce(one(in_use, Phone.id == Lead.phone_id), one(in_use), one())
    return with_phone(campaign_id).outerjoin(Phone, Phone.id == best)


def with_phone(campaign_id: int) -> Select[*tuple[Any, ...]]:
    """Return the same question without a phone joined: the caller says which."""
    return (
        select(
            Lead.id.label("lead_id"),
            Lead.debtor_id,
            Lead.state,
            Lead.reason,
            Lead.tries,
            Lead.next_try_at,
            Lead.account_ids,
            Segment.name.label("segment"),
            Import.state.label("import_state"),
            Debtor.external_id,
            Debtor.name,
            Debtor.opted_out_at,
            Debtor.time_zone,
            Debtor.country,
            Debtor.subdivision,
            Debtor.locality,
            Debtor.party,
            Phone.e164,
            Phone.kind,
            Phone.retired_at,
            Phone.retired_reason,
        )
        .select_from(Lead)
        .join(Debtor, Debtor.id == Lead.debtor_id)
        .join(Segment, Segment.id == Lead.segment_id)
        .outerjoin(Import, Import.id == Lead.import_id)
        .where(Lead.campaign_id == campaign_id)
    )


Debt = tuple[int, int | None]


async def _debts(session: AsyncSession, people: Collection[int]) -> dict[int, tuple[Debt, ...]]:
    found: defaultdict[int, tuple[Debt, ...]] = defaultdict(tuple)
    query = select(Account.debtor_id, Account.id, Account.days_overdue).where(Account.debtor_id.in_(people))
    for debtor_id, account_id, days in await session.execute(query.order_by(Account.id)):
        found[debtor_id] += ((account_id, days),)
    return found


async def _calls(session: AsyncSession, people: Collection[int]) -> dict[int, str]:
    query = select(Attempt.debtor_id, Attempt.campaign).where(Attempt.debtor_id.in_(people), attempt_is_open())
    return {debtor_id: campaign for debtor_id, campaign in await session.execute(query)}


async def _stops(
    session: AsyncSession, rows: Sequence[Row[Any]], debts: Mapping[int, tuple[Debt, ...]], now: datetime
) -> Stops:
    keys = {person_key(row.debtor_id) for row in rows} | {phone_key(row.e164) for row in rows if row.e164}
    keys |= {debt_key(account) for each in debts.values() for account, _ in each}
    return await in_force(await session.connection(), keys, now)


async def _promised(session: AsyncSession, people: Collection[int]) -> dict[int, dict[int, date]]:
    found: defaultdict[int, dict[int, date]] = defaultdict(dict)
    query = select(Promise).where(Promise.debtor_id.in_(people), Promise.state == PromiseState.OPEN.value)
    for promise in await session.scalars(query):
        found[promise.debtor_id][promise.account_id] = promise.due_on
    return found


async def _callbacks(session: AsyncSession, leads: Collection[int]) -> dict[int, Any]:
    """Return the callback each lead waits for first."""
    columns = (Callback.lead_id, Callback.due_at, Callback.made_at, Callback.expires_at)
    query = select(*columns).where(Callback.lead_id.in_(leads), Callback.state == CallbackState.OPEN.value)
    latest_first = query.order_by(Callback.due_at.desc(), Callback.id.desc())
    return {row.lead_id: row for row in await session.execute(latest_first)}


def _asked(callback: Row[Any] | None, now: datetime) -> dict[str, datetime | None]:
    """Return what a promised call says: its time, and from then on that the debtor asked for it."""
    if callback is None:
        return {}
    if callback.due_at > now:
        return {"callback_at": callback.due_at}
    return {"callback_at": callback.due_at, "asked_at": callback.made_at, "asked_until_at": callback.expires_at}


def _case(row: Row[Any], debts: Sequence[Debt], **beside_it: Any) -> Case:
    about = tuple(row.account_ids)
    return Case(
        lead_id=row.lead_id,
        debtor_id=row.debtor_id,
        debtor=row.external_id,
        name=row.name,
        segment=row.segment,
        state=row.state,
        reason=row.reason,
        published=row.import_state in (ImportState.PUBLISHED.value, ImportState.DONE.value),
        tries=row.tries,
        next_try_at=row.next_try_at,
        opted_out_at=row.opted_out_at,
        phone=row.e164 or "",
        phone_kind=row.kind or "",
        phone_retired=(row.retired_reason or "retired") if row.retired_at else "",
        time_zone=row.time_zone,
        country=row.country,
        subdivision=row.subdivision,
        locality=row.locality,
        party=row.party,
        accounts=about,
        all_accounts=tuple(account for account, _ in debts),
        days_overdue=least_overdue(debts, about),
        **beside_it,
    )
