"""The sum of unlike chances, against brute force."""

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing.poisson_binomial import WINDOW, at_most, distribution, normal_cdf

chances = st.lists(st.floats(0, 1), min_size=1, max_size=9)


def brute_force(chances: list[float]) -> list[float]:
    exact = [0.0] * (len(chances) + 1)
    for happened in product((0, 1), repeat=len(chances)):
        exact[sum(happened)] += prod(p if yes else 1 - p for p, yes in zip(chances, happened, strict=True))
    return exact


@given(chances)
def test_it_is_the_sum_over_all_that_may_happen(chances: list[float]) -> None:
    probabilities, first = distribution(np.array(chances)[:, None])
    counts = np.arange(len(chances) + 1)
    assert probabilities[0][counts - first[0]] == pytest.approx(brute_force(chances), abs=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60))
def test_columns_are_worked_out_side_by_side_and_sum_to_one(pairs: list[tuple[float, float]]) -> None:
    both, _ = distribution(np.array(pairs))
    for column in (0, 1):
        alone, _ = distribution(np.array(pairs)[:, [column]])
        assert both[column] == pytest.approx(alone[0], abs=1e-12)
    assert both.sum(axis=1) == pytest.approx([1.0, 1.0])


def test_nothing_that_may_happen_is_zero_for_sure() -> None:
    probabilities, first = distribution(np.empty((0, 1)))
    assert probabilities[0][-first[0]] == pytest.approx(1.0)


def test_for_many_events_the_corrected_normal_is_near_the_exact_tail() -> None:
    many = np.random.default_rng(1).uniform(0, 0.6, size=(200, 1))
    probabilities, first = distribution(many)
    exact = np.cumsum(probabilities[0])
    mean, variance = many.sum(), (many * (1 - many)).sum()
    third = (many * (1 - many) * (1 - 2 * many)).sum()
    for count in range(int(first[0]), int(first[0]) + WINDOW):
        near = at_most(count, *(np.array([value]) for value in (mean, variance, third)))[0]
        assert near == pytest.approx(exact[count - first[0]], abs=2e-3)


@pytest.mark.parametrize(("x", "below"), [(0.0, 0.5), (1.959964, 0.975), (-1.644854, 0.05), (6.0, 1.0)])
def test_the_normal_distribution_is_that_of_the_tables(x: float, below: float) -> None:
    assert normal_cdf(np.array([x]))[0] == pytest.approx(below, abs=1e-6)
