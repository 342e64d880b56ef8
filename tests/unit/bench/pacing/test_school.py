"""Yesterday's history."""

import pytest

from dialer.bench.pacing.scenarios import catalogue
from dialer.bench.pacing.school import taught


def test_it_teaches_the_list_that_will_be_dialled() -> None:
    scenario = catalogue()["n25_p40"]
    assert taught(scenario, seed=1).answer_rate == pytest.approx(scenario.workload.live_chance(0, 1), abs=0.04)


def test_every_seed_has_a_yesterday_of_its_own() -> None:
    scenario = catalogue()["n25_p20"]
    assert taught(scenario, seed=1) == taught(scenario, seed=1)
    assert taught(scenario, seed=1) != taught(scenario, seed=2)
