"""Utilisation and idle waits, summed from what agents do: exact, per campaign, bounded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.engine.hours import AT_WORK, Figures, Hours
from dialer.routing import Agent, AgentState
from tests.unit.engine.desk import NOON, an_agent

READY, RESERVED, TALKING, WRAP_UP, PAUSED, LOGGED_OUT = (
    AgentState.READY,
    AgentState.RESERVED,
    AgentState.TALKING,
    AgentState.WRAP_UP,
    AgentState.PAUSED,
    AgentState.LOGGED_OUT,
)


class Shift:
    """One agent's shift, told state by state."""

    def __init__(self, hours: Hours | None = None, name: str = "ana") -> None:
        self.hours = hours or Hours()
        self.now = NOON
        self.agent = replace(an_agent(name), state=LOGGED_OUT, since=NOON)

    def spends(self, state: AgentState, seconds: float) -> Shift:
        after = replace(self.agent, state=state, since=self.now)
        self.hours.moved(self.agent, after)
        self.agent = after
        self.now += timedelta(seconds=seconds)
        return self

    def figures(self, *others: Agent) -> Figures:
        return self.hours.figures("c1", (self.agent, *others), self.now)


def test_utilisation_is_talk_and_wrap_up_of_the_time_at_work():
    shift = Shift().spends(READY, 50).spends(RESERVED, 0).spends(TALKING, 120).spends(WRAP_UP, 30).spends(PAUSED, 600)
    assert shift.figures().utilisation == 0.75


def test_the_state_an_agent_is_in_counts_up_to_now():
    assert Shift().spends(TALKING, 10).spends(READY, 30).figures().utilisation == 0.25


def test_before_anybody_worked_there_is_no_figure():
    assert Hours().figures("c1", (), NOON) == Figures(dict.fromkeys(AT_WORK, 0.0))
    assert Hours().figures("c1", (), NOON).utilisation is None
    assert Hours().figures("c1", (), NOON).mean_idle_wait_s is None


def test_a_wait_is_between_two_conversations():
    shift = Shift().spends(READY, 500)
    for wait in (10, 20):
        shift.spends(TALKING, 60).spends(WRAP_UP, 5).spends(READY, wait).spends(RESERVED, 1)
    shift.spends(TALKING, 60)
    assert (shift.figures().mean_idle_wait_s, shift.figures().waits, shift.figures().conversations) == (16.0, 2, 3)


def test_a_reservation_that_came_to_nothing_is_part_of_the_wait():
    shift = Shift().spends(TALKING, 60).spends(WRAP_UP, 5)
    shift.spends(READY, 10).spends(RESERVED, 2).spends(READY, 8).spends(TALKING, 1)
    assert shift.figures().mean_idle_wait_s == 20.0


def test_a_pause_is_not_idle():
    shift = Shift().spends(TALKING, 60).spends(READY, 10).spends(PAUSED, 300).spends(READY, 4).spends(TALKING, 1)
    assert shift.figures().mean_idle_wait_s == 14.0


def test_a_wait_that_ends_in_a_logout_is_not_counted():
    shift = Shift().spends(TALKING, 60).spends(READY, 10).spends(LOGGED_OUT, 99).spends(READY, 5).spends(TALKING, 1)
    assert shift.figures().waits == 0


def test_campaigns_do_not_share_their_hours():
    hours = Hours()
    Shift(hours).spends(TALKING, 60).spends(WRAP_UP, 5)
    assert hours.figures("c2", (), NOON).seconds[TALKING] == 0.0
    assert hours.figures("c1", (), NOON).seconds[TALKING] == 60.0


@given(st.lists(st.tuples(st.sampled_from(list(AT_WORK)), st.integers(0, 1000)), max_size=30))
def test_no_second_is_lost_or_counted_twice(told: list[tuple[AgentState, int]]):
    shift = Shift()
    for state, seconds in told:
        shift.spends(state, seconds)
    assert sum(shift.figures().seconds.values()) == pytest.approx(sum(seconds for _, seconds in told))
