"""What the people at the softphones do: finish a wrap-up in its time, once, and come back from a break."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from dialer.demo import agents
from dialer.demo.agents import Crew, Order
from dialer.simulation.agents import DISPOSITIONS, PAUSE_REASON, WrapUp
from tests.unit.engine.desk import NOON

WRAP = WrapUp(20.0, "promise_to_pay")


def says(state: str, since: datetime = NOON, call_id: str = "t1") -> dict[str, dict[str, Any]]:
    return {"ana": {"state": state, "since": since.isoformat(), "call_id": call_id}}


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Crew:
    drawn(monkeypatch, WRAP)
    return Crew(Random(7))


def drawn(monkeypatch: pytest.MonkeyPatch, wrap: WrapUp) -> list[float]:
    talks: list[float] = []

    def draw(talk_s: float, rng: Random) -> WrapUp:
        talks.append(talk_s)
        return wrap

    monkeypatch.setattr(agents, "wrap_up", draw)
    return talks


DISPOSE = [[Order("agent.dispose", "ana", (("code", "promise_to_pay"),))]]


def test_a_wrap_up_is_finished_when_its_time_has_come(crew: Crew):
    assert crew.look(says("wrap_up"), at(19)) == []
    assert crew.look(says("wrap_up"), at(20)) == DISPOSE


def test_it_is_finished_once_however_late_the_board_learns_of_it(crew: Crew):
    assert crew.look(says("wrap_up"), at(20)) == DISPOSE
    assert crew.look(says("wrap_up"), at(21)) == []
    assert crew.look(says("wrap_up", at(90), "t2"), at(110)) == DISPOSE


def test_what_is_drawn_depends_on_how_long_they_talked(monkeypatch: pytest.MonkeyPatch):
    talks = drawn(monkeypatch, WRAP)
    crew = Crew(Random(7))
    crew.look(says("talking", at(0)), at(1))
    crew.look(says("wrap_up", at(95)), at(95))
    assert talks == [95.0]


def test_in_a_hurry_every_wrap_up_ends_at_once(crew: Crew):
    assert crew.look(says("wrap_up"), at(0), hurry=True) == DISPOSE


def test_a_break_follows_the_disposition_and_ends(monkeypatch: pytest.MonkeyPatch):
    drawn(monkeypatch, WrapUp(20.0, "promise_to_pay", pause_s=300.0))
    crew = Crew(Random(7))
    pause = Order("agent.pause", "ana", (("reason", PAUSE_REASON),))
    assert crew.look(says("wrap_up"), at(20)) == [[*DISPOSE[0], pause]]
    assert crew.look(says("paused", at(20)), at(319)) == []
    assert crew.look(says("paused", at(20)), at(320)) == [[Order("agent.ready", "ana")]]


def test_who_paused_for_another_reason_is_left_alone(crew: Crew):
    assert crew.look(says("paused"), at(9999)) == []


def test_an_order_is_what_the_bus_carries():
    assert DISPOSE[0][0].payload == {"agent": "ana", "code": "promise_to_pay"}


def test_real_draws_are_dispositions_the_books_know():
    (mine,) = Crew(Random(7)).look(says("wrap_up"), at(9999))
    assert dict(mine[0].more)["code"] in DISPOSITIONS
