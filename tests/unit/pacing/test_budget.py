"""How much risk the abandonment so far allows."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import Budget, PacingPolicy
from dialer.pacing.budget import Allowance, Control

POLICY = PacingPolicy()


def allowance(*budgets: Budget, policy: PacingPolicy = POLICY, lost: float = 0) -> Allowance:
    return Control().allowance(policy, budgets, lost)


def day(live: float, abandoned: float, limit: float = 0.03) -> Budget:
    return Budget("day", live, abandoned, limit)


def test_on_target_theta_is_a_small_multiple_of_it() -> None:
    assert POLICY.abandon_target < allowance(day(4000, 100)).theta < 3 * POLICY.abandon_target


def test_theta_is_nearly_constant_around_the_target() -> None:
    low, high = allowance(day(4000, 110)).theta, allowance(day(4000, 90)).theta
    assert low < high < 2 * low


def test_above_the_limit_one_call_per_free_agent_is_left() -> None:
    spent = allowance(day(1000, 31))
    assert spent.left < 0
    assert spent.tight == "31 of 1000 live answers abandoned in day, the limit is 3.0%"


def test_the_nearer_the_limit_the_less_theta() -> None:
    thetas = [allowance(day(1000, abandoned)).theta for abandoned in (25, 28, 29)]
    assert thetas == sorted(thetas, reverse=True)
    assert thetas[0] > 2 * thetas[-1]


def test_a_large_team_eases_off_earlier_since_it_loses_several_at_once() -> None:
    thetas = [Control().allowance(POLICY, (day(9000, 265),), 0, agents).theta for agents in (5, 25, 50, 100, 300)]
    assert thetas[0] > thetas[1] > thetas[2] > thetas[3] == thetas[4]
    far = {Control().allowance(POLICY, (day(10_000, 250),), 0, agents).theta for agents in (5, 25, 100, 300)}
    assert len(far) == 1


def test_the_tightest_budget_decides() -> None:
    assert allowance(day(1000, 10), Budget("30 days", 50_000, 1600, 0.03)).tight.endswith("30 days, the limit is 3.0%")


def test_a_fresh_campaign_may_lose_its_first() -> None:
    assert allowance(day(0, 0)).left >= 1
    assert not allowance(day(0, 0), policy=PacingPolicy(expected_live_answers=10)).tight


@pytest.mark.parametrize("expected", [100, 300, 3000])
def test_at_its_expected_end_no_campaign_may_have_lost_more_than_the_limit(expected: float) -> None:
    policy = PacingPolicy(expected_live_answers=expected)
    assert allowance(day(expected, 0.03 * expected + 0.1), policy=policy).tight


def test_the_start_up_credit_is_that_of_the_expected_size() -> None:
    small, large = (PacingPolicy(expected_live_answers=size) for size in (100, 1000))
    assert allowance(day(20, 2), policy=small).left < 1
    assert allowance(day(20, 2), policy=large).left > 2


def test_people_who_wait_in_vain_count_before_they_hang_up() -> None:
    assert allowance(day(1000, 29), lost=1.5).tight


@pytest.mark.parametrize("budget", [day(nan, 0), day(100, nan), day(-5, 0), day(100, 0, limit=nan), day(inf, 1)])
def test_an_unreadable_budget_allows_next_to_nothing(budget: Budget) -> None:
    assert allowance(budget).left < 1


def test_without_budgets_its_own_count_stands() -> None:
    control = Control()
    for abandoned in [True] * 12 + [False] * 200:
        control.answered(POLICY, abandoned=abandoned)
    assert "this run" in control.allowance(POLICY, (), 0).tight


def test_theta_drifts_down_where_more_is_lost_than_aimed_at() -> None:
    control = Control()
    before = control.allowance(POLICY, (day(4000, 100),), 0).theta
    for i in range(400):
        control.answered(POLICY, abandoned=i % 10 == 0)
    assert control.allowance(POLICY, (day(4000, 100),), 0).theta < before / 1.5


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 1))
def test_theta_is_a_small_risk_whatever_is_told(live: float, abandoned: float, target: float, limit: float) -> None:
    policy = PacingPolicy(abandon_target=target, abandon_limit=limit)
    assert 0 <= allowance(day(live, abandoned), policy=policy).theta <= 0.5


def test_with_a_target_of_zero_nothing_is_risked() -> None:
    assert allowance(day(100, 0), policy=PacingPolicy(abandon_target=0)).theta == 0
