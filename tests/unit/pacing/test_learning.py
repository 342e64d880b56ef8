"""What facts and snapshots teach, however they arrive."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import (
    Abandoned,
    Answered,
    Cancelled,
    Classified,
    Connected,
    Dialled,
    Ended,
    Fact,
    Prior,
    Snapshot,
    Stage,
    TalkEnded,
    WrapEnded,
)
from dialer.pacing.learning import Learning, Recent
from dialer.pacing.outlook import QUANTILES

NONE = np.empty(0)


def ringing(now: float, dialled_at: Sequence[float], odds: float = np.nan) -> Snapshot:
    return Snapshot(
        now=now,
        ready_since=NONE,
        talking_since=NONE,
        wrapping_since=NONE,
        wrapping_talk_s=NONE,
        call_dialled_at=np.array(dialled_at, dtype=np.float64),
        call_stage=np.full(len(dialled_at), Stage.RINGING, dtype=np.int8),
        call_stage_since=np.array(dialled_at, dtype=np.float64) + 2,
        call_answer_odds=np.full(len(dialled_at), odds),
    )


def lived(learning: Learning, live_rate: float, seconds: int = 3600, seed: int = 6) -> Learning:
    """Two calls a second; those that are live are answered after 5 to 20 s, the others ring for 30 s."""
    rng, flying = np.random.default_rng(seed), list[tuple[float, bool, float]]()
    for now in np.arange(0.0, seconds, 0.5):
        live = bool(rng.random() < live_rate)
        flying.append((now, live, now + (rng.uniform(5, 20) if live else 30)))
        for call in [call for call in flying if call[2] <= now]:
            flying.remove(call)
            dialled, live, ends = call
            facts: list[Fact] = [Answered(ends, dialled), Classified(ends, dialled, ends, live=True)] if live else []
            for fact in facts or [Ended(ends, dialled, "no_answer")]:
                learning.observe(fact)
        learning.watch(ringing(now, [dialled for dialled, _, _ in flying]), 1.0, 15.0)
    return learning


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_the_answer_rate_is_found(rate: float) -> None:
    assert lived(Learning(Prior.default()), rate).answer_rate == pytest.approx(rate, rel=0.25)


def test_calls_that_just_began_to_ring_are_no_evidence_against_answers() -> None:
    learning = Learning(Prior.default())
    before = learning.answer_rate
    for now in np.arange(0, 3.5, 0.5):
        learning.watch(ringing(now, [0.0] * 50), 1.0, 15.0)
    assert learning.answer_rate > 0.8 * before


def test_known_odds_are_scaled_by_what_is_seen() -> None:
    learning = lived(Learning(Prior.default()), 0.1)
    low, high, unknown = learning.odds(np.array([0.1, 0.4, np.nan]))
    assert high == pytest.approx(4 * low)
    assert unknown == pytest.approx(learning.answer_rate)


@pytest.mark.parametrize("odds", [np.nan, -0.5, 1.5, np.inf])
def test_odds_that_are_no_probability_are_unknown(odds: float) -> None:
    learning = Learning(Prior.default())
    assert learning.odds(np.array([odds]))[0] == pytest.approx(learning.answer_rate)


def test_a_fact_told_again_later_counts_once() -> None:
    recent = Recent()
    first = TalkEnded(10.0, 5.0)
    assert [recent.is_new(fact) for fact in (first, TalkEnded(11.0, 7.0), TalkEnded(10.0, 5.0))] == [True, True, False]


def test_equal_facts_of_one_moment_are_several_calls() -> None:
    recent = Recent()
    assert all(recent.is_new(Ended(10.0, 1.0, "busy")) for _ in range(3))


def test_a_late_fact_that_was_never_told_is_news() -> None:
    recent = Recent()
    assert [recent.is_new(TalkEnded(at, 5.0)) for at in (20.0, 10.0)] == [True, True]


def test_a_jump_of_the_clock_teaches_nothing() -> None:
    learning = Learning(Prior.default())
    for now in (0.0, 1e6, 5.0, -1e6):
        learning.watch(ringing(now, [now - 10] * 30), 1.0, 15.0)
    assert learning.answer_rate == pytest.approx(0.2)


moments = st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf])
facts = st.one_of(
    st.builds(Dialled, moments, moments),
    st.builds(Answered, moments, moments),
    st.builds(Classified, moments, moments, moments, st.booleans()),
    st.builds(Ended, moments, moments, st.sampled_from(["machine", "no_answer", "early_hangup", "?"])),
    st.builds(Connected, moments, moments),
    st.builds(Abandoned, moments),
    st.builds(TalkEnded, moments, moments),
    st.builds(WrapEnded, moments, moments, moments),
    st.builds(Cancelled, moments, moments),
)


@given(st.lists(facts, max_size=40), st.lists(moments, max_size=6))
def test_no_fact_and_no_snapshot_breaks_what_is_known(told: list[Fact], dialled: list[float]) -> None:
    learning = Learning(Prior.default())
    for step, fact in enumerate(told):
        learning.observe(fact)
        learning.watch(ringing(step * 1.5, dialled), 1.0, 15.0)
    assert 0 < learning.answer_rate <= 0.97
    assert np.isfinite(learning.outlook.horizons_s).all()
    assert np.isfinite(learning.outlook.chances(ringing(50.0, dialled), np.full(len(dialled), 0.2))).all()


def test_another_least_ring_is_in_force_with_the_next_moment() -> None:
    learning = Learning(Prior.default())
    seen = [ringing(now, [now - 2] * 3) for now in (0.0, 0.5)]
    learning.watch(seen[0], 1.0, 15.0)
    cancelled_early = learning.outlook.fresh[:QUANTILES].copy()
    learning.watch(seen[1], 1.0, 20.0)
    assert (learning.outlook.fresh[:QUANTILES] >= cancelled_early - 1e-9).all()
    assert learning.outlook.fresh[QUANTILES - 1] > cancelled_early[-1]
