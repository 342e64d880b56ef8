"""How many calls each mode places, and the laws no mode may break."""

from math import ceil, inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import (
    Abandoned,
    Budget,
    Cancelled,
    Connected,
    Decision,
    Dialled,
    Ended,
    Pacer,
    PacingPolicy,
    PolicyError,
    Snapshot,
    Stage,
)

DIALLING, RINGING, CLASSIFYING, WAITING = Stage


def moment(
    ready: int = 0,
    talking: int = 0,
    wrapping: int = 0,
    calls: tuple[Stage, ...] = (),
    now: float = 1000.0,
    budgets: tuple[Budget, ...] = (),
) -> Snapshot:
    return Snapshot(
        now=now,
        ready_since=np.full(ready, now - 5),
        talking_since=np.full(talking, now - 60),
        wrapping_since=np.full(wrapping, now - 3),
        wrapping_talk_s=np.full(wrapping, 90.0),
        call_dialled_at=np.full(len(calls), now - 8),
        call_stage=np.array(calls, dtype=np.int8),
        call_stage_since=np.full(len(calls), now - 4),
        call_answer_odds=np.full(len(calls), nan),
        budgets=budgets,
    )


def decide(mode: str, snapshot: Snapshot, **knobs: float) -> Decision:
    return Pacer(PacingPolicy(mode=mode, **knobs)).decide(snapshot)


def test_progressive_places_one_call_for_each_free_agent() -> None:
    assert decide("progressive", moment(ready=5)).dial == 5


def test_progressive_counts_every_call_not_yet_joined() -> None:
    calls = (DIALLING, RINGING, CLASSIFYING, WAITING)
    assert decide("progressive", moment(ready=5, talking=9, calls=calls)).dial == 1


def test_ratio_places_its_lines_for_each_free_agent() -> None:
    assert decide("ratio", moment(ready=4, calls=(RINGING,) * 3), lines_per_agent=2.5).dial == 7


def test_ratio_rounds_half_up() -> None:
    assert [decide("ratio", moment(ready=n), lines_per_agent=1.5).dial for n in (1, 3)] == [2, 5]


def test_a_person_who_waits_takes_an_agent_with_all_its_lines() -> None:
    assert decide("ratio", moment(ready=2, calls=(WAITING, RINGING)), lines_per_agent=2).dial == 1


def test_more_people_waiting_than_agents_means_no_call() -> None:
    assert decide("ratio", moment(ready=1, calls=(WAITING,) * 3), lines_per_agent=9).dial == 0


def test_preview_places_no_call_by_itself() -> None:
    assert decide("preview", moment(ready=5)).dial == 0


def test_agents_who_talk_or_wrap_up_get_no_call() -> None:
    assert decide("progressive", moment(talking=5, wrapping=5)).dial == 0


def test_nobody_logged_in_means_no_call_and_says_so() -> None:
    decision = decide("ratio", moment())
    assert (decision.dial, decision.reason) == (0, "No call: no agent is logged in.")


def test_without_a_time_no_call_is_placed() -> None:
    assert decide("progressive", moment(ready=3, now=nan)).dial == 0


def test_ratio_falls_back_to_one_call_per_agent_when_one_more_abandonment_would_exceed_the_limit() -> None:
    day = Budget("the day", live=99, abandoned=2, limit=0.03)
    decision = decide("ratio", moment(ready=4, budgets=(day,)), lines_per_agent=3)
    assert decision.dial == 4
    assert "one more would exceed 3.0%" in decision.reason


def test_ratio_goes_on_while_every_budget_bears_one_more() -> None:
    budgets = (Budget("the day", 100, 2, 0.03), Budget("30 days", 5000, 100, 0.03))
    assert decide("ratio", moment(ready=4, budgets=budgets), lines_per_agent=3).dial == 12


@pytest.mark.parametrize("spent", [Budget("30 days", 1000, 30, 0.03), Budget("30 days", nan, 0, 0.03)])
def test_one_spent_or_unreadable_budget_is_enough_to_brake(spent: Budget) -> None:
    budgets = (Budget("the day", 1000, 0, 0.03), spent)
    assert decide("ratio", moment(ready=4, budgets=budgets), lines_per_agent=3).dial == 4


def test_the_line_cap_counts_calls_not_joined_per_logged_in_agent() -> None:
    snapshot = moment(ready=4, talking=1, calls=(RINGING,))
    decision = decide("ratio", snapshot, lines_per_agent=9, max_lines_per_agent=1.5)
    assert decision.dial == 6
    assert "1.5 lines per agent allowed" in decision.reason


def test_a_rate_below_one_call_a_tick_is_carried_from_tick_to_tick() -> None:
    pacer = Pacer(PacingPolicy(mode="progressive", max_calls_per_s=0.5))
    dialled = [pacer.decide(moment(ready=50, now=1000 + 0.5 * tick)).dial for tick in range(41)]
    assert sum(dialled) == 11  # 20 s at one in two seconds, and the one at the start


def test_a_rate_that_is_no_whole_number_a_tick_is_reached() -> None:
    pacer = Pacer(PacingPolicy(mode="progressive", max_calls_per_s=4.8))
    dialled = [pacer.decide(moment(ready=50, now=1000 + 0.5 * tick)).dial for tick in range(201)]
    assert 480 <= sum(dialled) <= 484


def test_a_policy_applied_is_in_force_at_the_next_decision() -> None:
    pacer = Pacer(PacingPolicy(mode="progressive"))
    pacer.apply(PacingPolicy(mode="ratio", lines_per_agent=2))
    assert pacer.decide(moment(ready=3)).dial == 6


def test_an_unknown_mode_is_refused_with_the_modes_there_are() -> None:
    with pytest.raises(PolicyError, match="'telepathic' is not available; choose one of preview, progressive, ratio"):
        Pacer(PacingPolicy(mode="telepathic"))


def test_a_refused_policy_leaves_the_old_one_in_force() -> None:
    pacer = Pacer(PacingPolicy(mode="progressive"))
    with pytest.raises(PolicyError):
        pacer.apply(PacingPolicy(mode="telepathic"))
    assert pacer.decide(moment(ready=3)).dial == 3


@pytest.mark.parametrize("knob", ["lines_per_agent", "max_lines_per_agent", "max_calls_per_s", "abandon_limit"])
@pytest.mark.parametrize("value", [nan, -1.0])
def test_a_knob_without_sense_is_refused_by_name(knob: str, value: float) -> None:
    with pytest.raises(PolicyError, match=knob):
        PacingPolicy(mode="ratio", **{knob: value})


def test_the_risk_is_none_while_every_call_has_its_agent_and_unknown_beyond() -> None:
    assert decide("progressive", moment(ready=3)).risk == 0
    assert isnan(decide("ratio", moment(ready=3)).risk)


def test_facts_late_twice_or_without_sense_do_no_harm() -> None:
    pacer = Pacer(PacingPolicy(mode="progressive"))
    fact = Dialled(at=nan, odds=inf)
    for seen in (fact, fact, Ended(-1, 5, "busy"), Connected(1, nan), Abandoned(1), Cancelled(1, 9)):
        pacer.observe(seen)
    assert pacer.decide(moment(ready=1)).dial == 1


agents = st.integers(0, 40)
flights = st.lists(st.sampled_from(Stage), max_size=60).map(tuple)
counts = st.floats(0, 1e6) | st.just(nan)
budget_lists = st.lists(st.builds(Budget, st.just("day"), counts, counts, st.floats(0, 1)), max_size=2).map(tuple)
moments = st.builds(moment, agents, agents, agents, flights, budgets=budget_lists)
policies = st.builds(
    PacingPolicy,
    mode=st.sampled_from(["preview", "progressive", "ratio"]),
    lines_per_agent=st.floats(0, 50) | st.just(inf),
    max_lines_per_agent=st.floats(0, 20) | st.just(inf),
    max_calls_per_s=st.floats(0, 200) | st.just(inf),
)


@given(policies, moments)
def test_the_line_cap_is_never_exceeded(policy: PacingPolicy, seen: Snapshot) -> None:
    dial = Pacer(policy).decide(seen).dial
    logged_in = seen.ready_since.size + seen.talking_since.size + seen.wrapping_since.size
    assert dial == 0 or seen.call_stage.size + dial <= policy.max_lines_per_agent * logged_in


@given(policies, moments)
def test_no_agent_no_call(policy: PacingPolicy, seen: Snapshot) -> None:
    decision = Pacer(policy).decide(seen)
    assert seen.ready_since.size > 0 or decision.dial == 0


@given(policies, moments)
def test_nothing_is_ever_cancelled_by_these_modes(policy: PacingPolicy, seen: Snapshot) -> None:
    cancel = Pacer(policy).decide(seen).cancel
    assert cancel.dtype == np.int64
    assert cancel.size == 0


@given(policies, moments)
def test_progressive_never_has_more_calls_than_free_agents(policy: PacingPolicy, seen: Snapshot) -> None:
    dial = Pacer(PacingPolicy(mode="progressive", max_calls_per_s=policy.max_calls_per_s)).decide(seen).dial
    assert dial == 0 or seen.call_stage.size + dial <= seen.ready_since.size


@given(policies, agents, agents, agents, flights, budget_lists)
def test_one_more_free_agent_never_means_fewer_calls(
    policy: PacingPolicy, ready: int, talking: int, wrapping: int, calls: tuple[Stage, ...], budgets: tuple[Budget, ...]
) -> None:
    fewer = Pacer(policy).decide(moment(ready, talking, wrapping, calls, budgets=budgets)).dial
    more = Pacer(policy).decide(moment(ready + 1, talking, wrapping, calls, budgets=budgets)).dial
    assert more >= fewer >= 0


@given(st.floats(0, 500), st.lists(st.floats(-1e9, 1e9), max_size=30), st.data())
def test_no_decision_places_more_than_one_tick_allows_whatever_the_clock_does(
    rate: float, jumps: list[float], data: st.DataObject
) -> None:
    pacer, now = Pacer(PacingPolicy(mode="progressive", max_calls_per_s=rate)), 0.0
    for jump in jumps:
        now += data.draw(st.sampled_from([0.0, 0.1, 0.5, jump]))
        assert pacer.decide(moment(ready=2000, now=now)).dial <= ceil(rate * pacer.tick_s)


@given(st.floats(0.01, 500), st.lists(st.floats(0, 3), min_size=1, max_size=50))
def test_over_any_time_the_rate_is_kept(rate: float, waits: list[float]) -> None:
    pacer, now, dialled = Pacer(PacingPolicy(mode="progressive", max_calls_per_s=rate)), 0.0, 0
    for wait in waits:
        now += wait
        dialled += pacer.decide(moment(ready=5000, now=now)).dial
    assert dialled <= rate * (now - waits[0]) + rate * pacer.tick_s + 1 + 1e-6


@given(policies, moments)
def test_every_decision_says_why_in_one_sentence(policy: PacingPolicy, seen: Snapshot) -> None:
    reason = Pacer(policy).decide(seen).reason
    assert reason.endswith(".")
    assert "\n" not in reason


def test_empty_arrays_of_any_kind_are_no_calls_and_no_agents() -> None:
    empty = np.empty(0)
    nothing = Snapshot(0.0, empty, empty, empty, empty, empty, np.empty(0, dtype=np.int8), empty, empty)
    assert decide("ratio", nothing).dial == 0


def test_agents_whose_times_are_unknown_still_count() -> None:
    seen = moment(ready=3)
    seen.ready_since[:] = nan
    assert decide("progressive", seen).dial == 3
