"""Campaigns, leads, agents and callers are found by the questions the engine asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from campaigns.case_models import Import, ImportState
from campaigns.models import CampaignState, Debtor, Lead, LeadState, Phone
from campaigns.repository import Agents, CampaignCounts, Campaigns, Debtors, Leads
from dialer.store import Store
from dialer.types import Allowed, InputError, Outcome, attempt_id
from recordings.models import Recording, RecordingState
from recordings.repository import Recordings
from tests.books import NOW, Desk, OnSqlite


class CampaignsContract:
    async def test_a_campaign_is_kept_with_its_file_and_segments(self, store: Store) -> None:
        await Desk.opened(store)
        async with store.snapshot() as session:
            campaign = await Campaigns(session).get("spring")
            segments = await Campaigns(session).segments(campaign.id)
        assert campaign.state == CampaignState.CREATED
        assert 'name = "spring"' in campaign.definition
        assert [segment.name for segment in segments] == ["early", "late"]

    async def test_a_name_is_used_once(self, store: Store) -> None:
        await Desk.opened(store)
        with pytest.raises(InputError, match="'spring' exists already"):
            await Desk.opened(store)

    async def test_an_unknown_campaign_names_the_known_ones(self, store: Store) -> None:
        await Desk.opened(store)
        async with store.snapshot() as session:
            with pytest.raises(InputError, match="unknown campaign 'sprong'; known: spring"):
                await Campaigns(session).get("sprong")

    async def test_a_campaign_moves_through_its_states(self, store: Store) -> None:
        await Desk.opened(store)
        for state in ("running", "paused", "running", "stopping", "stopped", "stopped"):
            async with store.transaction() as session:
                await Campaigns(session).set_state("spring", CampaignState(state), NOW)
        async with store.snapshot() as session:
            (campaign,) = await Campaigns(session).list(CampaignState.STOPPED)
            assert await Campaigns(session).list(CampaignState.RUNNING) == []
        assert (campaign.started_at, campaign.stopped_at) == (NOW, NOW)

    async def test_an_impossible_move_is_refused(self, store: Store) -> None:
        await Desk.opened(store)
        async with store.transaction() as session:
            with pytest.raises(InputError, match="is created; it cannot become paused"):
                await Campaigns(session).set_state("spring", CampaignState.PAUSED, NOW)


class LeadsContract:
    async def test_a_due_lead_carries_all_that_dialling_needs(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", "+573001234567")
        (lead,) = await desk.due()
        assert (lead.debtor, lead.phone, lead.segment, lead.try_no) == ("ana", "+573001234567", "early", 1)
        assert (lead.time_zone, lead.language) == ("America/Bogota", "es")
        assert lead.call_id == attempt_id("key-of-spring", lead.debtor_id, 1)

    async def test_the_phone_chosen_for_a_lead_is_called_unless_it_is_retired(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", "+573001", "+573002", "+573003")
        async with store.transaction() as session:
            phones = {phone.e164: phone for phone in await session.scalars(select(Phone))}
            (lead,) = await session.scalars(select(Lead))
            lead.phone_id = phones["+573003"].id
        assert [lead.phone for lead in await desk.due()] == ["+573003"]
        async with store.transaction() as session:
            await session.execute(update(Phone).where(Phone.e164 == "+573003").values(retired_at=NOW))
        assert [lead.phone for lead in await desk.due()] == ["+573001"]

    async def test_the_segment_of_higher_priority_goes_first(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", segment="late")
        await desk.list_debtor("bea", segment="early")
        assert [lead.debtor for lead in await desk.due()] == ["bea", "ana"]
        assert [lead.debtor for lead in await desk.due(limit=1)] == ["bea"]

    async def test_one_segment_may_be_asked_alone(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", segment="late")
        await desk.list_debtor("bea", segment="early")
        async with store.snapshot() as session:
            late = await Leads(session).due(desk.campaign, NOW, 10, only={"late"})
        assert [lead.debtor for lead in late] == ["ana"]

    async def test_the_urgent_lead_of_a_segment_goes_first_however_late_it_fell_due(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        await desk.list_debtor("bea")
        async with store.transaction() as session:
            bea = select(Debtor.id).where(Debtor.external_id == "bea").scalar_subquery()
            await session.execute(update(Lead).where(Lead.debtor_id == bea).values(priority=500, next_try_at=NOW))
        assert [(lead.debtor, lead.priority) for lead in await desk.due()] == [("bea", 500), ("ana", 0)]

    async def test_every_segment_is_asked_for_its_own_part(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea", "carla"):
            await desk.list_debtor(name, f"+57300{name}", segment="early")
        await desk.list_debtor("dora", "+573009", segment="late")
        async with store.snapshot() as session:
            found = await Leads(session).due(desk.campaign, NOW, 10, each=2)
        assert sorted(lead.segment for lead in found) == ["early", "early", "late"]

    async def test_an_import_is_seen_by_nobody_until_it_is_published(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        async with store.transaction() as session:
            session.add(
                Import(campaign_id=desk.campaign.id, file_hash="f", mapping_hash="m", file_name="f", started_at=NOW)
            )
            await session.flush()
            own = select(Import.id).scalar_subquery()
            await session.execute(update(Lead).values(state=LeadState.STAGED.value, import_id=own))
        assert await desk.due() == []
        async with store.transaction() as session:
            await session.execute(update(Import).values(state=ImportState.PUBLISHED.value, published_at=NOW))
        (lead,) = await desk.due()
        (verdict,) = await desk.book(lead)
        assert (lead.debtor, verdict) == ("ana", Allowed())

    async def test_who_is_in_a_call_of_another_campaign_is_left_out(self, store: Store) -> None:
        spring, autumn = await Desk.opened(store), await Desk.opened(store, "autumn")
        await spring.list_debtor("ana")
        await autumn.enlist("ana")
        assert len(await autumn.due()) == 1
        await spring.book(*await spring.due())
        assert await autumn.due() == []

    async def test_a_parked_lead_rests_until_its_time(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        async with store.transaction() as session:
            await Leads(session).park(lead.lead_id, NOW + timedelta(hours=2))
        assert await desk.due(NOW + timedelta(hours=1)) == []
        assert len(await desk.due(NOW + timedelta(hours=2))) == 1

    async def test_a_lead_is_never_parked_into_its_cool_down(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.call(lead, Outcome.ABANDONED)
        async with store.transaction() as session:
            await Leads(session).park(lead.lead_id, NOW + timedelta(hours=1))
        assert await desk.due(NOW + timedelta(days=2)) == []

    async def test_counts_tell_where_the_list_stands(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea", "carla", "dora"):
            await desk.list_debtor(name, f"+57300{name}")
        ana, bea, carla, _ = await desk.due()
        await desk.call(ana, Outcome.ANSWERED)
        await desk.call(bea, Outcome.BUSY)
        await desk.book(carla)
        async with store.snapshot() as session:
            counts = await Leads(session).counts(desk.campaign.id, NOW)
        assert counts == CampaignCounts(
            leads={"open": 3, "done": 1}, due=2, open_attempts=1, outcomes={"answered": 1, "busy": 1}
        )


class PeopleContract:
    async def test_an_agent_keeps_skills_and_languages(self, store: Store) -> None:
        async with store.transaction() as session:
            await Agents(session).add("rosa", 1001, {"negotiation": 4}, ["es", "pt"])
        async with store.snapshot() as session:
            rosa = await Agents(session).get("rosa")
        assert (rosa.extension, rosa.skills, rosa.languages) == (1001, {"negotiation": 4}, ["es", "pt"])

    @pytest.mark.parametrize(("name", "extension"), [("rosa", 1002), ("luis", 1001)])
    async def test_names_and_extensions_are_used_once(self, store: Store, name: str, extension: int) -> None:
        async with store.transaction() as session:
            await Agents(session).add("rosa", 1001, {}, [])
            with pytest.raises(InputError, match="'rosa' already has extension 1001"):
                await Agents(session).add(name, extension, {}, [])

    async def test_an_inactive_agent_is_not_listed(self, store: Store) -> None:
        async with store.transaction() as session:
            (await Agents(session).add("rosa", 1001, {}, [])).active = False
            await Agents(session).add("luis", 1002, {}, [])
        async with store.snapshot() as session:
            assert [agent.name for agent in await Agents(session).list()] == ["luis"]
            assert len(await Agents(session).list(active_only=False)) == 2

    async def test_an_unknown_agent_is_an_error(self, store: Store) -> None:
        async with store.snapshot() as session:
            with pytest.raises(InputError, match="unknown agent 'rosa'"):
                await Agents(session).get("rosa")

    async def test_a_caller_is_known_in_the_campaign_that_called_last(self, store: Store) -> None:
        spring, autumn = await Desk.opened(store), await Desk.opened(store, "autumn")
        await spring.list_debtor("ana", "+573001234567")
        await autumn.enlist("ana")
        await spring.call((await spring.due())[0], Outcome.ANSWERED, agent="rosa")
        async with store.snapshot() as session:
            caller = await Debtors(session).find_by_phone("+573001234567")
        assert caller is not None
        assert (caller.debtor, caller.campaign, caller.segment, caller.last_agent) == ("ana", "spring", "early", "rosa")

    async def test_a_stranger_is_nobody(self, store: Store) -> None:
        async with store.snapshot() as session:
            assert await Debtors(session).find_by_phone("+573009999999") is None


class RecordingsContract:
    async def test_a_stored_recording_is_found_and_not_lost_to_a_late_failure(self, store: Store) -> None:
        for state in (RecordingState.FAILED, RecordingState.STORED, RecordingState.MISSING):
            async with store.transaction() as session:
                await Recordings(session).store(Recording(call_id="t1", created_at=NOW, state=state.value))
        async with store.snapshot() as session:
            found = await Recordings(session).find("t1")
        assert found is not None
        assert found.state == RecordingState.STORED

    async def test_a_conversation_without_its_recording_is_missing(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea"):
            await desk.list_debtor(name, f"+57300{name}")
        ana, bea = await desk.due()
        for lead in (ana, bea):
            await desk.call(lead, Outcome.ANSWERED, bridged_at=NOW)
        async with store.transaction() as session:
            await Recordings(session).store(
                Recording(call_id=bea.call_id, created_at=NOW, state=RecordingState.STORED.value)
            )
            await Recordings(session).store(
                Recording(call_id=ana.call_id, created_at=NOW, state=RecordingState.FAILED.value, detail="disk full")
            )
        async with store.snapshot() as session:
            assert await Recordings(session).missing() == [ana.call_id]
            assert await Recordings(session).missing(desk.campaign.id + 1) == []


class TestOnSqlite(OnSqlite, CampaignsContract, LeadsContract, PeopleContract, RecordingsContract):
    pass
