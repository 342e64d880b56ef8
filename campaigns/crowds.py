"""Leads who stand alike, judged once for all of them: nobody stopped them, nothing ever happened to them.

Where somebody lives, what kind of number it is and when the next try comes decide together; only those about whom the
books know more (`special`) must be asked for one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from campaigns.case_models import Callback, CallbackState, PriorEvent, Promise, PromiseState, Suppression
from campaigns.cases import Case
from campaigns.compliance import alike
from campaigns.models import Account, Attempt, Campaign, Debtor, InboundCall, Lead, LeadState, Phone
from campaigns.past import HORIZON
from campaigns.reasons import Answer, Question
from campaigns.repository import attempt_is_open

_KEPT = 1 << 16

Group = tuple[Any, ...]
"""Segment, next try (None: due), stated zone, country, subdivision, locality, party, kind of number, its block."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How all leads of one group are judged; None where each must be asked for itself."""

    segment: str
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some leads of a campaign: so many of each crowd, those to be asked for one by one, and whom to go on after."""

    crowds: Sequence[tuple[Crowd, int]]
    special: Sequence[int]
    last: int


class Crowds:
    """The groups met so far in one campaign at one moment; `ask` puts the question of a case."""

    def __init__(self, ask: Callable[[Case], Question], segments: dict[int, str], now: datetime) -> None:
        self._ask = ask
        self._segments = segments
        self._now = now
        self._known: dict[Group, Crowd] = {}

    def of(self, rows: Sequence[Sequence[Any]]) -> Chunk:
        """Sort leads, as `census` gives them, into crowds and those who are special."""
        alone = [row[1] for row in rows if row[2]]
        others = [(row[1], (*row[3:11], alike(row[11]))) for row in rows if not row[2]]
        counted = Counter(group for _, group in others)
        crowds = {group: self._crowd(group) for group in counted}
        alone += [lead for lead, group in others if crowds[group].answer is None]
        return Chunk([(crowds[group], count) for group, count in counted.items()], alone, rows[-1][0])

    def _crowd(self, group: Group) -> Crowd:
        known = self._known.get(group)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[group] = self._judged(group)
        return known

    def _judged(self, group: Group) -> Crowd:
        segment, waits_until, time_zone, country, subdivision, locality, party, kind, phone = group
        one = Case(
            lead_id=0,
            debtor_id=0,
            debtor="",
            name="",
            segment=self._segments[segment],
            state=LeadState.OPEN.value,
            reason="",
            published=True,
            tries=0,
            next_try_at=waits_until or self._now,
            opted_out_at=None,
            phone=phone,
            phone_kind=kind,
            time_zone=time_zone,
            country=country,
            subdivision=subdivision,
            locality=locality,
            party=party,
            accounts=(),
        )
        question = self._ask(one)
        return Crowd(one.segment, None if question.asks_for_debts else question.answer(()))


@dataclass(frozen=True, slots=True)
class Known:
    """What the books hold at all that could make a lead special, and the campaigns in which calls were made."""

    stops: bool
    promises: bool
    callbacks: bool
    inbound: bool
    prior: bool
    campaigns: Sequence[int]


async def known_beside(session: AsyncSession) -> Known:
    """Look which tables hold anything: what is empty need not be asked for every lead."""

    async def any_of(query: Select[*tuple[Any, ...]]) -> bool:
        return (await session.execute(query.limit(1))).first() is not None

    called = exists().where(Attempt.campaign_id == Campaign.id)
    return Known(
        stops=await any_of(select(Suppression.id).where(Suppression.lifted_at.is_(None))),
        promises=await any_of(select(Promise.id).where(Promise.state == PromiseState.OPEN.value)),
        callbacks=await any_of(select(Callback.id).where(Callback.state == CallbackState.OPEN.value)),
        inbound=await any_of(select(InboundCall.call_id)),
        prior=await any_of(select(PriorEvent.id)),
        campaigns=list(await session.scalars(select(Campaign.id).where(called))),
    )


def census(
    campaign_id: int, after: int, published: Collection[int], known: Known, now: datetime
) -> Select[*tuple[Any, ...]]:
    """Return the question for a campaign's leads that could be called, behind a debtor, in the order of an index.

    `published` are the imports whose staged leads may be called.
    """
    mine = select(Phone.id).where(Phone.debtor_id == Lead.debtor_id, Phone.retired_at.is_(None)).correlate(Lead)
    chosen = mine.where(Phone.id == Lead.phone_id).scalar_subquery()
    first = mine.order_by(Phone.rank, Phone.id).limit(1).scalar_subquery()
    staged = and_(Lead.state == LeadState.STAGED.value, Lead.import_id.in_(published))
    return (
        select(
            Lead.debtor_id,
            Lead.id,
            or_(*_special(known, now)).label("special"),
            Lead.segment_id,
            case((Lead.next_try_at > now, Lead.next_try_at)).label("waits_until"),
            Debtor.time_zone,
            Debtor.country,
            Debtor.subdivision,
            Debtor.locality,
            Debtor.party,
            Phone.kind,
            Phone.e164,
        )
        .select_from(Lead)
        .join(Debtor, Debtor.id == Lead.debtor_id)
        .outerjoin(Phone, Phone.id == func.coalesce(chosen, first))
        .where(Lead.campaign_id == campaign_id, Lead.debtor_id > after)
        .where(or_(Lead.state == LeadState.OPEN.value, staged) if published else Lead.state == LeadState.OPEN.value)
        .order_by(Lead.debtor_id)
    )


def _special(known: Known, now: datetime) -> list[ColumnElement[bool]]:
    """Return what makes a lead one of its own; more than is needed does no harm."""
    told: list[ColumnElement[bool]] = [Debtor.opted_out_at.is_not(None), Phone.id.is_(None)]
    if known.stops:
        told += _at_keys(Suppression.key, Suppression.lifted_at.is_(None))
    if known.promises:
        told.append(exists().where(Promise.debtor_id == Lead.debtor_id, Promise.state == PromiseState.OPEN.value))
    if known.callbacks:
        told.append(exists().where(Callback.lead_id == Lead.id, Callback.state == CallbackState.OPEN.value))
    if known.prior:
        told += _at_keys(PriorEvent.key, PriorEvent.at >= now - HORIZON)
    # A number may be others' too: what happened to them there counts.
    sharer = aliased(Phone)
    if known.campaigns:
        told.append(exists().where(Attempt.debtor_id == Lead.debtor_id, attempt_is_open()))
        recent = (Attempt.campaign_id.in_(known.campaigns), Attempt.intent_at >= now - HORIZON)
        told.append(exists().where(sharer.e164 == Phone.e164, Attempt.debtor_id == sharer.debtor_id, *recent))
    if known.inbound:
        told.append(exists().where(sharer.e164 == Phone.e164, InboundCall.debtor_id == sharer.debtor_id))
    return told


def _at_keys(key: Any, *more: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Return whether a table holds something at the person, at other channels, at the number, or at a debt."""
    person = cast(Lead.debtor_id, String)
    keys = [literal("person:") + person, literal("other:") + person, literal("phone:") + Phone.e164]
    debt = literal("debt:") + cast(Account.id, String)
    at_a_debt = exists().where(Account.debtor_id == Lead.debtor_id, key == debt, *more)
    return [exists().where(key.in_(keys), *more), at_a_debt]
