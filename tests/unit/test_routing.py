"""The life of an agent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.routing import (
    ON_CALL,
    SEATED,
    Agent,
    AgentEvent,
    AgentOrder,
    AgentState,
    CallFreed,
    CallJoined,
    CallReserved,
    CallSoftphone,
    Denied,
    Disposed,
    HangUpLeg,
    LegEnded,
    LegUp,
    LoginOrdered,
    LogoutOrdered,
    PauseOrdered,
    ReadyOrdered,
    SoftphoneLost,
    StartWrapTimer,
    WrapEnded,
    WrapTimedOut,
    step,
)

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
LEG = "PJSIP/1001-00000007"
LOGIN = LoginOrdered("c1", "a1", "g" + "a" * 26)


class Day:
    """One agent's day: `>>` lets an event happen or seconds pass; `orders` are those of the last event."""

    def __init__(self, agent: Agent | None = None) -> None:
        self.agent = agent or Agent(name="ana", extension="1001")
        self.now = NOON
        self.orders: tuple[AgentOrder, ...] = ()

    def __rshift__(self, happening: AgentEvent | float) -> Day:
        if isinstance(happening, float):
            self.now += timedelta(seconds=happening)
        else:
            self.agent, self.orders = step(self.agent, happening, self.now)
        return self

    @property
    def state(self) -> AgentState:
        return self.agent.state


def ready(**facts: float) -> Day:
    return Day(replace(Agent(name="ana", extension="1001"), **facts)) >> LOGIN >> LegUp(LEG) >> ReadyOrdered()  # type: ignore[arg-type]


def talking(**facts: float) -> Day:
    return ready(**facts) >> CallReserved("t1") >> CallJoined()


def wrapping() -> Day:
    return talking() >> 60.0 >> CallFreed("t1", talked=True)


# Coming and going.


def test_a_login_calls_the_softphone():
    day = Day() >> LOGIN
    assert (day.state, day.orders) == (AgentState.CALLING, (CallSoftphone(),))
    assert (day.agent.campaign, day.agent.node, day.agent.leg_id) == ("c1", "a1", LOGIN.leg_id)


def test_an_agent_whose_softphone_answers_is_paused_until_ready():
    day = Day() >> LOGIN >> LegUp(LEG)
    assert (day.state, day.agent.reason, day.agent.channel) == (AgentState.PAUSED, "logged in", LEG)
    assert (day >> ReadyOrdered()).state is AgentState.READY


def test_ready_ordered_while_the_softphone_rings_comes_true_when_it_answers():
    day = Day() >> LOGIN >> ReadyOrdered() >> LegUp(LEG)
    assert (day.state, day.agent.reason) == (AgentState.READY, "")


def test_a_pause_ordered_while_the_softphone_rings_keeps_its_reason():
    day = Day() >> LOGIN >> PauseOrdered("lunch") >> LegUp(LEG)
    assert (day.state, day.agent.reason) == (AgentState.PAUSED, "lunch")


def test_a_softphone_that_does_not_answer_leaves_the_agent_out():
    day = Day() >> LOGIN >> LegEnded("the softphone did not answer")
    assert (day.state, day.agent.reason) == (AgentState.LOGGED_OUT, "the softphone did not answer")
    assert day.agent.leg_id == ""


def test_nobody_logs_in_twice():
    day = ready() >> LOGIN
    assert day.orders == (Denied("ana is already logged in (ready)"),)


@pytest.mark.parametrize("order", [ReadyOrdered(), PauseOrdered("lunch")])
def test_who_is_not_logged_in_is_told_how_to(order: AgentEvent):
    (denied,) = (Day() >> order).orders
    assert denied == Denied("ana is not logged in; run: dialer agent login ana")


@pytest.mark.parametrize("day", [ready(), Day() >> LOGIN], ids=["ready", "softphone rings"])
def test_a_logout_hangs_the_leg_up(day: Day):
    leg = day.agent.channel or day.agent.leg_id
    day >> LogoutOrdered()
    assert (day.state, day.orders) == (AgentState.LOGGED_OUT, (HangUpLeg(leg),))


def test_a_second_logout_is_no_news():
    assert (Day() >> LogoutOrdered()).orders == ()


# A conversation.


def test_a_conversation_is_followed_by_wrap_up():
    day = talking()
    assert day.state is AgentState.TALKING
    day >> 60.0 >> CallFreed("t1", talked=True)
    assert (day.state, day.orders) == (AgentState.WRAP_UP, (StartWrapTimer("t1", 30.0),))
    assert day.agent.talked_s == 60.0


@pytest.mark.parametrize("order", [Disposed(), ReadyOrdered(), WrapTimedOut("t1")])
def test_wrap_up_ends_by_disposition_by_ready_or_by_its_limit(order: AgentEvent):
    day = wrapping() >> 12.0 >> order
    assert (day.state, day.orders) == (AgentState.READY, (WrapEnded("t1", 12.0, 60.0),))
    assert day.agent.call_id == ""


def test_the_limit_of_an_earlier_wrap_up_ends_nothing():
    assert (wrapping() >> WrapTimedOut("t0")).state is AgentState.WRAP_UP
    assert (talking() >> WrapTimedOut("t1")).state is AgentState.TALKING


def test_without_wrap_up_the_agent_is_ready_at_once():
    day = talking(wrap_up_s=0.0) >> 60.0 >> CallFreed("t1", talked=True)
    assert (day.state, day.orders) == (AgentState.READY, (WrapEnded("t1", 0.0, 60.0),))


def test_a_pause_during_wrap_up_ends_it():
    day = wrapping() >> 5.0 >> PauseOrdered("lunch")
    assert (day.state, day.agent.reason, day.orders) == (AgentState.PAUSED, "lunch", (WrapEnded("t1", 5.0, 60.0),))


def test_a_logout_during_wrap_up_ends_it():
    day = wrapping() >> 5.0 >> LogoutOrdered()
    assert (day.state, day.orders) == (AgentState.LOGGED_OUT, (WrapEnded("t1", 5.0, 60.0), HangUpLeg(LEG)))


def test_an_agent_freed_without_a_word_is_ready_with_a_new_idle_time():
    day = ready() >> 100.0 >> CallReserved("t1") >> 1.0 >> CallFreed("t1", talked=False)
    assert (day.state, day.agent.since, day.orders) == (AgentState.READY, day.now, ())


def test_the_length_of_an_earlier_conversation_is_not_counted_again():
    day = wrapping() >> Disposed() >> 100.0 >> CallReserved("t2") >> 5.0 >> CallFreed("t2", talked=True)
    assert day.agent.talked_s == 0.0


@pytest.mark.parametrize("day", [Day(), Day() >> LOGIN, talking(), wrapping(), ready() >> PauseOrdered("lunch")])
def test_only_a_ready_agent_gets_a_call(day: Day):
    state = day.state
    assert (day >> CallReserved("t9")).orders == (Denied(f"ana is {state}"),)
    assert day.state is state


def test_another_calls_end_frees_nobody():
    assert (talking() >> CallFreed("t9", talked=True)).state is AgentState.TALKING


# Orders during a conversation come into force after it.


def test_a_pause_during_a_conversation_waits_for_its_wrap_up():
    day = talking() >> PauseOrdered("lunch")
    assert (day.state, day.orders) == (AgentState.TALKING, ())
    day >> CallFreed("t1", talked=True)
    assert day.state is AgentState.WRAP_UP
    assert ((day >> Disposed()).state, day.agent.reason) == (AgentState.PAUSED, "lunch")


def test_a_pause_for_a_reserved_agent_waits_for_the_call():
    day = ready() >> CallReserved("t1") >> PauseOrdered("lunch") >> CallFreed("t1", talked=False)
    assert (day.state, day.agent.reason) == (AgentState.PAUSED, "lunch")


def test_a_logout_during_a_conversation_waits_for_its_end():
    day = talking() >> LogoutOrdered()
    assert (day.state, day.orders) == (AgentState.TALKING, ())
    day >> 60.0 >> CallFreed("t1", talked=True) >> 5.0 >> Disposed()
    assert (day.state, day.orders) == (AgentState.LOGGED_OUT, (WrapEnded("t1", 5.0, 60.0), HangUpLeg(LEG)))


def test_the_last_order_during_a_conversation_wins():
    day = talking() >> LogoutOrdered() >> PauseOrdered("lunch") >> ReadyOrdered() >> CallFreed("t1", talked=False)
    assert day.state is AgentState.READY


# Softphones that vanish.


@pytest.mark.parametrize("day", [ready(), talking(), ready() >> PauseOrdered("lunch")])
def test_a_lost_softphone_takes_the_agent_out_at_once_and_hangs_the_leg_up(day: Day):
    day >> SoftphoneLost("softphone unreachable")
    assert (day.state, day.orders) == (AgentState.LOGGED_OUT, (HangUpLeg(LEG),))
    assert (day.agent.reason, day.agent.call_id, day.agent.channel) == ("softphone unreachable", "", "")


def test_a_leg_that_ended_by_itself_needs_no_hangup():
    assert (ready() >> LegEnded("the softphone hung up")).orders == ()


def test_a_softphone_lost_during_wrap_up_keeps_its_length():
    day = wrapping() >> 3.0 >> SoftphoneLost("softphone unreachable")
    assert day.orders == (HangUpLeg(LEG), WrapEnded("t1", 3.0, 60.0))


def test_losing_who_is_already_out_is_no_news():
    day = Day() >> SoftphoneLost("softphone unreachable")
    assert (day.agent, day.orders) == (Day().agent, ())


@pytest.mark.parametrize("wish", [LogoutOrdered(), PauseOrdered("lunch"), ReadyOrdered()])
def test_a_wish_from_before_the_loss_does_not_outlive_it(wish: AgentEvent):
    day = talking() >> wish >> SoftphoneLost("softphone unreachable") >> 60.0 >> LOGIN >> LegUp(LEG)
    assert (day.state, day.agent.reason) == (AgentState.PAUSED, "logged in")


agent_events = st.sampled_from(
    [
        LOGIN,
        LegUp(LEG),
        LegEnded("gone"),
        SoftphoneLost("gone"),
        ReadyOrdered(),
        PauseOrdered("lunch"),
        LogoutOrdered(),
        CallReserved("t1"),
        CallReserved("t2"),
        CallJoined(),
        CallFreed("t1", talked=True),
        CallFreed("t1", talked=False),
        CallFreed("t2", talked=True),
        Disposed(),
        WrapTimedOut("t1"),
        WrapTimedOut("t2"),
    ]
)
days = st.lists(st.tuples(st.floats(0, 100), agent_events), max_size=40)


@given(days)
def test_whatever_happens_an_agent_holds_a_call_exactly_while_busy_with_it(happened: list[tuple[float, AgentEvent]]):
    day = ready()
    for seconds, event in happened:
        day >> seconds >> event
        assert bool(day.agent.call_id) == (day.state in ON_CALL or day.state is AgentState.WRAP_UP)
        assert bool(day.agent.leg_id) == (day.state is not AgentState.LOGGED_OUT)


@given(days)
def test_whatever_happens_each_wrap_up_ends_once(happened: list[tuple[float, AgentEvent]]):
    day, begun, ended = ready(), 0, 0
    for seconds, event in happened:
        day >> seconds >> event
        begun += sum(isinstance(order, StartWrapTimer) for order in day.orders)
        ended += sum(isinstance(order, WrapEnded) for order in day.orders)
    assert begun - ended == (day.state is AgentState.WRAP_UP)


@given(days)
def test_whatever_happens_who_leaves_the_seat_leaves_no_leg_behind(happened: list[tuple[float, AgentEvent]]):
    day = ready()
    for seconds, event in happened:
        seated = day.state in SEATED
        day >> seconds >> event
        if seated and day.state is AgentState.LOGGED_OUT and not isinstance(event, LegEnded):
            assert any(isinstance(order, HangUpLeg) for order in day.orders)
