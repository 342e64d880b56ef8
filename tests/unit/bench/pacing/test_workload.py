"""The truth of the benchmark: calls and conversations as the study of them says."""

from random import Random
from statistics import fmean

import pytest

from dialer.bench.pacing.workload import RING_CUT_S, Answerer, Workload

STEADY = Workload(lambda _: 0.2)
FATES = [STEADY.fate(Random(seed), 0.0) for seed in range(20_000)]


def test_a_fifth_of_the_calls_is_answered_by_a_person() -> None:
    assert fmean(fate.answerer is Answerer.HUMAN for fate in FATES) == pytest.approx(0.2, abs=0.01)


def test_the_odds_of_a_live_answer_are_those_that_come_true() -> None:
    assert fmean(fate.live for fate in FATES) == pytest.approx(STEADY.live_chance(0.0, 1.0), abs=0.01)


def test_a_live_answer_takes_about_sixteen_seconds() -> None:
    taken = [fate.classified_at for fate in FATES if fate.live and fate.answerer is Answerer.HUMAN]
    assert fmean(taken) == pytest.approx(16, abs=0.5)


def test_nobody_rings_longer_than_the_cut() -> None:
    assert max(fate.fails_at - fate.rings_at for fate in FATES if fate.outcome == "no_answer") <= RING_CUT_S + 1e-9


def test_an_agent_is_busy_for_about_144_seconds_with_a_person() -> None:
    rng = Random(1)
    handled = [STEADY.handling(rng, Answerer.HUMAN) for _ in range(20_000)]
    assert fmean(one.talk_s + one.wrap_s for one in handled) == pytest.approx(144, abs=4)


def test_leads_that_differ_answer_as_often_on_the_whole() -> None:
    rng, mixed = Random(2), Workload(lambda _: 0.2, spread=0.15)
    assert fmean(mixed.odds(rng) for _ in range(20_000)) == pytest.approx(1.0, abs=0.03)
