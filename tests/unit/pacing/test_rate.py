"""The answer rate of now against what was expected."""

import numpy as np
import pytest

from dialer.pacing.rate import AnswerRate


def lived(rate: AnswerRate, factor: float, minutes: int, per_s: float = 0.1, seed: int = 1) -> AnswerRate:
    rng = np.random.default_rng(seed)
    for _ in range(minutes * 60):
        rate.passed(1.0, per_s)
        for _ in range(rng.poisson(factor * per_s)):
            rate.answered()
    return rate


def test_it_begins_at_what_was_expected() -> None:
    assert AnswerRate(weight=2).factor == 1


def test_it_finds_the_true_factor() -> None:
    assert lived(AnswerRate(weight=2), 0.5, minutes=60).factor == pytest.approx(0.5, rel=0.2)


def test_a_doubling_is_noticed_within_minutes() -> None:
    rate = lived(AnswerRate(weight=2), 1.0, minutes=60)
    assert lived(rate, 2.0, minutes=6, seed=2).factor > 1.6


def test_a_halving_is_noticed_within_minutes() -> None:
    rate = lived(AnswerRate(weight=2), 1.0, minutes=60, per_s=0.3)
    assert lived(rate, 0.5, minutes=8, per_s=0.3, seed=2).factor < 0.65


def test_a_strong_prior_is_not_moved_by_one_answer() -> None:
    rate = AnswerRate(weight=50)
    rate.answered()
    assert rate.factor == pytest.approx(51 / 50)


def test_nothing_dialled_for_a_day_leaves_the_prior() -> None:
    rate = lived(AnswerRate(weight=2), 3.0, minutes=20)
    rate.passed(86_400.0, 0.0)
    assert rate.factor == pytest.approx(1.0, abs=0.05) or rate.seen < 0.1
