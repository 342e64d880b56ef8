"""The engine's own duties: campaigns come and go, leases last, records leave before it does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dialer.call import Call, Recording
from dialer.events import Answered, HungUp, Joined, Written
from dialer.routing import AgentState, Disposed, Want
from dialer.types import Unavailable
from tests.unit.engine.desk import CHANNEL, NOON, a_campaign, a_moment, a_record, an_agent
from tests.unit.engine.plant import Plant

CALL = a_record().call_id


@pytest.fixture
async def plant(tmp_path: Path) -> Plant:
    plant = Plant(tmp_path)
    plant.serves()
    await plant.engine.refresh()
    return plant


def dials(plant: Plant, recording: Recording = Recording.NO) -> str:
    plant.engine.book.add(Call(record=a_record(), recording=recording), Want())
    plant.engine.book.apply(CALL, Written())
    return CALL


async def test_a_campaign_has_a_lane_on_every_node_of_its_trunks(plant: Plant):
    assert set(plant.engine.lanes) == {(1, "a1")}


async def test_a_paused_campaign_keeps_its_lane_and_says_so(plant: Plant):
    lane = plant.engine.lanes[1, "a1"]
    plant.serves("paused")
    await plant.engine.refresh()
    assert (plant.engine.lanes[1, "a1"], lane.state) == (lane, "paused")


async def test_whoever_still_holds_the_lane_of_a_gone_campaign_dials_nothing(plant: Plant):
    lane = plant.engine.lanes[1, "a1"]
    plant.books.served = []
    await plant.engine.refresh()
    assert (plant.engine.lanes, lane.state) == ({}, "stopped")


async def test_a_campaign_on_an_unknown_trunk_stops_no_other(plant: Plant):
    plant.serves(campaign=a_campaign(name="odd", trunks=("nowhere",)))
    await plant.engine.refresh()
    assert "odd" in plant.engine.campaigns.unserved


async def test_new_agents_are_seated_and_seated_ones_left_alone(plant: Plant):
    plant.hires("ana")
    await plant.engine.refresh()
    plant.engine.floor.seat(an_agent("ana"))
    await plant.engine.refresh()
    assert plant.engine.floor.agents["ana"].state is AgentState.READY


async def test_a_stopping_campaign_is_stopped_when_its_last_call_ended(plant: Plant):
    plant.serves("stopping")
    dials(plant)
    await plant.engine._look_after()
    assert plant.books.states == []
    plant.engine.book.apply(CALL, HungUp(17))
    await plant.engine._look_after()
    assert (plant.redis.cleared, plant.books.states) == (["c1"], [("c1", "stopped")])


async def test_a_campaign_started_again_while_it_stops_goes_on(plant: Plant):
    plant.serves("stopping")
    plant.redis.inside = lambda: setattr(plant.engine.lanes[1, "a1"], "state", "running")
    await plant.engine._look_after()
    assert plant.books.states == []


async def test_the_leases_of_all_calls_last(plant: Plant):
    dials(plant)
    await plant.engine._renew()
    assert plant.redis.renewed == [CALL]


async def test_the_board_hears_what_changed_and_nothing_is_forgotten_when_redis_is_away(plant: Plant):
    plant.engine.floor.seat(an_agent("ana"))
    plant.redis.away = True
    await plant.engine.publish()
    plant.redis.away = False
    await plant.engine.publish()
    assert plant.redis.board["ana"]["state"] == "ready"
    assert plant.engine.floor.changed == set()


async def test_a_publication_that_is_cut_off_is_said_again(plant: Plant):
    plant.engine.floor.seat(an_agent("ana"))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(plant.engine.publish())
        await asyncio.sleep(0)
        task.cancel()
    assert plant.engine.floor.changed == {"ana"}


async def test_dying_before_the_node_was_seen_leaves_the_board_as_the_last_engine_wrote_it(plant: Plant):
    plant.hires("ana", "eva")
    plant.engine.board_before = {"ana": {"state": "ready", "node": "a1"}}
    await plant.engine.refresh()
    await plant.engine.publish()
    assert plant.redis.board.keys() == {"eva"}
    plant.engine.unseen.discard("a1")
    await plant.engine.publish()
    assert plant.redis.board["ana"]["state"] == "logged_out"


async def test_who_logs_in_on_another_node_is_published_at_once(plant: Plant):
    plant.engine.board_before = {"ana": {"state": "ready", "node": "a1"}}
    plant.engine.floor.seat(an_agent("ana"))
    await plant.engine.publish()
    assert plant.redis.board["ana"]["state"] == "ready"


async def test_the_audit_of_one_node_hides_no_other(plant: Plant):
    plant.books.paper.away = True
    await plant.engine._audit()


async def test_duties_outlive_an_outage(plant: Plant):
    turns: list[int] = []

    async def work() -> None:
        turns.append(1)
        raise Unavailable("away")

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(plant.engine._every(0.0, work))
        await a_moment()
        running.cancel()
    assert len(turns) > 1


# What follows from calls.


async def test_the_end_of_a_wrap_up_is_kept(plant: Plant):
    plant.engine.floor.seat(an_agent("ana"))
    call_id = dials(plant)
    for event in (Answered(CHANNEL), Joined(), HungUp(16)):
        plant.engine.book.apply(call_id, event)
    plant.engine.floor.apply("ana", Disposed())
    remembered = plant.engine.book.remembered(call_id)
    assert remembered is not None
    assert remembered.wrap_ended_at == NOON


async def test_a_missing_recording_is_flagged_on_its_call(plant: Plant):
    call_id = dials(plant)
    plant.engine.book.apply(call_id, HungUp(16))
    plant.engine.recorder.on_missing(call_id, "recording_missing")
    plant.engine.recorder.on_missing("t-forgotten", "recording_missing")
    remembered = plant.engine.book.remembered(call_id)
    assert remembered is not None
    assert "recording_missing" in remembered.flags


@pytest.mark.parametrize(("choice", "kept"), [("callback", "callback"), ("optout", "opt_out"), ("none", None)])
async def test_the_keys_of_the_menu_reach_the_record(plant: Plant, choice: str, kept: str | None):
    call_id = dials(plant)
    plant.engine.switchboard.on_menu(call_id, choice)
    record = plant.engine.book.remembered(call_id)
    assert record is not None
    assert record.disposition == kept
