"""How the engine ends: the legal minimum rings, conversations end, recordings and records are kept."""

from __future__ import annotations

import asyncio

import pytest

from dialer.call import Call, Stage
from dialer.engine import ending
from dialer.events import HungUp, Rang
from dialer.routing import Want
from tests.unit.engine.desk import CHANNEL, a_moment, a_record
from tests.unit.engine.plant import Plant
from tests.unit.engine.test_engine import dials, plant

__all__ = ["plant"]


async def test_stopping_lets_the_legal_minimum_ring_and_conversations_end(plant: Plant):
    call_id = dials(plant)
    plant.engine.book.apply(call_id, Rang(CHANNEL))
    async with asyncio.TaskGroup() as tasks:
        draining = tasks.create_task(plant.engine.ending.drain(asyncio.Event()))
        await a_moment()
        assert plant.link.sent("Hangup") == []
        assert not draining.done()
        plant.engine.book.apply(call_id, HungUp(16))
    assert plant.engine.dialling.closed == "the engine is stopping"
    plant.engine._timers.close()


async def test_forced_everything_but_conversations_is_cut_and_flagged(plant: Plant):
    call_id = dials(plant)
    plant.engine.book.apply(call_id, Rang(CHANNEL))
    talking = Call(record=a_record(call_id="t2"), stage=Stage.TALKING, channel="PJSIP/t1-2")
    plant.engine.book.add(talking, Want())
    force = asyncio.Event()
    force.set()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(plant.engine.ending.drain(force))
        await a_moment()
        plant.engine.book.apply(call_id, HungUp(16))
    assert [action.get("Channel") for action in plant.link.sent("Hangup")] == [CHANNEL]
    record = plant.engine.book.remembered(call_id)
    assert record is not None
    assert record.flags == ("cut_below_minimum_ring",)
    assert "t2" in plant.engine.book
    plant.engine._timers.close()


async def test_the_last_words_carry_every_record_into_the_books(plant: Plant):
    call_id = dials(plant)
    plant.engine.book.apply(call_id, HungUp(17))
    await plant.engine.ending.last_words()
    assert [str(record.outcome) for record in plant.books.paper.applied] == ["busy"]
    assert plant.redis.released == [call_id]


async def test_last_words_that_nobody_hears_end_all_the_same(plant: Plant):
    plant.engine.book.apply(dials(plant), HungUp(17))
    plant.redis.away = True
    await plant.engine.ending.last_words()
    assert plant.engine.keeper.backlog == 1


async def test_stopping_waits_for_the_last_recording(plant: Plant, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ending, "LOOK_S", 0.001)
    plant.engine.recorder.keep("a1", "t1", 640)
    async with asyncio.TaskGroup() as tasks:
        draining = tasks.create_task(plant.engine.ending.drain(asyncio.Event()))
        await a_moment()
        assert not draining.done()
        plant.engine.recorder._pending.clear()
