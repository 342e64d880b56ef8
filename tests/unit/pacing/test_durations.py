"""Hazards learned from durations, some of which still run."""

from math import inf, nan

import numpy as np
import pytest

from dialer.pacing.durations import EDGES_S, DurationPrior, Durations, overlap

WEAK = DurationPrior.of_mean(100.0, 1e-6)


def test_a_constant_hazard_is_found_again_although_most_are_censored() -> None:
    rng = np.random.default_rng(3)
    learned = Durations(WEAK)
    lengths, until = rng.exponential(100.0, 5000), rng.uniform(0, 80, 5000)
    for length in lengths[lengths <= until]:
        learned.ended(length)
    hazard = learned.hazard(until[lengths > until])
    assert hazard[EDGES_S < 60].mean() == pytest.approx(0.01, rel=0.1)


def test_without_the_running_ones_long_talks_would_look_short() -> None:
    learned = Durations(WEAK)
    for _ in range(10):
        learned.ended(3.0)
    running = np.full(90, 30.0)
    assert learned.hazard(running)[1] < learned.hazard(np.empty(0))[1] / 5


def test_a_length_lies_in_its_pieces() -> None:
    assert overlap(np.array([7.0]))[0][:5].tolist() == [2, 2, 2, 1, 0]
    assert overlap(np.array([5000.0])).sum() == 5000.0


@pytest.mark.parametrize("length", [nan, inf, -1.0])
def test_a_length_that_is_none_teaches_nothing(length: float) -> None:
    learned = Durations(WEAK)
    learned.ended(length)
    assert learned.seen == 0


def test_before_anything_ended_the_prior_stands() -> None:
    assert Durations(DurationPrior.of_mean(50.0, 1.0)).hazard(np.empty(0)) == pytest.approx(1 / 50)


def test_history_moves_a_prior_as_far_as_its_weight() -> None:
    joined = DurationPrior.of_mean(100.0, 0.5).joined(np.full(10_000, 30.0), weight=50)
    assert sum(joined.events) == pytest.approx(50 + 0.5 * len(EDGES_S))


def test_senseless_history_moves_nothing() -> None:
    assert WEAK.joined(np.array([nan, -5.0]), weight=50) == WEAK


def test_what_ended_long_ago_fades() -> None:
    learned = Durations(WEAK)
    for length in [100.0] * 4000 + [5.0] * 4000:
        learned.ended(length)
    assert learned.hazard(np.empty(0))[2] > 0.3
