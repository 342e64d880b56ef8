"""Why somebody is called or not, now or at any moment: one lead in full, or a whole campaign counted by rule."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.approvals import Approvals, unapproved
from campaigns.case_models import Import, ImportState
from campaigns.cases import Beside, beside, cases, leads_of, with_phone
from campaigns.compliance import Library, Limit, Tally, Terms
from campaigns.crowds import Crowds, census, known_beside
from campaigns.effective import campaigns_in_force
from campaigns.explanations import Dialable, Explanation
from campaigns.finding import Found, find
from campaigns.models import Campaign, Lead, LeadState, Phone, Segment
from campaigns.past import past_of
from campaigns.reasons import Answer, Question, answered_with, of_state
from campaigns.repository import Campaigns
from campaigns.standpoint import terms_of
from dialer.config import CampaignConfig
from dialer.store import Store
from dialer.types import InputError, Refused

CHUNK = 5000
"""Leads looked at in one short transaction."""

MOST_AT_ONCE = 1000
"""Leads whose whole past is looked at together."""

MOMENTS = timedelta(minutes=15)
"""Next moments are told in steps of this."""

MOST_PEOPLE = 50
"""Leads explained for one number at most."""


class Ledger(Protocol):
    """Who counts the past at this moment."""

    async def count(self, limits: Sequence[Limit]) -> list[Tally]:
        """Return what each limit has now."""
        ...


@dataclass
class _Sum:
    now: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    moments: Counter[datetime] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Answer | None, segment: str, count: int = 1) -> None:
        """Count leads under their answer; None is counted elsewhere."""
        if answer is None:
            return
        if answer.first is None:
            self.now += count
            self.segments[segment] += count
            return
        self.refuse(answer.first, count)
        if answer.until is not None:
            self.moments[_step(answer.until)] += count

    def refuse(self, refused: Refused, count: int = 1, *, why: str = "") -> None:
        self.refused[refused.rule] += count
        if why:
            self.reasons.setdefault(refused.rule, Counter())[why] += count


@dataclass(frozen=True, slots=True)
class _Asked:
    """A campaign as it is asked about: what stays the same for all its leads."""

    row: Campaign
    config: CampaignConfig
    beside: Beside
    _terms: dict[str, Terms] = field(default_factory=dict, compare=False, repr=False)

    def terms(self, segment: str) -> Terms:
        """Return what campaign and segment bring along."""
        if segment not in self._terms:
            self._terms[segment] = terms_of(self.config, segment, self.row.started_at)
        return self._terms[segment]


class Explainer:
    """Answers from the books; `ring_s` is the longest a phone can ring.

    With a `ledger` the counts of this very moment come from there, as the engine sees them; those of any other
    moment always from the books.
    """

    def __init__(self, store: Store, library: Library, *, ring_s: float, ledger: Ledger | None = None) -> None:
        self._store = store
        self._library = library
        self._ring_s = ring_s
        self._ledger = ledger

    async def why(
        self, campaign: str, who: str, at: datetime, *, obstacles: Sequence[Refused] = (), by_ledger: bool = False
    ) -> list[Explanation]:
        """Explain every lead of a campaign that is meant by a number, a debtor's id or document.

        Raises InputError when nobody of the campaign is.
        """
        async with self._store.snapshot() as session:
            asked = await self._asked(session, campaign)
            found = await find(session, who, asked.config.country)
            rows = await cases(session, _meant(asked.row.id, found), asked.beside, at)
            if not rows:
                raise InputError(f"campaign {campaign!r} has nobody under {who!r}")
            questions = [self._question(asked, row, at) for row in rows]
            tallies = await self._counted(session, questions, at, by_ledger=by_ledger)
            explained = []
            for question, counted in zip(questions, tallies, strict=True):
                more = await self._unapproved(session, question)
                answer = answered_with(question.answer(counted), [*obstacles, *more])
                notes = await _notes(session, question, found)
                explained.append(_explained(asked, question, answer, at, notes))
        return explained

    async def dialable(
        self,
        campaign: str,
        at: datetime,
        *,
        obstacles: Sequence[Refused] = (),
        by_ledger: bool = False,
        enough: int | None = None,
    ) -> Dialable:
        """Count a campaign's leads by the first rule that refuses them; memory does not grow with the list.

        `enough` stops at so many that may be called: whoever only asks whether there is one need not count all.
        """
        began = time.perf_counter()
        total = _Sum()
        async with self._store.snapshot() as session:
            asked = await self._asked(session, campaign)
            # Whoever only asks whether somebody can be called need not know how many are done with.
            if enough is None:
                await _closed(session, asked.row.id, total)
            known, published = await known_beside(session), await _published(session, asked.row.id)
            named = await session.execute(select(Segment.id, Segment.name).where(Segment.campaign_id == asked.row.id))
            segments = {number: name for number, name in named}
        crowds = Crowds(lambda case: self._question(asked, case, at), segments, at)
        last = 0
        while enough is None or total.now < enough:
            query = census(asked.row.id, last, published, known, at).limit(CHUNK)
            async with self._store.snapshot() as session:
                rows = (await session.execute(query)).all()
                if not rows:
                    break
                chunk = crowds.of(rows)
                last = chunk.last
                for crowd, count in chunk.crowds:
                    total.add(crowd.answer, crowd.segment, count)
                for start in range(0, len(chunk.special), MOST_AT_ONCE):
                    ids = chunk.special[start : start + MOST_AT_ONCE]
                    some = await cases(session, leads_of(asked.row.id).where(Lead.id.in_(ids)), asked.beside, at)
                    await self._add(
                        session, [self._question(asked, row, at) for row in some], total, at, by_ledger=by_ledger
                    )
        if enough is not None and total.now < enough:
            async with self._store.snapshot() as session:
                await _closed(session, asked.row.id, total)
        return Dialable(
            campaign=campaign,
            at=at,
            now=total.now,
            refused=dict(total.refused.most_common()),
            reasons={rule: dict(counts.most_common()) for rule, counts in total.reasons.items()},
            next_moments=sorted(total.moments.items()),
            segments=dict(total.segments),
            obstacles=tuple(obstacles),
            took_s=time.perf_counter() - began,
        )

    async def _asked(self, session: AsyncSession, name: str) -> _Asked:
        row = await Campaigns(session).get(name)
        config = (await campaigns_in_force(await session.connection(), [row.id]))[row.id]
        return _Asked(row, config, await beside(session, row.id))

    def _question(self, asked: _Asked, case: Any, at: datetime) -> Question:
        return Question(
            case, asked.terms(case.segment), self._library, at, ring_s=self._ring_s, country=asked.config.country
        )

    async def _counted(
        self, session: AsyncSession, questions: Sequence[Question], at: datetime, *, by_ledger: bool
    ) -> list[list[Tally]]:
        """Return the counts of every question, in order: from the ledger, or from the books."""
        wanted = [question.limits for question in questions]
        if by_ledger and self._ledger is not None:
            counted = iter(await self._ledger.count([limit for each in wanted for limit in each]))
            return [[next(counted) for _ in each] for each in wanted]
        tallies: dict[int, list[Tally]] = {}
        for counts in {question.counts for question in questions}:
            mine = [number for number, question in enumerate(questions) if question.counts == counts]
            keys = {limit.key for number in mine for limit in wanted[number]}
            people = {questions[number].case.debtor_id for number in mine}
            past = await past_of(session, people, keys, counts, at)
            tallies |= {number: past.count(wanted[number]) for number in mine}
        return [tallies[number] for number in range(len(questions))]

    async def _add(
        self, session: AsyncSession, questions: Sequence[Question], total: _Sum, at: datetime, *, by_ledger: bool
    ) -> None:
        """Sum up leads asked for one by one: first what needs no counting (most may be asleep), then the others."""
        awake: list[Question] = []
        for question in questions:
            judgement = question.judged(())
            if question.before or judgement.refusals:
                total.add(question.answer((), judgement), question.case.segment)
            else:
                awake.append(question)
        if not awake:
            return
        for question, tallies in zip(awake, await self._counted(session, awake, at, by_ledger=by_ledger), strict=True):
            total.add(question.answer(tallies), question.case.segment)

    async def _unapproved(self, session: AsyncSession, question: Question) -> list[Refused]:
        if isinstance(question.position, Refused):
            return []
        bound = question.position.rulebook.bound
        return list(unapproved(bound, await Approvals(session).standings(bound)))


def _step(moment: datetime) -> datetime:
    """Return the next full step of the clock, so that a million moments are told in a few hundred."""
    seconds = MOMENTS.total_seconds()
    return datetime.fromtimestamp(-(-moment.timestamp() // seconds) * seconds, moment.tzinfo)


def _meant(campaign_id: int, found: Found) -> Any:
    chosen = Lead.debtor_id.in_(found.debtor_ids)
    if found.phone is None:
        return leads_of(campaign_id).where(chosen).order_by(Lead.id).limit(MOST_PEOPLE)
    this_one = (Phone.debtor_id == Lead.debtor_id) & (Phone.e164 == found.phone)
    return with_phone(campaign_id).join(Phone, this_one).where(chosen).order_by(Lead.id).limit(MOST_PEOPLE)


async def _published(session: AsyncSession, campaign_id: int) -> list[int]:
    """Return the imports whose leads may be called although they still bear the mark of the stage."""
    published = Import.state.in_([ImportState.PUBLISHED.value, ImportState.DONE.value])
    staged = exists().where(Lead.import_id == Import.id, Lead.state == LeadState.STAGED.value)
    return list(await session.scalars(select(Import.id).where(Import.campaign_id == campaign_id, published, staged)))


async def _closed(session: AsyncSession, campaign_id: int, total: _Sum) -> None:
    """Let SQL count the leads that are not called whatever the hour."""
    query = (
        select(Lead.state, Lead.reason, func.count())
        .outerjoin(Import, Import.id == Lead.import_id)
        .where(
            Lead.campaign_id == campaign_id,
            or_(
                Lead.state.in_([LeadState.DONE.value, LeadState.SUPPRESSED.value]),
                (Lead.state == LeadState.STAGED.value)
                & or_(Import.state.is_(None), Import.state == ImportState.STAGING.value),
            ),
        )
        .group_by(Lead.state, Lead.reason)
    )
    for state, reason, count in await session.execute(query):
        refused = of_state(state, reason, published=False)
        if refused is not None:
            total.refuse(refused, count, why=reason)


async def _notes(session: AsyncSession, question: Question, found: Found) -> tuple[str, ...]:
    """Return what is worth knowing beside the rules."""
    case = question.case
    next_one = await session.scalar(leads_of_phone(case.lead_id)) if found.phone is not None else None
    notes = []
    if next_one and next_one != case.phone:
        notes.append(f"the number called next is {next_one}")
    if case.callback_at is not None:
        notes.append(f"a callback is promised for {case.callback_at.isoformat()}")
    return tuple(notes)


def leads_of_phone(lead_id: int) -> Any:
    """Return the question for the number a lead is called on next."""
    in_use = (Phone.debtor_id == Lead.debtor_id, Phone.retired_at.is_(None))
    own_first = (Phone.id == Lead.phone_id).desc()
    query = select(Phone.e164).select_from(Lead).join(Phone, Phone.debtor_id == Lead.debtor_id)
    return query.where(Lead.id == lead_id, *in_use).order_by(own_first, Phone.rank, Phone.id).limit(1)


def _explained(asked: _Asked, question: Question, answer: Answer, at: datetime, notes: tuple[str, ...]) -> Explanation:
    case = question.case
    return Explanation(
        campaign=asked.row.name,
        at=at,
        debtor=case.debtor,
        name=case.name,
        lead_id=case.lead_id,
        segment=case.segment,
        phone=case.phone,
        answer=answer,
        notes=notes,
    )
