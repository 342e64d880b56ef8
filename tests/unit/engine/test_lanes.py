"""Campaigns come, begin with what they know, are tuned and go."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.history import History, HourRate
from dialer.pacing import PastCall, PastTalk
from dialer.types import Unavailable
from tests.unit.engine.desk import NOON
from tests.unit.engine.plant import Plant

PAST = History(
    calls=tuple(PastCall(20.0, 10.0, 11.0, live=True) for _ in range(400)),
    talks=tuple(PastTalk(60.0, 10.0) for _ in range(400)),
    hours={("alta", 9): HourRate(400, 400)},
)


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    plant = Plant(tmp_path)
    plant.serves()
    return plant


async def test_a_campaign_that_called_before_begins_with_what_it_knows(plant: Plant):
    plant.books.past = PAST
    await plant.engine.refresh()
    lane = plant.engine.lanes[1, "a1"]
    lane.decide(NOON.timestamp(), [], [])
    assert lane.odds.at("alta", "", NOON) > 0.9


async def test_a_campaign_that_cannot_learn_its_past_now_learns_it_with_the_next_look(plant: Plant):
    plant.books.past_away = True
    with pytest.raises(Unavailable):
        await plant.engine.refresh()
    plant.books.past_away, plant.books.past = False, PAST
    await plant.engine.refresh()
    assert plant.engine.lanes[1, "a1"].odds.at("alta", "", NOON) > 0.9


async def test_who_answers_when_is_read_anew(plant: Plant):
    await plant.engine.refresh()
    plant.books.past = PAST
    await plant.engine.campaigns.learn()
    assert plant.engine.lanes[1, "a1"].odds.at("alta", "", NOON) > 0.9
