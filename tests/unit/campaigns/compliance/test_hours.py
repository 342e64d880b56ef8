"""Openings are read as people write them."""

from __future__ import annotations

import pytest

from campaigns.compliance.hours import Opening, common_minutes, parse_opening


def test_a_line_is_days_and_hours() -> None:
    assert parse_opening("mon-fri 07:00-19:00") == Opening(frozenset(range(5)), 420, 1140)
    assert parse_opening("sun 00:00-24:00") == Opening(frozenset({6}), 0, 1440)


@pytest.mark.parametrize("line", ["mon-fri 07:00-19:00", "sat 08:00-24:00"])
def test_a_line_comes_out_as_it_went_in(line: str) -> None:
    assert str(parse_opening(line)) == line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "monday 07:00-19:00",
        "mon 7:00-19:00",
        "mon 19:00-07:00",
        "fri-mon 07:00-19:00",
        "mon 07:60-19:00",
        "mon 07:00-24:01",
        "mon 07:00-07:00",
        "mon 07:00-19:00 ",
    ],
)
def test_anything_else_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"window|time of day|before it begins"):
        parse_opening(line)


def test_minutes_that_all_leave_open() -> None:
    week, weekend = [parse_opening("mon-sun 08:00-10:00")], [parse_opening("sat-sun 09:00-24:00")]
    assert common_minutes([week, weekend]) == 120
    assert common_minutes([week, [parse_opening("mon 10:00-11:00")]]) == 0
