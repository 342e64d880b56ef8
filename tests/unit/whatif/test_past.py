"""A campaign's past, lived again: its rates, its calls, its conversations."""

from __future__ import annotations

from random import Random

import pytest

from campaigns.history import History, HourRate
from dialer.pacing import PastCall, PastTalk
from dialer.types import InputError
from dialer.whatif.past import PastWorld

LIVE = PastCall(90.0, 12.0, 13.5, live=True)
MACHINE = PastCall(26.0, 24.0, 26.0)
BUSY = PastCall(1.5)
NOBODY = PastCall(30.0)


def a_past(hours: dict[tuple[str, int], HourRate] | None = None) -> History:
    calls = (LIVE,) * 100 + (MACHINE,) * 100 + (BUSY,) * 100 + (NOBODY,) * 100
    return History(calls, (PastTalk(60.0, 10.0),) * 100, hours or {("alta", 10): HourRate(400, 100)})


def test_calls_of_the_past_come_back_as_often_as_they_were():
    world, rng = PastWorld.of(a_past(), 10), Random(1)
    fates = [world.fate(rng, 0.0) for _ in range(4000)]
    live = [fate for fate in fates if fate.live]
    assert len(live) / len(fates) == pytest.approx(0.25, abs=0.03)
    assert {(fate.rings_at, fate.answered_at, fate.classified_at) for fate in live} == {(2.0, 12.0, 13.5)}
    assert {fate.fails_at for fate in fates} == {1.5, 30.0, float("inf")}


def test_the_answer_rate_is_that_of_the_hour():
    past = a_past(
        {("alta", 10): HourRate(4000, 2000), ("baja", 10): HourRate(4000, 0), ("alta", 11): HourRate(4000, 400)}
    )
    world = PastWorld.of(past, 10)
    assert world.live_chance(0.0, 1.0) == pytest.approx(0.25, abs=0.01)
    assert world.live_chance(3600.0, 1.0) == pytest.approx(0.10, abs=0.01)
    assert world.live_chance(7200.0, 1.0) == world.overall


@pytest.mark.parametrize("past", [History(), History((LIVE,) * 300, (PastTalk(1, 1),) * 300)])
def test_a_past_that_teaches_too_little_is_refused(past: History):
    with pytest.raises(InputError, match="too little"):
        PastWorld.of(past, 10)
