"""The demo's files are ones a user could have written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dialer.config import load_campaign, load_config
from dialer.demo import files
from dialer.demo.people import SEGMENTS
from dialer.demo.settings import AGENTS, DEBTORS, Settings
from dialer.simulation.population import LIVE_RATES

ANCHOR = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> files.Laid:
    return files.lay(tmp_path_factory.mktemp("demo"), Settings(speed=7.0), 5099, ANCHOR)


def test_the_configuration_loads_and_keeps_to_its_folder(laid: files.Laid):
    config = load_config(laid.config)
    assert config.home == laid.config.parent
    assert (config.nodes[0].port, config.clock().speed, config.agents.extensions) == (5099, 7.0, AGENTS)


def test_the_clock_starts_on_a_tuesday_at_ten(laid: files.Laid):
    simulation = load_config(laid.config).simulation
    assert simulation.starts_at is not None
    assert (simulation.starts_at.weekday(), simulation.starts_at.hour, simulation.anchor) == (1, 10, ANCHOR)


def test_the_campaign_fits_list_trunk_and_population(laid: files.Laid):
    campaign, config = load_campaign(laid.campaign), load_config(laid.config)
    names = {segment.name for segment in campaign.segments}
    assert names == set(SEGMENTS) == set(LIVE_RATES)
    assert [config.trunk(name).node for name in campaign.trunks] == [files.NODE]


def test_the_list_is_complete(laid: files.Laid):
    assert len(laid.debtors.read_text(encoding="utf-8").splitlines()) == DEBTORS + 1


@pytest.mark.parametrize("mode", ["predictive", "ratio", "progressive"])
def test_every_pacing_mode_makes_a_campaign(mode: str, tmp_path: Path):
    path = tmp_path / "campaign.toml"
    path.write_text(files.campaign_text(mode), encoding="utf-8")
    assert load_campaign(path).pacing.mode == mode


def test_the_mode_is_the_best_there_is():
    assert files.best_mode() in files.BEST_MODES


def test_everybody_has_a_softphone_of_their_own():
    assert len({extension for _, extension, _ in files.staff()}) == AGENTS
