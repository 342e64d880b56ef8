"""Supervisors turn a knob while calls are up, and ask why the dialer did what it did."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dialer.types import ConfigError, InputError
from tests.unit.engine.desk import NOON
from tests.unit.engine.plant import Plant


@pytest.fixture
async def plant(tmp_path: Path) -> Plant:
    plant = Plant(tmp_path)
    plant.serves()
    await plant.engine.refresh()
    return plant


async def test_a_knob_turned_reaches_the_pacer_and_the_books(plant: Plant):
    answer = await plant.engine.control.follow("campaign.pacing", {"campaign": "c1", "knobs": {"mode": "progressive"}})
    assert answer["pacing"]["mode"] == "progressive"
    assert plant.engine.lanes[1, "a1"].pacer.policy.mode == "progressive"
    assert plant.books.served[0].config.pacing.mode == "progressive"


@pytest.mark.parametrize("knobs", [{"mode": "faster"}, {"abandon_limit": 0.2}, {"colour": 1}])
async def test_a_knob_that_cannot_be_is_named_and_nothing_changes(plant: Plant, knobs: dict[str, object]):
    (name,) = knobs
    with pytest.raises(ConfigError, match=name):
        await plant.engine.control.follow("campaign.pacing", {"campaign": "c1", "knobs": knobs})
    assert plant.engine.lanes[1, "a1"].pacer.policy.mode == "ratio"


async def test_the_newest_decisions_and_a_past_one_are_explained(plant: Plant):
    lane = plant.engine.lanes[1, "a1"]
    for second in range(3):
        lane.decide((NOON + timedelta(seconds=second)).timestamp(), [], [])
    control = plant.engine.control
    newest = await control.follow("campaign.decisions", {"campaign": "c1", "count": 2})
    assert [entry["at"] for entry in newest["decisions"]["a1"]] == [
        (NOON + timedelta(seconds=second)).isoformat() for second in (1, 2)
    ]
    at = (NOON + timedelta(seconds=1.5)).isoformat()
    past = await control.follow("campaign.decisions", {"campaign": "c1", "at": at})
    assert past["decisions"]["a1"][0]["at"] == (NOON + timedelta(seconds=1)).isoformat()


async def test_a_moment_without_its_zone_is_refused(plant: Plant):
    with pytest.raises(InputError, match="zone"):
        await plant.engine.control.follow("campaign.decisions", {"campaign": "c1", "at": "2026-06-02T10:00"})


async def test_the_minutes_that_are_over_reach_the_books(plant: Plant):
    lane = plant.engine.lanes[1, "a1"]
    for minute in range(3):
        lane.decide((NOON + timedelta(minutes=minute)).timestamp(), [], [])
    await plant.engine.keep_diaries()
    assert [kept.minute for kept in plant.books.minutes] == [NOON, NOON + timedelta(minutes=1)]
