"""A campaign in force: what its file says, and what was said since."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from campaigns.effective import effective, segment_of
from dialer.types import ConfigError

FILE = """
name = "spring"
country = "CO"
trunks = ["main"]
[[segments]]
name = "early"
priority = 10
[[segments]]
name = "late"
"""


@dataclass
class Campaign:
    name: str = "spring"
    definition: str = FILE
    pacing: dict[str, Any] = field(default_factory=dict)


@dataclass
class Row:
    name: str
    source: str = "file"
    definition: dict[str, Any] = field(default_factory=dict)


def names(*rows: Row) -> list[str]:
    return [segment.name for segment in effective(Campaign(), rows).segments]


def test_segments_of_the_file_are_as_the_file_says():
    config = effective(Campaign(), [Row("early"), Row("late")])
    assert config.segment("early").priority == 10


def test_a_segment_of_the_api_is_added_or_takes_the_place_of_the_files():
    rows = [Row("early", "api", {"priority": 77, "where": {"balance": {"min": 5}}}), Row("vip", "api")]
    config = effective(Campaign(), rows)
    assert [each.name for each in config.segments] == ["early", "late", "vip"]
    early = config.segment("early")
    assert early.priority == 77
    assert early.where is not None
    assert early.where.table == {"balance": {"min": 5}}


def test_a_removed_segment_is_gone():
    assert names(Row("early"), Row("late", "removed")) == ["early"]


def test_a_campaign_keeps_one_segment_at_least():
    with pytest.raises(ConfigError, match="all its segments were removed"):
        names(Row("early", "removed"), Row("late", "removed"))


def test_knobs_turned_since_are_in_force():
    assert effective(Campaign(pacing={"lines_per_agent": 2.5}), []).pacing.lines_per_agent == 2.5


def test_a_wrong_table_names_its_key():
    with pytest.raises(ConfigError, match=r"segment vip: where: balanze: unknown"):
        segment_of("vip", {"where": {"balanze": 3}})
