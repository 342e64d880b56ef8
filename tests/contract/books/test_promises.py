"""Promised calls and promised payments in the books."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from campaigns.cadence.promised import Kept
from campaigns.callbacks import Callbacks
from campaigns.case_models import Callback, Promise
from campaigns.models import Account, LeadState
from campaigns.promises import Promises, Reviewed, promised_debts
from dialer.config import CallbackConfig
from dialer.store import Store
from dialer.types import InputError, Outcome, QueuedLead
from tests.books import NOW, TODAY, Desk, OnSqlite

CONFIG = CallbackConfig()
LATER = NOW + timedelta(hours=3)
ENDED = NOW + timedelta(minutes=1)
FRIDAY = date(2026, 6, 5)
SATURDAY_MORNING = datetime(2026, 6, 6, 5, tzinfo=UTC)  # midnight in Bogota


async def talking(store: Store, *balances: int) -> tuple[Desk, QueuedLead]:
    """Return a desk with one call booked, to a debtor who owes these balances."""
    desk = await Desk.opened(store)
    await desk.list_debtor("ana", "+573001", "+573002")
    (lead,) = await desk.due()
    async with store.transaction() as session:
        session.add_all(
            Account(debtor_id=lead.debtor_id, number=str(number), balance=Decimal(balance))
            for number, balance in enumerate(balances)
        )
    await desk.book(lead)
    return desk, lead


async def states(store: Store, table: type[Callback | Promise]) -> list[str]:
    async with store.snapshot() as session:
        return list((await session.scalars(select(table.state).order_by(table.id))).all())


async def told(desk: Desk, lead: QueuedLead, outcome: Outcome, **facts: object) -> None:
    record = replace(desk.record(lead), seq=5, outcome=outcome, ended_at=ENDED, **facts)  # type: ignore[arg-type]
    await desk.journal.apply([record])


async def owe(store: Store, balance: int) -> None:
    async with store.transaction() as session:
        await session.execute(update(Account).values(balance=Decimal(balance)))


class CallbacksContract:
    @pytest.mark.parametrize("told_first", [True, False])
    async def test_a_promised_call_is_due_at_its_time_before_all_others(self, store: Store, told_first: bool) -> None:
        desk, lead = await talking(store)
        if told_first:
            await told(desk, lead, Outcome.ANSWERED, disposition="callback")
        await Callbacks(store).make(lead.call_id, LATER, NOW, CONFIG, agent="rosa", by="rosa", note="at lunch")
        if not told_first:
            await told(desk, lead, Outcome.ANSWERED, disposition="callback")
        assert await desk.due(LATER - timedelta(seconds=1)) == []
        (again,) = await desk.due(LATER)
        assert (again.priority, again.phone) == (100, lead.phone)
        standing = (await Callbacks(store).due([again.lead_id]))[again.lead_id]
        assert (standing.due.agent, standing.due.fallback_at) == ("rosa", LATER + timedelta(minutes=30))

    async def test_a_second_promise_in_one_call_takes_the_place_of_the_first(self, store: Store) -> None:
        desk, lead = await talking(store)
        callbacks = Callbacks(store)
        await callbacks.make(lead.call_id, LATER, NOW, CONFIG)
        await callbacks.make(lead.call_id, LATER + timedelta(hours=1), NOW, CONFIG)
        assert await states(store, Callback) == ["cancelled", "open"]
        await told(desk, lead, Outcome.ANSWERED, disposition="callback")
        assert (await desk.lead("ana")).next_try_at == LATER + timedelta(hours=1)

    async def test_the_debtors_own_key_promises_a_call_by_anyone(self, store: Store) -> None:
        desk, lead = await talking(store)
        await told(desk, lead, Outcome.ABANDONED, disposition="callback")
        standing = (await Callbacks(store).due([lead.lead_id]))[lead.lead_id]
        assert (standing.due.agent, standing.due.due_at) == (None, ENDED + CONFIG.after_key)

    async def test_a_conversation_keeps_it(self, store: Store) -> None:
        desk, lead = await talking(store)
        await told(desk, lead, Outcome.ANSWERED, disposition="callback")
        (again,) = await desk.due(ENDED + timedelta(hours=24))
        await desk.book(again)
        spoken = replace(desk.record(again), seq=5, outcome=Outcome.ANSWERED, ended_at=ENDED + timedelta(hours=25))
        await desk.journal.apply([spoken])
        assert await states(store, Callback) == ["done"]
        done = await desk.lead("ana")
        assert (done.state, done.reason, done.priority) == (LeadState.DONE, "answered", 0)

    async def test_called_in_vain_it_comes_again_before_others_and_after_its_expiry_like_others(
        self, store: Store
    ) -> None:
        desk, lead = await talking(store)
        await Callbacks(store).make(lead.call_id, LATER, NOW, CONFIG)
        await told(desk, lead, Outcome.ANSWERED, disposition="callback")
        for hours, priority, state in ((0, 100, "open"), (21, 0, "done")):
            (again,) = await desk.due(LATER + timedelta(hours=hours))
            await desk.book(again)
            missed = replace(desk.record(again), seq=5, outcome=Outcome.NO_ANSWER)
            await desk.journal.apply([replace(missed, ended_at=LATER + timedelta(hours=hours))])
            assert ((await desk.lead("ana")).priority, await states(store, Callback)) == (priority, [state])

    async def test_one_that_nobody_called_in_time_is_given_up(self, store: Store) -> None:
        desk, lead = await talking(store)
        await told(desk, lead, Outcome.ANSWERED, disposition="callback")
        over = ENDED + CONFIG.without_time + CONFIG.expires
        callbacks = Callbacks(store)
        assert await callbacks.review(over - timedelta(seconds=1)) == 0
        assert await callbacks.review(over) == 1
        assert await callbacks.review(over) == 0
        left = await desk.lead("ana")
        assert (left.state, left.priority) == (LeadState.OPEN, 0)

    async def test_a_promise_taken_back_is_no_promise(self, store: Store) -> None:
        desk, lead = await talking(store)
        await told(desk, lead, Outcome.ANSWERED, disposition="callback")
        record = replace(desk.record(lead), seq=9, outcome=Outcome.ANSWERED, ended_at=ENDED, disposition="refusal")
        await desk.journal.apply([record])
        assert await states(store, Callback) == ["cancelled"]
        assert (await desk.lead("ana")).state == LeadState.DONE

    async def test_times_that_have_passed_and_unknown_calls_are_refused(self, store: Store) -> None:
        _, lead = await talking(store)
        with pytest.raises(InputError, match="that time has passed"):
            await Callbacks(store).make(lead.call_id, NOW, NOW, CONFIG)
        with pytest.raises(InputError, match="the books know no call"):
            await Callbacks(store).make("t" * 27, LATER, NOW, CONFIG)


class PromisesContract:
    @pytest.mark.parametrize("told_first", [True, False])
    async def test_a_promised_debt_rests_until_the_day_after(self, store: Store, told_first: bool) -> None:
        desk, lead = await talking(store, 500)
        if told_first:
            await told(desk, lead, Outcome.ANSWERED, disposition="promise")
        await Promises(store).make(lead.call_id, FRIDAY, NOW, amount=Decimal(100), agent="rosa")
        if not told_first:
            await told(desk, lead, Outcome.ANSWERED, disposition="promise")
        resting = await desk.lead("ana")
        assert (resting.state, resting.reason, resting.next_try_at) == (LeadState.OPEN, "promised", SATURDAY_MORNING)
        assert await desk.due(SATURDAY_MORNING - timedelta(seconds=1)) == []

    async def test_with_a_debt_left_over_a_conversation_ends_it_as_ever(self, store: Store) -> None:
        desk, lead = await talking(store, 500, 900)
        async with store.snapshot() as session:
            first, second = (await session.scalars(select(Account.id).order_by(Account.id))).all()
            await Promises(store).make(lead.call_id, FRIDAY, NOW, amount=Decimal(100), account_id=first)
            await told(desk, lead, Outcome.ANSWERED, disposition="promise")
        assert (await desk.lead("ana")).state == LeadState.DONE
        async with store.snapshot() as session:
            assert await promised_debts(await session.connection(), [first, second]) == {first: FRIDAY}

    async def test_a_payment_on_the_list_keeps_it(self, store: Store) -> None:
        desk, lead = await talking(store, 500)
        await Promises(store).make(lead.call_id, FRIDAY, NOW, amount=Decimal(100))
        await told(desk, lead, Outcome.ANSWERED, disposition="promise")
        assert await Promises(store).review(NOW) == Reviewed()
        await owe(store, 400)
        assert await Promises(store).review(NOW) == Reviewed(kept=1)
        kept = await desk.lead("ana")
        assert (kept.state, kept.reason) == (LeadState.DONE, "promise_kept")

    async def test_a_broken_one_comes_back_before_others_and_only_once(self, store: Store) -> None:
        desk, lead = await talking(store, 500)
        await Promises(store).make(lead.call_id, FRIDAY, NOW, amount=Decimal(100))
        await told(desk, lead, Outcome.ANSWERED, disposition="promise")
        promises = Promises(store)
        assert await promises.review(SATURDAY_MORNING - timedelta(seconds=1)) == Reviewed()
        assert await promises.review(SATURDAY_MORNING) == Reviewed(broken=1)
        assert await promises.review(SATURDAY_MORNING) == Reviewed()
        assert await states(store, Promise) == ["broken"]
        (again,) = await desk.due(SATURDAY_MORNING)
        assert again.priority == 50

    async def test_somebody_may_say_so_by_hand(self, store: Store) -> None:
        desk, lead = await talking(store, 500)
        await Promises(store).make(lead.call_id, FRIDAY, NOW)
        (row,) = await Promises(store).open(desk.campaign.id)
        assert (row.external_id, row.balance, row.due_on) == ("ana", Decimal(500), FRIDAY)
        assert await Promises(store).decide(desk.campaign.id, "ana", Kept.BROKEN, NOW) == 1
        assert await Promises(store).decide(desk.campaign.id, "ana", Kept.KEPT, NOW) == 0
        assert (await desk.lead("ana")).priority == 50

    async def test_a_second_promise_takes_the_place_of_the_first(self, store: Store) -> None:
        desk, lead = await talking(store, 500)
        await Promises(store).make(lead.call_id, TODAY, NOW)
        await Promises(store).make(lead.call_id, FRIDAY, NOW)
        assert await states(store, Promise) == ["cancelled", "open"]
        assert (await desk.lead("ana")).next_try_at == SATURDAY_MORNING

    async def test_what_cannot_be_promised_is_refused(self, store: Store) -> None:
        _, lead = await talking(store, 500, 900)
        promises = Promises(store)
        with pytest.raises(InputError, match="that day has passed"):
            await promises.make(lead.call_id, TODAY - timedelta(days=1), NOW)
        with pytest.raises(InputError, match=r"several debts: .*--debt"):
            await promises.make(lead.call_id, FRIDAY, NOW, amount=Decimal(5))
        with pytest.raises(InputError, match="no debt to promise"):
            await promises.make(lead.call_id, FRIDAY, NOW, account_id=999)


class TestOnSqlite(OnSqlite, CallbacksContract, PromisesContract):
    pass
