"""The scenarios there are."""

from dialer.bench.pacing.scenarios import FOUR_HOURS_S, catalogue
from dialer.bench.pacing.workload import Workload


def test_every_size_at_every_rate_is_there() -> None:
    names = {f"n{size}_p{rate}" for size in (5, 10, 25, 50, 100, 300) for rate in (8, 20, 40)}
    assert names <= set(catalogue())


def test_drift_shift_lunch_and_the_small_team_are_there() -> None:
    assert {"drift_halve_n25", "drift_double_n25", "drift_day_n50", "shift_n50", "lunch_n25", "small_long_n6"} <= set(
        catalogue()
    )


def test_a_drift_changes_the_rate_and_not_its_mean() -> None:
    truth = catalogue()["drift_halve_n25"].workload
    assert isinstance(truth, Workload)
    assert truth.live_rate(0.0) == 2 * truth.live_rate(FOUR_HOURS_S - 1)


def test_lunch_leaves_half_the_team_at_work() -> None:
    agents = catalogue()["lunch_n25"].agents
    for at in range(0, int(FOUR_HOURS_S), 300):
        assert sum(any(p.since <= at < p.until for p in hours) for hours in agents) >= len(agents) // 2 - 1


def test_a_scenario_can_be_cut_short() -> None:
    assert catalogue()["n5_p20"].shortened(60).duration_s == 60
