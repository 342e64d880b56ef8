"""Rules of the house are taken over while the service runs; a mistake in them is told and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.app.rules import Rules
from dialer.config import ComplianceConfig, Config
from dialer.types import ConfigError
from tests.lab.rules import lay_rules


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return lay_rules(tmp_path / "rules")


def rules(folder: Path) -> Rules:
    return Rules(Config(compliance=ComplianceConfig(directory=folder)))


def test_a_profile_of_the_house_takes_the_place_of_a_shipped_one(house: Path):
    assert rules(house).library.profile("ar").version == "laboratory"
    assert rules(house).library.profile("co").version != "laboratory"


def test_a_changed_file_is_taken_over_at_the_next_look(house: Path):
    found = rules(house)
    before = found.library
    found.look_again()
    assert found.library is before
    file = house / "laboratory.toml"
    file.write_text(file.read_text().replace('version = "laboratory"', 'version = "second"'))
    found.look_again()
    assert found.library.profile("ar").version == "second"


def test_a_mistake_leaves_the_last_good_rules_in_force(house: Path):
    found = rules(house)
    before = found.library
    (house / "laboratory.toml").write_text("schema = 1\n[ar]\nwindow = 3\n")
    found.look_again()
    assert found.library is before


def test_a_mistake_at_the_start_stops_the_start(house: Path):
    (house / "laboratory.toml").write_text("schema = 1\n[ar]\nwindow = 3\n")
    with pytest.raises(ConfigError, match="window"):
        rules(house)
