"""Runs added up into rows."""

import pytest

from dialer.bench.pacing.contest import Entry, Run, contest, play, row_of


def run(utilisation: float, live: int, abandoned: int, lines: float = 1.0, policy: str = "ratio") -> Run:
    entry = Entry("n5_p20", policy, 1, 60.0, lines)
    return Run(entry, utilisation, 10.0, live, abandoned, 5 * live, ((live, abandoned),), 1e-4, 2e-4)


def test_abandonment_is_pooled_over_all_runs() -> None:
    row = row_of([run(0.8, 100, 4), run(0.9, 300, 4)])
    assert row.abandoned == pytest.approx(0.02)
    assert row.utilisation == pytest.approx(0.85)
    assert row.compliant


def test_the_worst_run_is_the_worst_of_the_long_ones() -> None:
    assert row_of([run(0.8, 100, 9), run(0.9, 300, 6)]).worst_run == pytest.approx(0.02)


def test_the_interval_narrows_with_the_seeds() -> None:
    few, many = (row_of([run(0.8, 300, 1), run(0.9, 300, 1)] * n) for n in (1, 8))
    assert many.half_width < few.half_width / 2


def test_a_run_is_what_its_entry_says() -> None:
    played = play(Entry("n5_p20", "VICIdial average", 3, 600.0))
    assert played.live > 0
    assert played == play(Entry("n5_p20", "VICIdial average", 3, 600.0)) or played.utilisation > 0


@pytest.mark.timeout(120)
def test_of_the_ratios_the_best_that_keeps_the_limit_is_told() -> None:
    progressive, ratio = contest(["n5_p20"], ["progressive", "ratio"], [1, 2], duration_s=300, target=0.025, jobs=2)
    assert (progressive.policy, progressive.lines_per_agent) == ("progressive", None)
    assert ratio.lines_per_agent is not None
    assert ratio.seeds == 2
