"""A lane tells its pacer what happens, in the pacer's grammar, and keeps count of who met no agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.call import Call, Recording, Stage, step
from dialer.engine.books import Tally
from dialer.engine.lane import Lane, facts, in_flight, policy_of, snapshot
from dialer.engine.odds import AnswerOdds
from dialer.events import (
    AgentReserved,
    Answered,
    CancelOrdered,
    ChannelMade,
    Classified,
    Event,
    HungUp,
    Joined,
    JoinFailed,
    MessageBegan,
    OriginateFailed,
    Rang,
    TimerFired,
    Unjoined,
    Written,
)
from dialer.pacing import Decision, Pacer, Snapshot
from dialer.pacing import Stage as PacingStage
from dialer.pacing.facts import Abandoned, Cancelled, Connected, Dialled, Ended, Fact, WrapEnded
from dialer.routing import AgentState
from tests.unit.engine.desk import CHANNEL, NOON, HandClock, a_campaign, a_record, an_agent

ANSWER = (Written(), Rang(CHANNEL), Answered(CHANNEL))
TALK = (*ANSWER, AgentReserved("ana"), Joined())
DETECTED = (Written(), Rang(CHANNEL), Answered(CHANNEL, amd=True))
END = HungUp(16)
CLOSING = (Ended, Connected, Abandoned, Cancelled)


def told(events: Sequence[Event | float]) -> list[Fact]:
    """Let a call live through events and seconds; return what the pacer hears."""
    call, clock, heard = Call(record=a_record()), HandClock(), list[Fact]()
    for event in events:
        if isinstance(event, float):
            clock.pass_s(event)
            continue
        after, _ = step(call, event, clock.now())
        heard += facts(call, after)
        call = after
    return heard


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((Written(), HungUp(17)), ["Dialled", "Ended"]),
        ((Written(), OriginateFailed(0)), ["Dialled", "Ended"]),
        ((Written(), Rang(CHANNEL), 16.0, CancelOrdered(), END), ["Dialled", "Cancelled"]),
        ((Written(), Rang(CHANNEL), TimerFired("ring"), END), ["Dialled", "Ended"]),
        ((*ANSWER, END), ["Dialled", "Answered", "Classified", "Ended"]),
        ((*ANSWER, 3.0, END), ["Dialled", "Answered", "Classified", "Abandoned"]),
        ((*ANSWER, MessageBegan(), END), ["Dialled", "Answered", "Classified", "Abandoned"]),
        ((*TALK, 60.0, END), ["Dialled", "Answered", "Classified", "Connected", "TalkEnded"]),
        ((*DETECTED, Classified("MACHINE"), END), ["Dialled", "Answered", "Ended"]),
        ((*DETECTED, Classified("HUMAN"), END), ["Dialled", "Answered", "Classified", "Ended"]),
        (
            (*TALK, 60.0, Unjoined("SUCCESS"), AgentReserved("eva"), Joined(), 9.0, END),
            ["Dialled", "Answered", "Classified", "Connected", "TalkEnded"],
        ),
        (
            (*ANSWER, AgentReserved("ana"), JoinFailed(refused=True), END),
            ["Dialled", "Answered", "Classified", "Abandoned"],
        ),
    ],
)
def test_a_call_is_told_in_the_grammar_of_the_pacer(events: Sequence[Event | float], expected: list[str]):
    assert [type(fact).__name__ for fact in told(events)] == expected


def test_facts_carry_their_times_and_outcome():
    dialled, ended = told((Written(), 7.0, HungUp(17)))
    assert isinstance(dialled, Dialled)
    assert ended == Ended(NOON.timestamp() + 7, NOON.timestamp(), "busy")


def test_the_wait_for_an_agent_is_told():
    (connected,) = [
        fact for fact in told((*ANSWER, 1.5, AgentReserved("ana"), Joined())) if isinstance(fact, Connected)
    ]
    assert connected.waited_s == pytest.approx(1.5)


happenings = st.sampled_from(
    [
        Rang(CHANNEL),
        Answered(CHANNEL),
        Answered(CHANNEL, amd=True),
        Classified("HUMAN"),
        Classified("MACHINE"),
        AgentReserved("ana"),
        Joined(),
        JoinFailed(refused=False),
        JoinFailed(refused=True),
        Unjoined("SUCCESS"),
        MessageBegan(),
        ChannelMade(CHANNEL),
        CancelOrdered(),
        1.0,
        5.0,
    ]
)


@given(st.lists(happenings, max_size=15))
def test_every_call_is_dialled_once_and_closes_once(events: list[Event | float]):
    heard = [fact for fact in told([Written(), *events, END]) if not isinstance(fact, Connected)]
    connected = any(isinstance(fact, Connected) for fact in told([Written(), *events, END]))
    assert sum(isinstance(fact, Dialled) for fact in heard) == 1
    if not connected:
        assert sum(isinstance(fact, CLOSING) for fact in heard) == 1


# The pacer's view.


def test_agents_and_calls_by_what_they_do():
    agents = [
        an_agent("ana"),
        an_agent("eva", state=AgentState.TALKING),
        an_agent("leo", state=AgentState.RESERVED),
        an_agent("mia", state=AgentState.WRAP_UP, talked_s=42.0),
        an_agent("noa", state=AgentState.PAUSED),
    ]
    calls = [Call(record=a_record(), stage=stage) for stage in Stage]
    seen = snapshot(NOON.timestamp(), in_flight(calls), agents)
    assert (seen.ready_since.size, seen.talking_since.size, seen.wrapping_since.size) == (1, 2, 1)
    assert list(seen.wrapping_talk_s) == [42.0]
    expected = [PacingStage.DIALLING, PacingStage.DIALLING, PacingStage.RINGING]
    assert list(seen.call_stage) == [*expected, PacingStage.CLASSIFYING, PacingStage.WAITING]
    assert seen.call_dialled_at.size == seen.call_stage_since.size == seen.call_answer_odds.size == 5


def test_an_empty_lane_has_an_empty_view():
    seen = snapshot(0.0, [], [])
    assert seen.call_stage.dtype == np.int8
    assert seen.ready_since.size == 0


def a_lane(**pacing: object) -> Lane:
    campaign = a_campaign(pacing={"mode": "ratio", "lines_per_agent": 3, **pacing})
    return Lane(1, "key", campaign, "a1", Pacer(policy_of(campaign, 28.0, 15.0)))


def test_a_decision_is_kept_as_a_wish():
    lane = a_lane()
    decision = lane.decide(NOON.timestamp(), [], [an_agent("ana")])
    assert (lane.wanted, lane.decided_at, lane.decision) == (decision.dial, NOON.timestamp(), decision)
    assert lane.wanted == 3


def test_a_spent_abandonment_budget_brakes_the_lane():
    lane = a_lane()
    lane.tallies["day"] = Tally(live=100, abandoned=3)
    lane.decide(NOON.timestamp(), [], [an_agent("ana")])
    assert lane.wanted == 1


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((*TALK, END), Tally(11, 1)),
        ((*ANSWER, 2.5, AgentReserved("ana"), Joined(), END), Tally(11, 2)),
        ((*ANSWER, MessageBegan(), END), Tally(11, 2)),
        ((*ANSWER, END), Tally(11, 1)),
        ((Written(), HungUp(17)), Tally(10, 1)),
    ],
    ids=["answered", "joined late", "abandoned", "hung up early", "busy"],
)
def test_live_answers_are_counted_as_they_end(events: Sequence[Event | float], expected: Tally):
    lane, call, clock = a_lane(), Call(record=a_record(), recording=Recording.NO), HandClock()
    lane.tallies["day"] = Tally(10, 1)
    for event in events:
        if isinstance(event, float):
            clock.pass_s(event)
            continue
        before, (call, _) = call, step(call, event, clock.now())
        if before.stage is not call.stage:
            lane.watch(before, call, event)
    assert lane.tallies["day"] == expected


def test_the_policy_is_the_campaigns():
    policy = policy_of(a_campaign(pacing={"mode": "ratio", "lines_per_agent": 2.5, "max_calls_per_s": 9}), 25.0, 15.0)
    assert (policy.mode, policy.lines_per_agent, policy.max_calls_per_s) == ("ratio", 2.5, 9.0)
    assert (policy.ring_timeout_s, policy.min_ring_s) == (25.0, 15.0)


def test_the_end_of_a_wrap_up_is_told():
    lane, heard = a_lane(), list[Fact]()
    lane.pacer.observe = heard.append  # type: ignore[method-assign, assignment]
    lane.wrap_ended(NOON, 3.0, 60.0)
    assert heard == [WrapEnded(NOON.timestamp(), 3.0, 60.0)]


def test_the_leads_to_come_and_the_calls_in_flight_carry_the_odds_of_their_segment():
    lane = Lane(1, "key", a_campaign(), "a1", Pacer(policy_of(a_campaign(), 28, 15)))
    seen: list[Snapshot] = []
    lane.pacer = Listening(seen)
    lane.odds = AnswerOdds(by_segment={"alta": 0.4}, overall=0.2)
    lane.dials(a_record(segment="alta"))
    lane.decide(NOON.timestamp(), [replace(Call(record=a_record(segment="baja")), stage=Stage.RINGING)], [])
    assert set(seen[0].next_answer_odds) == {0.4}
    assert list(seen[0].call_answer_odds) == [0.2]


def test_calls_the_pacer_gives_up_are_named():
    lane = Lane(1, "key", a_campaign(), "a1", Pacer(policy_of(a_campaign(), 28, 15)))
    lane.pacer = Listening([], cancel=[0])
    call = replace(Call(record=a_record()), stage=Stage.RINGING)
    lane.decide(NOON.timestamp(), [call], [])
    assert lane.to_cancel == [call.call_id]


class Listening(Pacer):
    """A pacer that keeps what it saw, and gives up the calls it was told to."""

    def __init__(self, seen: list[Snapshot], cancel: Sequence[int] = ()) -> None:
        super().__init__(policy_of(a_campaign(), 28, 15))
        self._seen, self._cancel = seen, np.array(cancel, dtype=np.int64)

    def decide(self, snapshot: Snapshot) -> Decision:
        self._seen.append(snapshot)
        return Decision(0, self._cancel, "", 0.0)


def test_a_knob_turned_is_in_force_with_the_next_turn():
    lane = Lane(1, "key", a_campaign(), "a1", Pacer(policy_of(a_campaign(), 28, 15)))
    lane.decide(NOON.timestamp(), [], [an_agent("ana")])
    tuned = a_campaign().tuned({"mode": "progressive"})
    lane.retune(tuned, policy_of(tuned, 28, 15))
    assert lane.decided_at < NOON.timestamp()
    assert lane.decide(NOON.timestamp(), [], [an_agent("ana")]).dial == 1


def test_the_diary_says_what_was_decided_and_in_which_mode():
    lane = Lane(1, "key", a_campaign(), "a1", Pacer(policy_of(a_campaign(), 28, 15)))
    decision = lane.decide(NOON.timestamp(), [], [an_agent("ana")])
    (written,) = lane.diary.last(5)
    assert (written.at, written.mode, written.dial, written.reason) == (NOON, "ratio", decision.dial, decision.reason)
