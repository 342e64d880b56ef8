"""What is seen of the engine's status: typed, ordered, and empty where there is nothing yet."""

from __future__ import annotations

from typing import Any

from dialer.demo.sight import LIMIT, Books, Sight, sight
from tests.unit.engine.desk import NOON

STATUS: dict[str, Any] = {
    "campaigns": {
        "demo": {
            "agents": {"ready": 2, "talking": 18, "wrap_up": 0},
            "calls": {"talking": 18, "ringing": 7},
            "pacing": "3 more calls",
            "gate": None,
            "hours": {"utilisation": 0.83, "mean_idle_wait_s": 11.5},
            "abandonment": {"day": {"live": 100, "abandoned": 2, "limit": 0.02}},
        }
    }
}


def seen(status: dict[str, Any]) -> Sight:
    return sight(status, "demo", Books({"busy": 3}, 1), now=NOON, speed=20.0, left_s=30.0)


def test_states_and_stages_come_in_the_order_of_life():
    found = seen(STATUS)
    assert list(found.agents.items()) == [("ready", 2), ("talking", 18)]
    assert list(found.calls.items()) == [("ringing", 7), ("talking", 18)]
    assert found.in_flight == 25


def test_the_figures_are_the_engines():
    found = seen(STATUS)
    assert (found.utilisation, found.idle_wait_s, found.abandonment, found.limit) == (0.83, 11.5, 0.02, 0.02)
    assert (found.pacing, found.gate, found.books.attempts) == ("3 more calls", "", 3)


def test_before_the_campaign_is_known_there_is_nothing_to_see():
    found = seen({"campaigns": {}})
    assert (found.in_flight, found.utilisation, found.abandonment, found.limit) == (0, None, None, LIMIT)
