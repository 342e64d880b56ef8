"""The engine's questions to the database, over a fresh SQLite file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from campaigns.models import Attempt, CampaignState, InboundCall
from campaigns.repository import Agents
from dialer.engine.books import Books, Tally
from dialer.store import Store
from dialer.types import InboundRecord, Outcome
from recordings.models import Recording
from tests.books import NOW, Desk, OnSqlite

CALLER = InboundRecord(call_id="1772.5", node="north", phone="+573001", dialled="+576010000000", arrived_at=NOW)


def a_recording(call_id: str, state: str = "stored") -> Recording:
    return Recording(call_id=call_id, path=f"/kept/{call_id}.flac", state=state, created_at=NOW)


async def value(store: Store, column: Any, table: Any, call_id: str) -> Any:
    async with store.snapshot() as session:
        return await session.scalar(select(column).where(table.call_id == call_id))


class TestBooks(OnSqlite):
    async def test_running_campaigns_are_served_and_stopped_ones_are_not(self, store: Store) -> None:
        desk = await Desk.opened(store)
        books = Books(store)
        assert (await books.campaigns())[0] == []
        await books.set_state(desk.campaign.name, CampaignState.RUNNING, NOW)
        ((running,), _) = await books.campaigns()
        assert (running.state, running.key, running.config.name) == ("running", "key-of-spring", "spring")

    async def test_agents_come_logged_out_with_their_skills(self, store: Store) -> None:
        async with store.transaction() as session:
            await Agents(session).add("ana", 1001, {"legal": 2}, ["pt"])
        (agent,) = await Books(store).agents(12.0)
        assert (agent.extension, dict(agent.skills), set(agent.languages)) == ("1001", {"legal": 2}, {"pt"})
        assert (agent.state, agent.wrap_up_s) == ("logged_out", 12.0)

    async def test_live_answers_are_counted_with_those_abandoned_or_joined_late(self, store: Store) -> None:
        desk = await Desk.opened(store)
        told: list[tuple[Outcome, tuple[str, ...]]] = [
            (Outcome.ANSWERED, ()),
            (Outcome.ANSWERED, ("late_join",)),
            (Outcome.ABANDONED, ()),
            (Outcome.EARLY_HANGUP, ()),
            (Outcome.BUSY, ()),
        ]
        for number, (outcome, flags) in enumerate(told):
            await desk.list_debtor(f"d{number}", f"+57300{number}")
            (lead,) = await desk.due()
            await desk.call(lead, outcome, flags=flags, answered_at=None if outcome is Outcome.BUSY else NOW)
        books = Books(store)
        assert await books.tally(desk.campaign.id, NOW - timedelta(hours=1)) == Tally(4, 2)
        assert await books.tally(desk.campaign.id, NOW + timedelta(hours=1)) == Tally(0, 0)

    async def test_postponed_leads_rest(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await Books(store).postpone({lead.lead_id: NOW + timedelta(hours=1)})
        assert await Books(store).due_leads("spring", NOW, 10) == []
        assert len(await Books(store).due_leads("spring", NOW + timedelta(hours=1), 10)) == 1

    async def test_a_caller_is_known_by_the_phone(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", "+573009")
        known = await Books(store).caller("+573009")
        assert known is not None
        assert known.debtor == "ana"
        assert await Books(store).caller("+573000") is None

    async def test_a_recording_is_named_at_its_call_even_long_after(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        record = await desk.call(lead, Outcome.ANSWERED)
        await Books(store).keep_recordings([a_recording(record.call_id)])
        assert await value(store, Attempt.recording, Attempt, record.call_id) == f"/kept/{record.call_id}.flac"

    async def test_a_missing_recording_is_named_nowhere(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        record = await desk.call(lead, Outcome.ANSWERED)
        await Books(store).keep_recordings([a_recording(record.call_id, "missing")])
        assert await value(store, Attempt.recording, Attempt, record.call_id) is None

    async def test_the_recording_of_a_caller_outlives_the_last_record(self, store: Store) -> None:
        books = Books(store)
        await books.journal.apply_inbound([CALLER])
        await books.keep_recordings([a_recording(CALLER.call_id)])
        await books.journal.apply_inbound([replace(CALLER, seq=4, ended_at=NOW, result="joined")])
        assert await value(store, InboundCall.recording, InboundCall, CALLER.call_id) == "/kept/1772.5.flac"
        assert await value(store, InboundCall.result, InboundCall, CALLER.call_id) == "joined"

    async def test_callers_without_an_end_are_found_again(self, store: Store) -> None:
        books = Books(store)
        ended = replace(CALLER, call_id="1772.6", ended_at=NOW)
        elsewhere = replace(CALLER, call_id="1772.7", node="south")
        await books.journal.apply_inbound([CALLER, ended, elsewhere])
        assert await books.open_inbound("north") == [CALLER]
