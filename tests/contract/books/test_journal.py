"""Nobody is called twice: intents are booked once, outcomes settled once, limits hold whoever writes."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from campaigns.journal import Applied, Journal
from campaigns.models import InboundCall, LeadState, Phone, PhoneDay
from dialer.store import Store
from dialer.types import Allowed, InboundRecord, Outcome, QueuedLead, Refused, Verdict
from tests.books import NOW, TODAY, Desk, OnSqlite

TOMORROW = datetime(2026, 6, 3, 5, tzinfo=UTC)  # midnight in Bogota


def rules(verdicts: list[Verdict]) -> list[str]:
    return [verdict.rule if isinstance(verdict, Refused) else "allowed" for verdict in verdicts]


async def day_count(desk: Desk, phone: str) -> int:
    async with desk.store.snapshot() as session:
        return await session.scalar(select(PhoneDay.tries).where(PhoneDay.phone == phone)) or 0


class IntentsContract:
    async def test_a_booked_try_is_allowed_and_open(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        assert await desk.book(lead) == [Allowed()]
        assert await desk.journal.open_attempts("north") == [desk.record(lead)]
        assert await desk.journal.open_attempts("south") == []

    async def test_the_same_try_is_never_allowed_twice(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        assert rules(await desk.book(lead, lead)) == ["allowed", "already_tried"]
        assert rules(await desk.book(lead)) == ["already_tried"]
        assert await day_count(desk, lead.phone) == 1

    async def test_a_replayed_try_is_refused_after_its_outcome_too(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.call(lead, Outcome.BUSY)
        assert rules(await desk.book(lead)) == ["already_tried"]

    async def test_one_debtor_is_in_one_call_whatever_the_campaign(self, store: Store) -> None:
        spring, autumn = await Desk.opened(store), await Desk.opened(store, "autumn")
        await spring.list_debtor("ana")
        (lead,) = await spring.due()
        await spring.book(lead)
        elsewhere = replace(lead, campaign_id=autumn.campaign.id, call_id="t" + "a" * 26)
        assert rules(await autumn.book(elsewhere)) == ["in_call"]

    async def test_verdicts_come_in_the_order_of_the_intents(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea", "carla"):
            await desk.list_debtor(name, f"+57300{name}")
        ana, bea, carla = sorted(await desk.due(), key=lambda lead: lead.debtor)
        await desk.book(bea)
        assert rules(await desk.book(carla, bea, ana)) == ["allowed", "already_tried", "allowed"]

    async def test_a_phone_over_its_daily_limit_leaves_no_attempt_and_rests_until_tomorrow(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea", "carla"):
            await desk.list_debtor(name, "+573001234567")
        verdicts = await desk.book(*await desk.due(), max_per_day=2)
        assert rules(verdicts) == ["allowed", "allowed", "phone_day_limit"]
        assert isinstance(verdicts[2], Refused)
        assert verdicts[2].until == TOMORROW
        assert len(await desk.journal.open_attempts()) == await day_count(desk, "+573001234567") == 2
        assert await desk.due() == []
        assert [lead.debtor for lead in await desk.due(TOMORROW)] == ["carla"]

    async def test_a_new_day_counts_anew(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea"):
            await desk.list_debtor(name, "+573001234567")
        today, later = await desk.due()
        intents = [desk.intent(today, 1), desk.intent(later, 1, TODAY + timedelta(days=1))]
        assert rules(await desk.journal.commit_intents(intents)) == ["allowed", "allowed"]

    async def test_who_opted_out_is_refused_even_when_queued(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        assert await desk.journal.opt_out(NOW, debtor_id=lead.debtor_id) == 1
        assert rules(await desk.book(lead)) == ["opted_out"]

    async def test_opting_out_by_phone_holds_for_everybody_behind_it(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea"):
            await desk.list_debtor(name, "+573001234567")
        leads = await desk.due()
        assert await desk.journal.opt_out(NOW, phone="+573001234567") == 2
        assert rules(await desk.book(*leads)) == ["opted_out", "opted_out"]
        assert await desk.due() == []

    async def test_a_lead_nobody_knows_is_refused(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        assert rules(await desk.book(replace(lead, lead_id=999))) == ["unknown_lead"]

    async def test_a_group_cancelled_half_way_books_nothing(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        reached = asyncio.Event()

        async def never(*_: object) -> dict[str, Refused]:
            reached.set()
            await asyncio.Event().wait()
            return {}

        with monkeypatch.context() as patched:
            patched.setattr("campaigns.intents.reserve", never)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(desk.book(lead))
                await reached.wait()
                task.cancel()
        assert await desk.journal.open_attempts() == []
        assert await desk.book(lead) == [Allowed()]

    async def test_two_engines_never_exceed_a_phones_day(self, store: Store) -> None:
        """Sixty debtors behind six phones, two journals racing in groups of every size: three calls a phone."""
        desk = await Desk.opened(store)
        for number in range(60):
            await desk.list_debtor(f"d{number:02}", f"+57300000000{number % 6}")
        leads = await desk.due()
        engines = [Journal(store), Journal(store)]
        allowed: Counter[str] = Counter()

        async def race(engine: Journal, mine: list[QueuedLead], size: int) -> None:
            for start in range(0, len(mine), size):
                group = mine[start : start + size]
                verdicts = await engine.commit_intents([desk.intent(lead) for lead in group])
                allowed.update(lead.phone for lead, v in zip(group, verdicts, strict=True) if v == Allowed())

        async with asyncio.TaskGroup() as group:
            for size, step in ((1, 1), (7, -1), (20, 1), (3, -1)):
                group.create_task(race(engines[size % 2], leads[::step], size))
        assert allowed == {f"+57300000000{n}": 3 for n in range(6)}
        assert len(await desk.journal.open_attempts()) == 18

    async def test_two_engines_never_share_a_try(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for number in range(40):
            await desk.list_debtor(f"d{number:02}", f"+5730000000{number:02}")
        leads = await desk.due()
        verdicts: list[Verdict] = []

        async def race(mine: list[QueuedLead], size: int) -> None:
            for start in range(0, len(mine), size):
                verdicts.extend(await desk.book(*mine[start : start + size]))

        async with asyncio.TaskGroup() as group:
            group.create_task(race(leads, 3))
            group.create_task(race(leads[::-1], 4))
        assert Counter(rules(verdicts)) == {"allowed": 40, "already_tried": 40}


class OutcomesContract:
    async def test_an_outcome_closes_the_attempt_and_sets_the_next_try(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.call(lead, Outcome.BUSY)
        assert await desk.journal.open_attempts() == []
        assert await desk.due(NOW + timedelta(minutes=10)) == []
        (again,) = await desk.due(NOW + timedelta(minutes=11))
        assert (again.try_no, again.debtor) == (2, "ana")
        assert again.call_id != lead.call_id

    async def test_a_replay_changes_nothing(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        told = await desk.call(lead, Outcome.FAILED)
        assert await desk.journal.apply([told, told]) == Applied(0, 1)
        assert await day_count(desk, lead.phone) == 0
        assert (await desk.lead("ana")).tries == 1

    async def test_a_late_record_does_not_undo_a_newer_one(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.call(lead, Outcome.BUSY, seq=5)
        late = replace(desk.record(lead), seq=3, ringing_at=NOW)
        assert await desk.journal.apply([late]) == Applied(0, 1)
        assert await desk.journal.open_attempts() == []

    async def test_several_records_of_one_call_in_any_order_count_once(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.book(lead)
        steps = [
            replace(desk.record(lead), seq=1, dialled_at=NOW),
            replace(desk.record(lead), seq=3, dialled_at=NOW, outcome=Outcome.NO_ANSWER, ended_at=NOW),
            replace(desk.record(lead), seq=2, dialled_at=NOW, ringing_at=NOW),
        ]
        assert await desk.journal.apply(steps) == Applied(1, 0)
        assert (await desk.lead("ana")).next_try_at == NOW + timedelta(hours=4)

    async def test_the_first_outcome_stands_and_facts_are_never_unlearned(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        told = await desk.call(lead, Outcome.ANSWERED, agent="rosa")
        forgetful = replace(told, seq=9, outcome=Outcome.DROPPED, agent=None, wrap_ended_at=NOW)
        assert await desk.journal.apply([forgetful]) == Applied(1, 0)
        lead_row = await desk.lead("ana")
        assert (lead_row.state, lead_row.reason) == (LeadState.DONE, "answered")

    async def test_a_dead_legs_conversation_is_retracted(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.book(lead)
        joined = replace(desk.record(lead), seq=1, answered_at=NOW, bridged_at=NOW, agent="bob")
        await desk.journal.apply([joined])
        lost = replace(joined, seq=2, bridged_at=None, agent=None, flags=("dead_leg",))
        await desk.journal.apply([lost])
        (open_attempt,) = await desk.journal.open_attempts()
        assert (open_attempt.bridged_at, open_attempt.agent, open_attempt.answered_at) == (None, None, NOW)

    async def test_a_record_nobody_booked_is_named(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        stray = replace(desk.record(lead), seq=1)
        assert await desk.journal.apply([stray]) == Applied(0, 0, (lead.call_id,))

    async def test_an_invalid_number_is_retired_and_the_next_one_called(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", "+573001", "+573002")
        (lead,) = await desk.due()
        await desk.call(lead, Outcome.INVALID)
        (again,) = await desk.due(NOW + timedelta(minutes=1))
        assert (again.phone, again.try_no) == ("+573002", 2)
        assert await day_count(desk, "+573001") == 0
        async with store.snapshot() as session:
            retired = (await session.scalars(select(Phone).where(Phone.e164 == "+573001"))).one()
        assert (retired.retired_at, retired.retired_reason) == (NOW + timedelta(minutes=1), "invalid")

    async def test_the_last_invalid_number_ends_the_lead(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.call(lead, Outcome.INVALID)
        done = await desk.lead("ana")
        assert (done.state, done.reason) == (LeadState.DONE, "no_phone")

    async def test_the_campaigns_rules_end_a_lead(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        for _ in range(2):
            (lead,) = await desk.due(NOW + timedelta(hours=1))
            await desk.call(lead, Outcome.BUSY)
        done = await desk.lead("ana")
        assert (done.state, done.reason, done.tries) == (LeadState.DONE, "max_tries_busy", 2)

    async def test_who_spoke_last_is_remembered(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.call(lead, Outcome.ANSWERED, agent="rosa", disposition="callback")
        (again,) = await desk.due(NOW + timedelta(hours=25))
        assert again.last_agent == "rosa"

    async def test_a_promised_callback_opens_the_lead_again_a_day_later(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        told = await desk.call(lead, Outcome.ANSWERED)
        await desk.journal.apply([replace(told, seq=7, disposition="callback")])
        assert (await desk.lead("ana")).next_try_at == NOW + timedelta(hours=24, minutes=1)
        assert (await desk.lead("ana")).state == LeadState.OPEN

    async def test_another_disposition_leaves_the_lead_done(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        told = await desk.call(lead, Outcome.ANSWERED)
        await desk.journal.apply([replace(told, seq=7, disposition="refusal")])
        assert (await desk.lead("ana")).state == LeadState.DONE

    async def test_who_asks_to_be_called_back_in_the_menu_is_called_a_day_later(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.book(lead)
        told = replace(desk.record(lead), seq=5, outcome=Outcome.ABANDONED, ended_at=NOW, disposition="callback")
        await desk.journal.apply([told])
        assert (await desk.lead("ana")).next_try_at == NOW + timedelta(hours=24)

    async def test_who_presses_not_to_be_called_is_never_due_again(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.book(lead)
        told = replace(desk.record(lead), seq=5, outcome=Outcome.ABANDONED, ended_at=NOW, disposition="opt_out")
        await desk.journal.apply([told])
        kept = await desk.lead("ana")
        assert (kept.state, kept.reason) == (LeadState.SUPPRESSED, "opted_out")
        assert await desk.due(NOW + timedelta(days=400)) == []

    async def test_opting_out_outlives_the_outcome(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.book(lead)
        await desk.journal.opt_out(NOW, debtor_id=lead.debtor_id)
        await desk.journal.apply([replace(desk.record(lead), seq=5, outcome=Outcome.ABANDONED, ended_at=NOW)])
        kept = await desk.lead("ana")
        assert (kept.state, kept.reason, kept.tries) == (LeadState.SUPPRESSED, "opted_out", 1)

    async def test_many_calls_settle_in_one_batch(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for number in range(120):
            await desk.list_debtor(f"d{number:03}", f"+573000000{number:03}")
        leads = await desk.due(limit=200)
        await desk.book(*leads)
        outcomes = list(Outcome)
        told = [
            replace(desk.record(lead), seq=1, outcome=outcomes[n % len(outcomes)], ended_at=NOW)
            for n, lead in enumerate(leads)
        ]
        assert await desk.journal.apply(told) == Applied(120, 0)
        assert await desk.journal.open_attempts() == []

    async def test_batches_at_once_do_not_block_each_other_for_ever(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for number in range(30):
            await desk.list_debtor(f"d{number:02}", f"+57300000000{number % 4}")
        leads = await desk.due()
        await desk.book(*leads, max_per_day=30)
        told = [replace(desk.record(lead), seq=1, outcome=Outcome.FAILED, ended_at=NOW) for lead in leads]
        async with asyncio.TaskGroup() as group:
            for start in range(3):
                group.create_task(desk.journal.apply(told[start:] + told[:start]))
                group.create_task(desk.journal.apply(told[::-1]))
        assert [await day_count(desk, f"+57300000000{n}") for n in range(4)] == [0, 0, 0, 0]


class InboundContract:
    async def test_the_newest_record_of_an_inbound_call_stands(self, store: Store) -> None:
        desk = await Desk.opened(store)
        first = InboundRecord(call_id="in-1", node="north", phone="+573001", dialled="+571", arrived_at=NOW)
        bridged = replace(first, seq=2, result="bridged", agent="rosa", bridged_at=NOW)
        await desk.journal.apply_inbound([first, bridged])
        await desk.journal.apply_inbound([replace(first, seq=1, result="ringing")])
        async with store.snapshot() as session:
            (kept,) = (await session.scalars(select(InboundCall))).all()
        assert (kept.seq, kept.result, kept.agent, kept.arrived_at) == (2, "bridged", "rosa", NOW)


async def test_an_empty_group_needs_no_database() -> None:
    nowhere = Journal(Store("postgresql://nobody@127.0.0.1:1/none"))
    assert await nowhere.commit_intents([]) == []
    assert await nowhere.apply([]) == Applied(0, 0)


class TestOnSqlite(OnSqlite, IntentsContract, OutcomesContract, InboundContract):
    pass
