"""The risk that one more live answer finds no agent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing.poisson_binomial import MOST_EXACT
from dialer.pacing.shortage import Exact, Near, shortage

column = st.lists(st.floats(0, 1), max_size=30).map(lambda values: np.array(values).reshape(-1, 1))


def test_one_call_for_one_coming_agent() -> None:
    agents, calls = np.array([[0.7]]), np.array([[0.2]])
    # Short unless the agent is free and the call is not live.
    assert Exact(agents, calls, spare=0).risk()[0] == pytest.approx(1 - 0.7 * 0.8)


def test_calls_are_added_while_the_risk_before_each_is_allowed() -> None:
    added, risk = Exact(np.empty((0, 1)), np.empty((0, 1)), spare=2).fill(np.full((10, 1), 0.2), 0.1)
    # Two agents: short when two of n calls are live.
    assert added == 3
    assert risk == pytest.approx(3 * 0.2**2 * 0.8 + 0.2**3)


def test_no_agent_and_nobody_coming_is_certain_shortage() -> None:
    assert Exact(np.empty((0, 1)), np.empty((0, 1)), spare=0).fill(np.full((5, 1), 0.2), 0.5) == (0, 1.0)


@given(column, column, st.integers(-5, 10), st.floats(0.01, 0.9))
def test_adding_at_once_is_as_adding_one_by_one(
    agents: np.ndarray, calls: np.ndarray, spare: int, allowed: float
) -> None:
    more = np.full((40, 1), 0.3)
    for kind in (Exact, Near):
        added, risk = kind(agents, calls, spare).fill(more, allowed)
        anew = kind(agents, np.vstack([calls, more[:added]]), spare).risk().mean()
        assert risk == pytest.approx(anew, abs=1e-6)


@given(column, column, st.integers(-5, 10), st.floats(0.01, 0.5))
def test_one_more_free_agent_never_means_fewer_calls(
    agents: np.ndarray, calls: np.ndarray, spare: int, allowed: float
) -> None:
    more = np.full((60, 1), 0.25)
    for kind in (Exact, Near):
        fewer, _ = kind(agents, calls, spare).fill(more, allowed)
        assert kind(agents, calls, spare + 1).fill(more, allowed)[0] >= fewer


def test_few_are_exact_and_many_are_near() -> None:
    few, many = np.full((10, 1), 0.1), np.full((MOST_EXACT, 1), 0.1)
    assert isinstance(shortage(few, few, 0), Exact)
    assert isinstance(shortage(many, few, 0), Near)


def test_for_a_large_team_both_agree() -> None:
    rng = np.random.default_rng(2)
    agents, calls = rng.uniform(0, 0.3, (90, 6)), rng.uniform(0, 0.3, (120, 6))
    for spare in (0, 5, 10, 20):
        assert Near(agents, calls, spare).risk() == pytest.approx(Exact(agents, calls, spare).risk(), abs=3e-3)
