"""Who asked not to be called is not called: queued or not, by number, person or debt, until somebody lifts it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from campaigns.case_models import Suppression
from campaigns.compliance import debt_key, person_key, phone_key
from campaigns.models import Account, Lead, LeadState, Phone
from campaigns.stops import StopKind
from campaigns.suppression import Order, Suppressions
from dialer.store import Store
from dialer.types import Allowed, Outcome, Refused, Verdict
from tests.books import NOW, Desk, OnSqlite

NUMBER = "+573001234567"
LATER = NOW + timedelta(days=2)


def rule(verdict: Verdict) -> str:
    return verdict.rule if isinstance(verdict, Refused) else "allowed"


async def debts_of(desk: Desk, debtor_id: int, count: int) -> list[int]:
    async with desk.store.transaction() as session:
        accounts = [Account(debtor_id=debtor_id, creditor="bank", number=str(number)) for number in range(count)]
        session.add_all(accounts)
        await session.flush()
        return [account.id for account in accounts]


class SuppressionContract:
    @pytest.mark.parametrize("kind", list(StopKind))
    async def test_a_queued_call_is_refused_from_the_moment_the_order_is_written(
        self, store: Store, kind: StopKind
    ) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (queued,) = await desk.due()
        await Suppressions(store).add([Order(person_key(queued.debtor_id), kind, "maria")], NOW)
        (verdict,) = await desk.book(queued)
        assert isinstance(verdict, Refused)
        assert (verdict.rule, verdict.until) == ("suppressed", None)
        assert f"{kind} on person:" in verdict.detail
        assert "by maria" in verdict.detail

    async def test_a_number_is_stopped_for_everybody_who_has_it(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea"):
            await desk.list_debtor(name, NUMBER)
        queued = await desk.due()
        change = await Suppressions(store).add([Order(phone_key(NUMBER), "wrong_number", "maria")], NOW)
        assert (change.changed, len(change.debtor_ids)) == (1, 2)
        assert [rule(verdict) for verdict in await desk.book(*queued)] == ["suppressed", "suppressed"]
        assert await desk.due() == []

    async def test_the_next_number_takes_the_place_of_a_stopped_one(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER, "+573009999999")
        await Suppressions(store).add([Order(phone_key(NUMBER), "wrong_number", "maria")], NOW)
        (lead,) = await desk.due()
        assert lead.phone == "+573009999999"
        assert await desk.book(lead) == [Allowed()]

    async def test_one_disputed_debt_leaves_the_others_and_all_of_them_end_the_calls(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (queued,) = await desk.due()
        one, other = await debts_of(desk, queued.debtor_id, 2)
        shelf = Suppressions(store)
        await shelf.add([Order(debt_key(one), "dispute", "maria")], NOW)
        assert (await desk.lead("ana")).state == LeadState.OPEN
        await shelf.add([Order(debt_key(other), "dispute", "maria")], NOW)
        assert [rule(verdict) for verdict in await desk.book(queued)] == ["suppressed"]
        lead = await desk.lead("ana")
        assert (lead.state, lead.reason) == (LeadState.SUPPRESSED, "dispute")

    async def test_a_debt_the_call_is_not_about_stops_nothing(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (queued,) = await desk.due()
        one, other = await debts_of(desk, queued.debtor_id, 2)
        await Suppressions(store).add([Order(debt_key(one), "dispute", "maria")], NOW)
        about = desk.intent(queued)
        asked = [replace(about, record=replace(about.record, accounts=(debt,))) for debt in (one, other)]
        assert [rule(verdict) for verdict in await desk.journal.commit_intents(asked[:1])] == ["suppressed"]
        assert await desk.journal.commit_intents(asked[1:]) == [Allowed()]

    async def test_a_lifted_order_opens_lead_and_number_again_and_stays_readable(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (queued,) = await desk.due()
        keys = [person_key(queued.debtor_id), phone_key(NUMBER)]
        shelf = Suppressions(store)
        await shelf.add([Order(key, "internal", "maria", note="asked") for key in keys], NOW)
        assert await desk.due() == []
        assert (await shelf.lift(keys, None, by="jose", now=LATER)).changed == 2
        assert await desk.due(LATER) == [queued]
        assert await shelf.listed(keys) == []
        past = await shelf.listed(keys, past=True)
        assert {(row["by_name"], row["lifted_by"], row["note"]) for row in past} == {("maria", "jose", "asked")}

    async def test_lifting_one_kind_leaves_the_others_in_force(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (queued,) = await desk.due()
        key = person_key(queued.debtor_id)
        shelf = Suppressions(store)
        await shelf.add([Order(key, kind, "maria") for kind in ("hardship", "represented")], NOW)
        await shelf.lift([key], "hardship", by="jose", now=NOW)
        assert [rule(verdict) for verdict in await desk.book(queued)] == ["suppressed"]
        assert (await desk.lead("ana")).state == LeadState.SUPPRESSED

    async def test_an_order_with_an_end_lets_the_lead_rest_until_then(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (queued,) = await desk.due()
        await Suppressions(store).add([Order(person_key(queued.debtor_id), "hardship", "maria", until=LATER)], NOW)
        assert await desk.due() == []
        (verdict,) = await desk.book(queued)
        assert isinstance(verdict, Refused)
        assert verdict.until == LATER
        (lead,) = await desk.due(LATER)
        assert await desk.journal.commit_intents([replace(desk.intent(lead), record=desk.record(lead, LATER))]) == [
            Allowed()
        ]

    async def test_the_same_order_twice_is_one_and_a_longer_one_replaces_a_shorter(self, store: Store) -> None:
        shelf = Suppressions(store)
        order = Order(phone_key(NUMBER), "internal", "maria", until=LATER)
        assert (await shelf.add([order, order], NOW)).changed == 1
        assert (await shelf.add([order], NOW)).changed == 0
        assert (await shelf.add([replace(order, until=None)], NOW)).changed == 1
        assert (await shelf.add([order], NOW)).changed == 0
        (row,) = await shelf.listed()
        assert (row["until"], len(await shelf.listed(past=True))) == (None, 2)

    async def test_an_order_whose_time_is_over_is_given_anew(self, store: Store) -> None:
        shelf = Suppressions(store)
        order = Order(phone_key(NUMBER), "internal", "maria", until=NOW + timedelta(hours=1))
        await shelf.add([order], NOW)
        assert (await shelf.add([replace(order, until=LATER + timedelta(hours=1))], LATER)).changed == 1

    async def test_only_the_lists_a_profile_names_hold_a_call_back(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        await Suppressions(store).add([Order(phone_key(NUMBER), "br_pa", "maria")], NOW)
        (lead,) = await desk.due()
        refused, allowed = (
            replace(desk.intent(lead), lists=lists) for lists in (frozenset({"br_pa"}), frozenset({"other"}))
        )
        assert [rule(verdict) for verdict in await desk.journal.commit_intents([refused])] == ["suppressed"]
        assert await desk.journal.commit_intents([allowed]) == [Allowed()]


class WordsOfADebtorContract:
    @pytest.mark.parametrize(
        ("disposition", "kind"),
        [("wrong_party", "wrong_number"), ("fallecido", "deceased"), ("represented", "represented")],
    )
    async def test_what_an_agent_says_of_a_conversation_ends_the_calls(
        self, store: Store, disposition: str, kind: str
    ) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (lead,) = await desk.due()
        await desk.call(lead, Outcome.ANSWERED, agent="rosa", disposition=disposition)
        (row,) = await Suppressions(store).listed()
        assert (row["kind"], row["by_name"]) == (kind, "rosa")
        assert disposition in row["source"]

    async def test_a_wrong_number_is_retired_and_the_next_one_is_called(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER, "+573009999999")
        (lead,) = await desk.due()
        await desk.call(lead, Outcome.ANSWERED, agent="rosa", disposition="wrong_number")
        async with store.snapshot() as session:
            retired = (await session.scalars(select(Phone.retired_reason).order_by(Phone.rank))).all()
        assert retired == ["wrong_number", None]

    async def test_a_dispute_is_about_the_debts_of_the_call(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (lead,) = await desk.due()
        one, _ = await debts_of(desk, lead.debtor_id, 2)
        async with store.transaction() as session:
            (await session.get_one(Lead, lead.lead_id)).account_ids = [one]
        await desk.call(lead, Outcome.ANSWERED, agent="rosa", disposition="dispute")
        assert [row["key"] for row in await Suppressions(store).listed()] == [debt_key(one)]

    async def test_a_disposition_given_later_counts_and_a_lifted_order_is_not_written_again(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (lead,) = await desk.due()
        record = await desk.call(lead, Outcome.ANSWERED, agent="rosa")
        shelf = Suppressions(store)
        await desk.journal.apply([replace(record, seq=6, disposition="cease")])
        assert (await shelf.lift([person_key(lead.debtor_id)], None, by="jose", now=LATER)).changed == 1
        await desk.journal.apply([replace(record, seq=7, disposition="cease", recording="a.flac")])
        assert await shelf.listed() == []

    async def test_the_key_for_no_more_calls_is_a_suppression_too_and_lifting_it_takes_both_back(
        self, store: Store
    ) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        (lead,) = await desk.due()
        await desk.journal.opt_out(NOW, debtor_id=lead.debtor_id)
        shelf = Suppressions(store)
        (row,) = await shelf.listed()
        assert (row["key"], row["kind"], row["by_name"]) == (person_key(lead.debtor_id), "cease_request", "debtor")
        assert await desk.due() == []
        await shelf.lift([row["key"]], None, by="jose", now=LATER)
        assert await desk.due() == [lead]
        assert await desk.book(lead) == [Allowed()]


async def test_the_index_of_suppressions_answers(tmp_path) -> None:
    async with Store(f"sqlite:///{tmp_path}/books.db") as store:
        await store.migrate()
        async with store.snapshot() as session:
            query = select(Suppression.id).where(Suppression.key.in_(["phone:+57", "person:1"]))
            compiled = query.where(Suppression.lifted_at.is_(None)).compile(
                compile_kwargs={"literal_binds": True}, dialect=(await session.connection()).dialect
            )
            plan = (await (await session.connection()).exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")).all()
    assert "uq_suppressions_in_force" in str(plan)


class TestOnSqlite(OnSqlite, SuppressionContract, WordsOfADebtorContract):
    pass
