"""Counting leads by crowds is counting them one by one: whatever the books hold of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.approvals import Approvals
from campaigns.case_models import Callback, Import, ImportState, PriorEvent, Promise, Suppression
from campaigns.compliance import Library, Limit, Tally, debt_key, other_channels_key, person_key, phone_key
from campaigns.explain import Explainer, _step
from campaigns.models import Account, Debtor, Lead, LeadState, Phone
from dialer.store import Store
from dialer.types import Outcome
from tests.books import NOW, Desk, OnSqlite

PLACES = [
    ("", "", "", ""),
    ("CO", "CO-DC", "Bogotá", "America/Bogota"),
    ("CO", "CO-ANT", "", ""),
    ("BR", "BR-AM", "Manaus", ""),
    ("US", "US-NY", "", ""),
    ("US", "", "", "America/Los_Angeles"),
    ("ES", "ES-MD", "Madrid", ""),
    ("CL", "", "", ""),
    ("ZZ", "", "", ""),
]
BEGINNINGS = {
    "": "+57300",
    "CO": "+57310",
    "BR": "+559298",
    "US": "+1212555",
    "ES": "+34612",
    "CL": "+569876",
    "ZZ": "+57601",
}
LENGTHS = {"+57300": 13, "+57310": 13, "+559298": 14, "+1212555": 12, "+34612": 12, "+569876": 12, "+57601": 13}
MOMENTS = [NOW, datetime(2026, 6, 2, 4, tzinfo=UTC), datetime(2026, 6, 7, 15, tzinfo=UTC)]


def number(rng: random.Random, country: str) -> str:
    beginning = BEGINNINGS[rng.choice([country] * 9 + list(BEGINNINGS))]
    return beginning + "".join(rng.choice("0123456789") for _ in range(LENGTHS[beginning] - len(beginning)))


async def populate(desk: Desk, rng: random.Random, count: int) -> None:
    """Write a list with all that may befall its people."""
    async with desk.store.transaction() as session:
        for profile in Library.shipped().profiles.values():
            await Approvals(session).approve(profile, "ana", NOW)
    shared = number(rng, "CO")
    for index in range(count):
        country = rng.choice(PLACES)[0]
        phones = [number(rng, country) for _ in range(rng.choice((1, 1, 2)))]
        await desk.list_debtor(
            f"d{index}", *phones, *([shared] if rng.random() < 0.05 else []), segment=rng.choice(("late", "early"))
        )
    for lead in await desk.due(limit=count):
        if rng.random() < 0.2:
            at = NOW - timedelta(hours=rng.choice((1, 20, 200, 1200)))
            record = replace(desk.record(lead, at), dialled_at=at)
            await desk.journal.commit_intents([replace(desk.intent(lead), record=record)])
            if rng.random() < 0.8:
                outcome = rng.choice((Outcome.NO_ANSWER, Outcome.BUSY, Outcome.ANSWERED, Outcome.MACHINE))
                done: dict[str, Any] = {
                    "seq": 5,
                    "outcome": outcome,
                    "ended_at": at + timedelta(seconds=40),
                    "answered_at": at,
                }
                await desk.journal.apply([replace(record, **done)])
    async with desk.store.transaction() as session:
        await befall(session, desk, rng)


async def befall(session: AsyncSession, desk: Desk, rng: random.Random) -> None:
    staged = Import(campaign_id=desk.campaign.id, file_hash="f", mapping_hash="m", file_name="f", started_at=NOW)
    hidden = Import(campaign_id=desk.campaign.id, file_hash="g", mapping_hash="m", file_name="g", started_at=NOW)
    staged.state = ImportState.PUBLISHED.value
    session.add_all([staged, hidden])
    await session.flush()
    for lead in (await session.scalars(select(Lead).order_by(Lead.id))).all():
        debtor = await session.get_one(Debtor, lead.debtor_id)
        phones = (await session.scalars(select(Phone).where(Phone.debtor_id == debtor.id).order_by(Phone.rank))).all()
        country = next((name for name, begins in BEGINNINGS.items() if phones[0].e164.startswith(begins)), "")
        near = [place for place in PLACES if place[0] == country] or PLACES
        debtor.country, debtor.subdivision, debtor.locality, debtor.time_zone = rng.choice(near)
        debtor.party = rng.choice(("first",) * 9 + ("third",))
        phones[0].kind = rng.choice(("", "", "mobile", "work"))
        debts = [
            Account(debtor_id=debtor.id, number=str(n), days_overdue=rng.choice((5, 40, 90, None))) for n in range(2)
        ]
        session.add_all(debts[: rng.randrange(3)])
        await session.flush()
        debts = [debt for debt in debts if debt.id is not None]
        lead.account_ids = [debt.id for debt in debts[: rng.randrange(3)]]
        if rng.random() < 0.5:
            lead.next_try_at = NOW + timedelta(minutes=rng.choice((-30, 40, 4000)))
        if rng.random() < 0.4:
            await one_thing(session, desk, rng, lead, debtor, phones, debts, staged.id, hidden.id)


async def one_thing(session, desk, rng, lead, debtor, phones, debts, published: int, hidden: int) -> None:
    keys = [person_key(debtor.id), phone_key(phones[0].e164), *(debt_key(debt.id) for debt in debts)]
    told = {"campaign_id": desk.campaign.id, "debtor_id": debtor.id}
    match rng.randrange(9):
        case 0:
            kind = rng.choice(("internal", "deceased", "co-rne", "dispute"))
            until = rng.choice((None, NOW + timedelta(days=1), NOW - timedelta(days=1)))
            session.add(Suppression(key=rng.choice(keys), kind=kind, since=NOW, until=until, by_name="maria"))
        case 1:
            at = NOW - timedelta(hours=rng.choice((1, 30, 1200)))
            key = rng.choice([*keys, other_channels_key(debtor.id)])
            session.add(PriorEvent(campaign_id=desk.campaign.id, key=key, kind="conversation", at=at))
        case 2 if debts:
            session.add(Promise(**told, account_id=debts[0].id, due_on=date(2026, 6, rng.randint(1, 9)), made_at=NOW))
        case 3:
            due = NOW + timedelta(hours=rng.choice((-1, 3)))
            until = rng.choice((None, NOW + timedelta(days=2)))
            session.add(
                Callback(**told, lead_id=lead.id, due_at=due, made_at=NOW - timedelta(days=1), expires_at=until)
            )
        case _:
            of_the_lead(rng, lead, debtor, phones, rng.choice((published, hidden)))


def of_the_lead(rng: random.Random, lead: Lead, debtor: Debtor, phones: Sequence[Phone], came_with: int) -> None:
    match rng.randrange(5):
        case 0:
            debtor.opted_out_at = NOW
        case 1:
            phones[0].retired_at, phones[0].retired_reason = NOW, "invalid"
        case 2:
            lead.state, lead.import_id = LeadState.STAGED.value, came_with
        case 3:
            lead.state, lead.reason = LeadState.DONE.value, "answered"
        case _:
            lead.phone_id = phones[-1].id


class NothingLedger:
    """A ledger in which nothing is; it remembers at which keys it was asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    async def count(self, limits: Sequence[Limit]) -> list[Tally]:
        self.asked |= {limit.key for limit in limits}
        return [Tally(limit, 0) for limit in limits]


class CrowdsContract:
    @pytest.mark.parametrize("seed", range(3))
    async def test_counting_by_crowds_is_counting_one_by_one(self, store: Store, monkeypatch, seed: int) -> None:
        monkeypatch.setattr("campaigns.explain.CHUNK", 29)
        desk = await Desk.opened(store)
        await populate(desk, random.Random(seed), 90)
        explainer = Explainer(store, Library.shipped(), ring_s=47)
        for at in MOMENTS:
            rules, moments, segments = Counter[str](), Counter[datetime](), Counter[str]()
            for index in range(90):
                (told,) = await explainer.why("spring", f"d{index}", at)
                if told.answer.first is None:
                    segments[told.segment] += 1
                    continue
                rules[told.answer.first.rule] += 1
                if told.answer.until is not None:
                    moments[_step(told.answer.until)] += 1
            counted = await explainer.dialable("spring", at)
            assert (counted.leads, counted.now) == (90, sum(segments.values()))
            assert counted.refused == rules
            assert counted.segments == segments
            assert dict(counted.next_moments) == moments

    async def test_the_ledger_is_asked_only_about_those_to_whom_something_happened(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name, phone in (("ana", "+573001234567"), ("bea", "+573001234568")):
            await desk.list_debtor(name, phone)
        ana = await desk.lead("ana")
        async with store.transaction() as session:
            said = {"campaign_id": desk.campaign.id, "key": person_key(ana.debtor_id), "kind": "conversation"}
            session.add(PriorEvent(**said, at=NOW - timedelta(hours=1)))
        ledger = NothingLedger()
        counted = await Explainer(store, Library.shipped(), ring_s=47, ledger=ledger).dialable(
            "spring", NOW, by_ledger=True
        )
        assert counted.now == 2
        assert {key for key in ledger.asked if key.startswith("person:")} == {person_key(ana.debtor_id)}

    async def test_a_number_where_the_message_may_not_be_played_needs_an_agent(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", "+12125550123")
        async with store.transaction() as session:
            await session.execute(update(Debtor).values(country="US", subdivision="US-NY", time_zone=""))
        counted = await Explainer(store, Library.shipped(), ring_s=47).dialable("spring", NOW)
        assert counted.refused == {"agent_not_reserved": 1}


class TestOnSqlite(OnSqlite, CrowdsContract):
    pass
