"""Mode predictive through its door, the Pacer: what it places, what it cancels, the laws it keeps."""

from dataclasses import replace
from math import ceil, inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.pacing import (
    Budget,
    Decision,
    Pacer,
    PacingPolicy,
    PastCall,
    PastTalk,
    Prior,
    Snapshot,
    Stage,
)

WARM = Prior.from_history(
    [PastCall(13.0, 3.0 + i % 20, 4.5 + i % 20, live=True) for i in range(200)] + [PastCall(30.0)] * 800,
    [PastTalk(20.0 + i, 5.0 + i / 20) for i in range(300)],
)
"""A list of which a fifth answers, well known."""


def moment(ready: int = 0, talking: int = 0, wrapping: int = 0, calls: int = 0, **changes: Any) -> Snapshot:
    """Calls ring since `rung_s` (default 8 s)."""
    now, rung = changes.pop("now", 1000.0), changes.pop("rung_s", 8.0)
    seen = Snapshot(
        now=now,
        ready_since=np.full(ready, now - 5),
        talking_since=now - np.linspace(5, 200, talking),
        wrapping_since=np.full(wrapping, now - 3),
        wrapping_talk_s=np.full(wrapping, 90.0),
        call_dialled_at=np.full(calls, now - rung - 2),
        call_stage=np.full(calls, Stage.RINGING, dtype=np.int8),
        call_stage_since=np.full(calls, now - rung),
        call_answer_odds=np.full(calls, nan),
    )
    return replace(seen, **changes)


def decide(seen: Snapshot, prior: Prior | None = WARM, **knobs: Any) -> Decision:
    return Pacer(PacingPolicy(**knobs), prior).decide(seen)


def test_more_calls_than_free_agents_where_most_are_not_answered() -> None:
    assert 20 < decide(moment(ready=10)).dial < 60


def test_agents_who_will_be_free_soon_get_calls_before_they_are() -> None:
    assert decide(moment(talking=40, wrapping=10)).dial > 0


def test_calls_in_flight_are_calls_placed() -> None:
    assert decide(moment(ready=10, calls=20)).dial < decide(moment(ready=10)).dial


def test_unknown_answer_rates_begin_with_one_call_per_free_agent() -> None:
    decision = decide(moment(ready=10), prior=None)
    assert decision.dial == 10
    assert "the answer rate is not known yet" in decision.reason


def test_a_rate_seen_in_few_answers_is_trusted_with_fewer_calls() -> None:
    seen = moment(ready=50, calls=210)
    unsure, sure = (decide(seen, replace(WARM, answer_weight=weight)).dial for weight in (40.0, 400.0))
    assert 0 < unsure < 0.9 * sure


def test_an_exceeded_budget_means_one_call_per_free_agent() -> None:
    decision = decide(moment(ready=10, budgets=(Budget("day", 1000, 31, 0.03),)))
    assert decision.dial == 10
    assert "31 of 1000 live answers abandoned in day" in decision.reason


def test_a_nearly_spent_budget_means_fewer_calls() -> None:
    spent, fresh = (moment(ready=10, talking=30, budgets=(Budget("day", 1000, lost, 0.03),)) for lost in (29, 10))
    assert decide(spent).dial < decide(fresh).dial


def test_a_lower_target_means_fewer_calls() -> None:
    seen = moment(ready=10, talking=30)
    assert decide(seen, abandon_target=0.005).dial < decide(seen).dial


def test_leads_known_to_answer_get_fewer_calls() -> None:
    poor, good = (moment(ready=10, next_answer_odds=np.full(200, odds)) for odds in (0.1, 0.5))
    assert decide(good).dial < decide(poor).dial


def test_calls_known_to_answer_count_for_more() -> None:
    poor, good = (moment(ready=10, calls=20, call_answer_odds=np.full(20, odds)) for odds in (0.05, 0.6))
    assert decide(good).dial < decide(poor).dial


def test_when_all_agents_leave_at_once_nothing_is_placed() -> None:
    pacer = Pacer(PacingPolicy(), WARM)
    pacer.decide(moment(ready=50))
    decision = pacer.decide(moment(calls=120, now=1000.5))
    assert (decision.dial, decision.reason) == (0, "No call: no agent is logged in.")


def test_when_agents_run_short_those_ringing_long_enough_are_cancelled() -> None:
    seen = moment(ready=1, talking=3, calls=60, rung_s=16.0)
    decision = decide(seen)
    assert decision.dial == 0
    assert decision.cancel.dtype == np.int64
    assert 0 < decision.cancel.size <= 60


def test_the_longest_ringing_go_first() -> None:
    seen = moment(ready=1, calls=40, rung_s=16.0)
    seen.call_stage_since[:] = seen.now - np.linspace(15, 27, 40)
    seen.call_dialled_at[:] = seen.call_stage_since - 2
    cancelled = set(decide(seen).cancel.tolist())
    assert cancelled
    assert cancelled == set(range(40 - len(cancelled), 40))


def test_with_agents_enough_nothing_is_cancelled() -> None:
    assert decide(moment(ready=60, calls=60, rung_s=20.0)).cancel.size == 0


def test_the_reason_tells_the_forecast() -> None:
    reason = decide(moment(ready=3, talking=20, calls=5)).reason
    assert "agents free within" in reason
    assert "5 calls in flight" in reason
    assert reason.endswith(".")


def test_the_figures_behind_a_decision_can_be_read() -> None:
    pacer = Pacer(PacingPolicy(), WARM)
    decision = pacer.decide(moment(ready=10, talking=10))
    gauges = pacer.gauges
    assert gauges.risk == decision.risk
    assert gauges.free_agents > 10
    assert 0 < gauges.theta < 0.2
    assert gauges.answer_rate == pytest.approx(0.2, abs=0.02)


def test_a_mode_turned_is_in_force_with_the_next_decision() -> None:
    pacer = Pacer(PacingPolicy(), WARM)
    assert pacer.decide(moment(ready=10)).dial > 10
    pacer.apply(PacingPolicy(mode="progressive"))
    assert pacer.decide(moment(ready=10, now=1000.5)).dial == 10
    pacer.apply(PacingPolicy())
    assert pacer.decide(moment(ready=10, now=1001.0)).dial > 10


def test_the_same_moments_give_the_same_decisions() -> None:
    first, second = (decide(moment(ready=7, talking=20, calls=9)) for _ in range(2))
    assert (first.dial, first.risk, first.reason) == (second.dial, second.risk, second.reason)


times = st.floats(0, 2000) | st.sampled_from([nan, inf, -inf])
odds = st.floats(0, 1) | st.sampled_from([nan, -1.0, 2.0])


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    def column(of: st.SearchStrategy[float], size: int | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
        few = draw(st.integers(0, 8)) if size is None else size
        return np.array(draw(st.lists(of, min_size=few, max_size=few)), dtype=np.float64)

    calls = draw(st.integers(0, 30))
    stages = draw(st.lists(st.sampled_from(list(Stage)), min_size=calls, max_size=calls))
    return Snapshot(
        now=draw(st.floats(500, 1500)),
        ready_since=column(times),
        talking_since=column(times),
        wrapping_since=column(times),
        wrapping_talk_s=column(times),
        call_dialled_at=column(times, calls),
        call_stage=np.array(stages, dtype=np.int8),
        call_stage_since=column(times, calls),
        call_answer_odds=column(odds, calls),
        next_answer_odds=column(odds),
        budgets=tuple(
            draw(
                st.lists(
                    st.builds(Budget, st.just("day"), st.floats(0, 1e4), st.floats(0, 500), st.floats(0, 0.1)),
                    max_size=2,
                )
            )
        ),
    )


knobs = st.builds(
    PacingPolicy,
    abandon_target=st.floats(0, 0.2),
    max_lines_per_agent=st.floats(0, 9) | st.just(inf),
    max_calls_per_s=st.floats(0, 200) | st.just(inf),
    min_ring_s=st.floats(0, 40),
    expected_live_answers=st.none() | st.floats(0, 1e5),
)


@given(knobs, snapshots())
@settings(deadline=None)
def test_no_snapshot_breaks_the_laws(policy: PacingPolicy, seen: Snapshot) -> None:
    decision = Pacer(policy, WARM).decide(seen)
    agents = seen.ready_since.size + seen.talking_since.size + seen.wrapping_since.size
    assert decision.dial >= 0
    assert decision.dial == 0 or agents > 0
    assert decision.dial == 0 or seen.call_stage.size + decision.dial <= policy.max_lines_per_agent * agents
    assert decision.dial <= ceil(policy.max_calls_per_s * 0.5) if policy.max_calls_per_s < inf else True
    assert decision.reason.endswith(".")
    for call in decision.cancel:
        assert seen.call_stage[call] == Stage.RINGING
        assert seen.now - seen.call_stage_since[call] >= policy.min_ring_s
    assert len(set(decision.cancel.tolist())) == decision.cancel.size


@given(snapshots())
@settings(deadline=None)
def test_one_more_free_agent_never_means_fewer_calls(seen: Snapshot) -> None:
    more = replace(seen, ready_since=np.append(seen.ready_since, seen.now - 1))
    assert decide(more).dial >= decide(seen).dial


@given(st.lists(st.floats(-1e9, 1e9), max_size=12))
@settings(deadline=None)
def test_whatever_the_clock_does_no_more_than_a_tick_is_placed(jumps: list[float]) -> None:
    pacer, now = Pacer(PacingPolicy(max_calls_per_s=10), WARM), 0.0
    for jump in jumps:
        now += jump
        assert pacer.decide(moment(ready=50, now=now)).dial <= 5


def test_arrays_of_different_length_are_read_as_far_as_they_go() -> None:
    seen = replace(moment(ready=2, calls=5), call_stage_since=np.empty(0), call_answer_odds=np.empty(0))
    assert decide(seen).dial >= 0
