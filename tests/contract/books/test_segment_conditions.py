"""A rule means the same in memory and in the database, whatever is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.models import Account, Attempt, Campaign, Debtor, Lead, Phone, Segment
from campaigns.segment_conditions import candidates, condition
from campaigns.segments import AccountFacts, matches, parse_rule
from dialer.store import Store
from tests.books import NOW, TODAY, Desk, OnSqlite

CENTS = st.sampled_from(["0", "0.01", "999.99", "1000", "1000.01", "50000"]).map(Decimal)
FEW = st.sampled_from([0, 1, 30, 31, 60])
SCORES = st.sampled_from([0.0, 0.1, 0.3, 7.0])
WORDS = st.sampled_from(["", "oro", "Oro", "plata", "año", "a%", "12"])
OUTCOMES = st.sampled_from(["busy", "no_answer", "machine"])
CUSTOM = st.one_of(
    st.sampled_from(["oro", "", "12", "12.0", "-12", "-", "1-2", "1.2.3", ".5", "5.", "+5", "1e3", " 12", "٣", "0012"]),
    st.sampled_from([12, -12, 0, 10**14, 10**15, 12.5, True, None, [1], "123456789.1234567", "99999999999.9999"]),
)
FACTS = st.builds(
    AccountFacts,
    balance=st.none() | CENTS,
    days_overdue=st.none() | FEW,
    tenure_months=st.none() | FEW,
    score=st.none() | SCORES,
    tries=FEW,
    currency=st.none() | st.sampled_from(["ARS", "USD"]),
    product=WORDS,
    creditor=WORDS,
    region=WORDS,
    country=st.sampled_from(["", "AR", "CL"]),
    subdivision=st.sampled_from(["", "AR-C"]),
    last_outcome=st.none() | OUTCOMES,
    custom=st.dictionaries(st.sampled_from(["x", "the column"]), CUSTOM, min_size=1) | st.just({}),
)


def ranges(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def table(ends: list[Any], low: str, high: str) -> dict[str, Any]:
        return {low: min(ends), high: max(ends)} if len(set(ends)) == 2 else {low: ends[0]}

    return st.builds(
        table,
        st.lists(numbers, min_size=1, max_size=2),
        st.sampled_from(["min", "above"]),
        st.sampled_from(["max", "below"]),
    )


def about(values: st.SearchStrategy[Any], *, ordered: bool) -> st.SearchStrategy[Any]:
    """Return what a rule may say of a field with such values."""
    plain = values | st.lists(values, min_size=1, max_size=3)
    said = plain | ranges(values) if ordered else plain
    known = st.builds(lambda known: {"known": known}, st.booleans())
    return said | known | st.builds(lambda inner: {"not": inner}, said)


TEXTS = WORDS.filter(bool)
NUMBERS_OF_CUSTOM = st.sampled_from([12, -12, 0, 12.5, Decimal("99999999999.9999")])
FIELDS = {
    "balance": about(CENTS, ordered=True),
    "days_overdue": about(FEW, ordered=True),
    "tenure_months": about(FEW, ordered=True),
    "score": about(SCORES, ordered=True),
    "tries": about(FEW, ordered=True),
    "currency": about(st.sampled_from(["ARS", "USD"]), ordered=False),
    "product": about(TEXTS, ordered=False),
    "creditor": about(TEXTS, ordered=False),
    "region": about(TEXTS, ordered=False),
    "country": about(st.sampled_from(["AR", "CL"]), ordered=False),
    "subdivision": about(st.just("AR-C"), ordered=False),
    "last_outcome": about(OUTCOMES, ordered=False),
    "custom": st.dictionaries(
        st.sampled_from(["x", "the column"]),
        about(NUMBERS_OF_CUSTOM, ordered=True) | about(TEXTS, ordered=False),
        min_size=1,
    ),
}
SIMPLE = st.sampled_from(sorted(FIELDS)).flatmap(lambda key: st.builds(lambda said: {key: said}, FIELDS[key]))
TABLES = st.fixed_dictionaries({}, optional={**FIELDS, "any": st.lists(SIMPLE, min_size=1, max_size=2)})
CUSTOM_RULE = st.builds(lambda said: {"custom": said}, FIELDS["custom"])
"""Asked more often than the others: here the two databases differ most."""
RULES = st.lists(SIMPLE | TABLES | CUSTOM_RULE, min_size=6, max_size=12)


@dataclass
class Roll:
    """A campaign into which facts are written as rows."""

    campaign: Campaign
    segment: Segment

    async def enter(self, session: AsyncSession, number: int, facts: AccountFacts) -> int:
        """Write one account with its debtor; return the lead's id."""
        debtor = Debtor(
            external_id=f"d{number}",
            language="es",
            time_zone="",
            country=facts.country,
            subdivision=facts.subdivision,
        )
        session.add(debtor)
        await session.flush()
        same = ("balance", "days_overdue", "tenure_months", "score", "currency", "product", "creditor", "region")
        account = Account(
            debtor_id=debtor.id, custom=dict(facts.custom), **{name: getattr(facts, name) for name in same}
        )
        phone = Phone(debtor_id=debtor.id, e164=f"+57{number}")
        lead = Lead(campaign_id=self.campaign.id, segment_id=self.segment.id, debtor_id=debtor.id, tries=facts.tries)
        session.add_all([account, phone, lead])
        await session.flush()
        outcomes = [] if facts.last_outcome is None else ["answered", facts.last_outcome]
        session.add_all(self._attempt(lead, phone, no, outcome) for no, outcome in enumerate([*outcomes, None], 1))
        await session.flush()
        return lead.id

    def _attempt(self, lead: Lead, phone: Phone, try_no: int, outcome: str | None) -> Attempt:
        return Attempt(
            call_id=f"t{lead.id}-{try_no}",
            state="closed" if outcome else "open",
            day=TODAY,
            campaign_id=lead.campaign_id,
            campaign="spring",
            segment="early",
            lead_id=lead.id,
            debtor_id=lead.debtor_id,
            debtor="",
            phone_id=phone.id,
            phone=phone.e164,
            try_no=try_no,
            node="n",
            trunk="t",
            intent_at=NOW,
            outcome=outcome,
        )


class Undone(Exception):
    """Takes back what an example wrote."""


async def found(store: Store, facts: Sequence[AccountFacts], tables: Sequence[dict[str, Any]]) -> list[list[int]]:
    """Return for every rule the positions of the facts that the database finds."""
    answers: list[list[int]] = []
    try:
        async with store.transaction() as session:
            campaign = Campaign(key="k", name="laws", definition="", created_at=NOW)
            session.add(campaign)
            await session.flush()
            segment = Segment(campaign_id=campaign.id, name="s", priority=1)
            session.add(segment)
            await session.flush()
            roll = Roll(campaign, segment)
            places = {await roll.enter(session, number, each): number for number, each in enumerate(facts)}
            for table in tables:
                query = candidates(campaign.id).where(condition(parse_rule(table)))
                answers.append(sorted(places[lead] for lead in (await session.scalars(query)).all()))
            raise Undone
    except Undone:
        return answers


class SegmentConditionsContract:
    def test_memory_and_database_agree_on_every_rule(self, database: str) -> None:
        with asyncio.Runner() as runner:
            store = Store(database)
            runner.run(store.migrate())

            @settings(max_examples=60, deadline=None)
            @given(st.lists(FACTS, min_size=1, max_size=6), RULES)
            def law(facts: list[AccountFacts], tables: list[dict[str, Any]]) -> None:
                in_memory = [
                    [place for place, each in enumerate(facts) if matches(parse_rule(table), each)] for table in tables
                ]
                assert runner.run(found(store, facts, tables)) == in_memory

            try:
                law()
            finally:
                runner.run(store.close())


class LeadsConcernedContract:
    async def test_a_lead_that_names_its_debts_is_about_those_alone(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        lead = await desk.lead("ana")
        async with store.transaction() as session:
            small, large = (
                Account(debtor_id=lead.debtor_id, number=number, balance=Decimal(amount))
                for number, amount in (("1", 10), ("2", 5000))
            )
            session.add_all([small, large])
            await session.flush()
            many = candidates(desk.campaign.id).where(condition(parse_rule({"balance": {"min": 1000}})))
            assert (await session.scalars(many)).all() == [lead.id]
            (kept,) = (await session.scalars(select(Lead))).all()
            kept.account_ids = [small.id]
            await session.flush()
            assert (await session.scalars(many)).all() == []

    async def test_a_debtor_without_a_debt_matches_what_is_known_of_the_person(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        async with store.snapshot() as session:
            for table, answer in (({"tries": 0}, 1), ({"balance": {"known": False}}, 1), ({"product": "card"}, 0)):
                query = candidates(desk.campaign.id).where(condition(parse_rule(table)))
                assert len((await session.scalars(query)).all()) == answer


class TestOnSqlite(OnSqlite, SegmentConditionsContract, LeadsConcernedContract):
    @pytest.fixture
    def database(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/laws.db"
