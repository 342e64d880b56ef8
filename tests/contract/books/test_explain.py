"""Why somebody is called or not: the first reason and all others, the next moment, and every lead counted once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from campaigns.approvals import Approvals
from campaigns.case_models import Import, ImportState, PriorEvent, Promise
from campaigns.compliance import Library, debt_key, person_key, phone_key
from campaigns.explain import Explainer
from campaigns.explanations import Dialable, Explanation
from campaigns.models import Account, Campaign, Debtor, Lead, LeadState, Phone
from campaigns.standing import standing
from campaigns.suppression import Order, Suppressions
from dialer.store import Store
from dialer.types import InputError, Outcome, Refused
from tests.books import NOW, Desk, OnSqlite

NUMBER = "+573001234567"
SUNDAY = datetime(2026, 6, 7, 15, tzinfo=UTC)
MONDAY = datetime(2026, 6, 9, 13, tzinfo=UTC)  # 8 June is a holiday in Colombia


async def approved(store: Store) -> None:
    async with store.transaction() as session:
        for name in ("base", "co"):
            await Approvals(session).approve(Library.shipped().profile(name), "ana", NOW)


class ApprovedDesk:
    """A campaign with one debtor, under rules that somebody answers for."""

    @pytest.fixture
    async def desk(self, store: Store) -> Desk:
        await approved(store)
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        return desk


def explainer(store: Store) -> Explainer:
    return Explainer(store, Library.shipped(), ring_s=47)


async def why(desk: Desk, who: str = "ana", at: datetime = NOW) -> Explanation:
    (explained,) = await explainer(desk.store).why(desk.campaign.name, who, at)
    return explained


async def dialable(desk: Desk, at: datetime = NOW) -> Dialable:
    return await explainer(desk.store).dialable(desk.campaign.name, at)


def rules(explained: Explanation) -> list[str]:
    return [refused.rule for refused in explained.answer.refusals]


async def move(desk: Desk, **values: object) -> None:
    async with desk.store.transaction() as session:
        await session.execute(update(Lead).values(**values))


class WhyContract(ApprovedDesk):
    async def test_whom_nothing_refuses_may_be_called_now(self, desk: Desk) -> None:
        explained = await why(desk, "300 123 4567")
        assert (explained.allowed, explained.answer.until, explained.phone) == (True, NOW, NUMBER)
        plain = explained.plain()
        assert plain["zones"] == ["America/Bogota"]
        assert [profile[0] for profile in plain["profiles"]] == ["base", "co"]
        assert set(plain["versions"]) == {"tzdata", "holidays", "phonenumbers"}

    async def test_outside_the_hours_the_next_opening_is_told(self, desk: Desk) -> None:
        explained = await why(desk, at=SUNDAY)
        assert rules(explained) == ["outside_window"]
        assert explained.answer.until == MONDAY

    async def test_all_reasons_are_told_and_the_first_is_the_persons(self, desk: Desk) -> None:
        await Suppressions(desk.store).add([Order(phone_key(NUMBER), "internal", "maria", until=SUNDAY)], NOW)
        await move(desk, next_try_at=NOW + timedelta(hours=1))
        explained = await why(desk, at=SUNDAY - timedelta(hours=1))
        assert rules(explained) == ["suppressed", "outside_window"]
        assert explained.answer.until == MONDAY

    @pytest.mark.parametrize(
        ("values", "rule"),
        [
            ({"state": LeadState.DONE.value, "reason": "answered"}, "lead_closed"),
            ({"state": LeadState.SUPPRESSED.value, "reason": "opted_out"}, "opted_out"),
            ({"state": LeadState.SUPPRESSED.value, "reason": "deceased"}, "suppressed"),
            ({"next_try_at": NOW + timedelta(hours=2)}, "not_due"),
        ],
    )
    async def test_the_state_of_the_lead_is_a_reason(self, desk: Desk, values: dict[str, object], rule: str) -> None:
        await move(desk, **values)
        assert rules(await why(desk)) == [rule]
        assert (await dialable(desk)).refused == {rule: 1}

    async def test_a_retired_number_and_one_in_a_call_are_told(self, desk: Desk) -> None:
        (lead,) = await desk.due()
        await desk.book(lead)
        async with desk.store.transaction() as session:
            await session.execute(update(Phone).values(retired_at=NOW, retired_reason="invalid"))
        assert rules(await why(desk)) == ["phone_retired", "in_call"]

    async def test_a_cap_tells_what_was_counted_and_when_there_is_room_again(self, desk: Desk) -> None:
        for minute in (0, 10):
            (lead,) = await desk.due(NOW + timedelta(minutes=minute))
            at = NOW + timedelta(minutes=minute)
            record = replace(desk.record(lead, at), dialled_at=at)
            await desk.journal.commit_intents([replace(desk.intent(lead), record=record)])
            ended: dict[str, Any] = {"seq": 5, "outcome": Outcome.NO_ANSWER, "ended_at": at + timedelta(seconds=30)}
            await desk.journal.apply([replace(record, **ended)])
            await move(desk, next_try_at=NOW)
        explained = await why(desk, at=NOW + timedelta(minutes=20))
        assert rules(explained) == ["base.attempt.phone.rolling:1h"]
        assert explained.answer.until == NOW + timedelta(hours=1)
        (counter,) = [c for c in explained.plain()["counters"] if c["rule"] == "base.attempt.phone.rolling:1h"]
        assert (counter["count"], counter["most"], counter["key"]) == (2, 2, phone_key(NUMBER))
        assert (await why(desk, at=NOW + timedelta(minutes=5))).allowed

    async def test_what_was_done_before_this_dialer_counts(self, desk: Desk) -> None:
        lead = await desk.lead("ana")
        async with desk.store.transaction() as session:
            told = {"campaign_id": desk.campaign.id, "key": person_key(lead.debtor_id), "kind": "conversation"}
            session.add(PriorEvent(**told, at=NOW - timedelta(hours=1)))
        explained = await why(desk)
        assert rules(explained) == ["CO-02"]
        assert explained.answer.until == datetime(2026, 6, 3, 13, tzinfo=UTC)
        assert (await dialable(desk)).refused == {"CO-02": 1}

    async def test_a_promise_to_pay_holds_until_its_day_is_over_where_the_debtor_lives(self, desk: Desk) -> None:
        lead = await desk.lead("ana")
        async with desk.store.transaction() as session:
            debt = Account(debtor_id=lead.debtor_id)
            session.add(debt)
            await session.flush()
            told = {"account_id": debt.id, "debtor_id": lead.debtor_id, "campaign_id": desk.campaign.id}
            session.add(Promise(**told, due_on=date(2026, 6, 2), made_at=NOW))
        explained = await why(desk)
        assert rules(explained) == ["promise"]
        assert explained.answer.until == datetime(2026, 6, 3, 13, tzinfo=UTC)
        assert (await why(desk, at=datetime(2026, 6, 3, 15, tzinfo=UTC))).allowed

    async def test_a_promise_and_a_dispute_leave_nothing_to_talk_about(self, desk: Desk) -> None:
        lead = await desk.lead("ana")
        async with desk.store.transaction() as session:
            debts = [Account(debtor_id=lead.debtor_id, number=str(number)) for number in range(2)]
            session.add_all(debts)
            await session.flush()
            told = {"account_id": debts[0].id, "debtor_id": lead.debtor_id, "campaign_id": desk.campaign.id}
            session.add(Promise(**told, due_on=date(2026, 6, 2), made_at=NOW))
        assert (await why(desk)).allowed
        await Suppressions(desk.store).add([Order(debt_key(debts[1].id), "dispute", "maria")], NOW)
        assert rules(await why(desk)) == ["promise"]

    async def test_case_14_an_unknown_place_is_never_called(self, desk: Desk) -> None:
        async with desk.store.transaction() as session:
            await session.execute(update(Debtor).values(country="ZZ"))
        explained = await why(desk)
        assert rules(explained) == ["unknown_profile"]
        assert explained.answer.until is None

    async def test_case_9_nothing_promised_goes_before_a_suppression(self, desk: Desk) -> None:
        lead = await desk.lead("ana")
        await move(desk, priority=100, next_try_at=NOW)
        await Suppressions(desk.store).add([Order(person_key(lead.debtor_id), "cease_request", "maria")], NOW)
        assert rules(await why(desk)) == ["suppressed"]

    async def test_a_profile_nobody_approved_is_told_behind_the_lead(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", NUMBER)
        assert rules(await why(desk, at=SUNDAY)) == ["outside_window", "unapproved_profile", "unapproved_profile"]

    async def test_the_number_asked_for_is_the_one_explained(self, desk: Desk) -> None:
        await desk.list_debtor("bea", "+573110000001", "+573110000002")
        second = await why(desk, "311 0000002")
        assert (second.phone, second.notes) == ("+573110000002", ("the number called next is +573110000001",))
        assert (await why(desk, "bea")).phone == "+573110000001"

    async def test_somebody_of_no_list_is_told(self, desk: Desk) -> None:
        with pytest.raises(InputError, match="has nobody under"):
            await why(desk, "+573119999999")


class DialableContract(ApprovedDesk):
    async def test_every_lead_is_counted_once_under_its_first_rule(self, desk: Desk, monkeypatch) -> None:
        monkeypatch.setattr("campaigns.explain.CHUNK", 3)
        for number in range(8):
            await desk.list_debtor(f"d{number}", f"+57300000000{number}")
        ids = [(await desk.lead(f"d{number}")).debtor_id for number in range(8)]
        shelf = Suppressions(desk.store)
        await shelf.add([Order(person_key(debtor), "deceased", "maria") for debtor in ids[:2]], NOW)
        await shelf.add([Order(person_key(ids[2]), "hardship", "maria", until=MONDAY)], NOW)
        async with desk.store.transaction() as session:
            staging = Import(
                campaign_id=desk.campaign.id, file_hash="f", mapping_hash="m", file_name="f", started_at=NOW
            )
            session.add(staging)
            await session.flush()
            await session.execute(
                update(Lead).where(Lead.debtor_id == ids[3]).values(state="staged", import_id=staging.id)
            )
            await session.execute(update(Lead).where(Lead.debtor_id == ids[4]).values(state="done", reason="answered"))
        counted = await dialable(desk)
        refused = {"suppressed": 3, "import_not_published": 1, "lead_closed": 1}
        assert (counted.leads, counted.now, counted.refused) == (9, 4, refused)
        assert counted.reasons["lead_closed"] == {"answered": 1}
        assert counted.segments == {"early": 4}
        async with desk.store.transaction() as session:
            await session.execute(update(Import).values(state=ImportState.PUBLISHED.value))
        assert (await dialable(desk)).now == 5

    async def test_the_next_moments_are_told_with_their_numbers(self, desk: Desk) -> None:
        counted = await dialable(desk, SUNDAY)
        assert (counted.now, counted.next_moments) == (0, [(MONDAY, 1)])
        assert counted.plain()["next"] == [["2026-06-09T13:00:00+00:00", 1]]

    async def test_whoever_asks_for_one_need_not_count_all(self, desk: Desk, monkeypatch) -> None:
        monkeypatch.setattr("campaigns.explain.CHUNK", 2)
        for number in range(8):
            await desk.list_debtor(f"d{number}", f"+57300000000{number}")
        counted = await explainer(desk.store).dialable(desk.campaign.name, NOW, enough=1)
        assert counted.now == 2


class StandingContract(ApprovedDesk):
    async def standing(self, desk: Desk, *real: str) -> tuple[Refused, ...]:
        async with desk.store.snapshot() as session:
            row = await session.get_one(Campaign, desk.campaign.id)
            return await standing(session, row, Library.shipped(), NOW, real_nodes=real)

    async def test_without_history_and_approval_a_campaign_calls_nobody(self, store: Store) -> None:
        desk = await Desk.opened(store)
        held = await self.standing(desk)
        assert [refused.rule for refused in held] == ["no_history", "unapproved_profile", "unapproved_profile"]

    async def test_with_both_it_may(self, desk: Desk) -> None:
        async with desk.store.transaction() as session:
            await session.execute(update(Campaign).values(history_at=NOW, history_by="ana", history_rows=0))
        assert await self.standing(desk, "north") == ()

    async def test_every_place_where_debtors_live_counts(self, desk: Desk) -> None:
        async with desk.store.transaction() as session:
            await session.execute(update(Campaign).values(history_at=NOW))
            await session.execute(update(Debtor).values(country="PE"))
        assert [refused.detail for refused in await self.standing(desk)] == ["pe: never approved"]

    async def test_the_demo_profile_stays_with_the_simulated_asterisk(self, desk: Desk) -> None:
        async with desk.store.transaction() as session:
            row = await session.get_one(Campaign, desk.campaign.id)
            row.definition, row.history_at = row.definition.replace("country", 'profile = "demo"\ncountry', 1), NOW
        assert await self.standing(desk) == ()
        assert [refused.rule for refused in await self.standing(desk, "north")] == ["demo_profile"]


class TestOnSqlite(OnSqlite, WhyContract, DialableContract, StandingContract):
    pass
