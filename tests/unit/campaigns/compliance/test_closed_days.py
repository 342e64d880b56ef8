"""Holidays of the debtor's own subdivision, of all where it is not known, and what a profile adds or removes."""

from __future__ import annotations

from datetime import date

import pytest

from campaigns.compliance.closed_days import shut_days
from campaigns.compliance.schema import Holidays
from dialer.types import ConfigError

SAINT_GEORGE = date(2026, 4, 23)


def closed(day: date, rule: dict[str, object], *subdivisions: str) -> str:
    return shut_days("x", Holidays.model_validate(rule), subdivisions).closed(day)


SPAIN: dict[str, object] = {"country": "ES", "subdiv": "debtor"}


def test_a_day_of_one_community_is_closed_there_alone() -> None:
    assert closed(SAINT_GEORGE, SPAIN, "ES-AR")
    assert not closed(SAINT_GEORGE, SPAIN, "ES-MD")


@pytest.mark.parametrize("known", [(), ("ES-ZZ",), ("FR-75",)])
def test_where_the_community_is_not_known_every_day_counts(known: tuple[str, ...]) -> None:
    assert "ES-AR" in closed(SAINT_GEORGE, SPAIN, *known)


def test_a_subdivision_of_the_profiles_own() -> None:
    assert closed(SAINT_GEORGE, {"country": "ES", "subdiv": "AR"}, "ES-MD")


def test_without_subdivisions_the_country_is_enough() -> None:
    assert closed(date(2026, 7, 20), {"country": "CO"}) == "Independence Day (CO)"


def test_dates_are_added_and_removed() -> None:
    rule: dict[str, object] = {"country": "CO", "add": [date(2026, 6, 3)], "remove": [date(2026, 7, 20)]}
    assert closed(date(2026, 6, 3), rule) == "added by the profile"
    assert not closed(date(2026, 7, 20), rule)


def test_dates_without_a_country() -> None:
    assert closed(date(2026, 6, 3), {"add": [date(2026, 6, 3)]})
    assert not closed(date(2026, 12, 25), {"add": [date(2026, 6, 3)]})


@pytest.mark.parametrize(
    "rule", [{"country": "QQ"}, {"country": "ES", "subdiv": "QQ"}, {"country": "CO", "categories": ["x"]}]
)
def test_what_nobody_knows_is_an_error(rule: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="holidays"):
        closed(SAINT_GEORGE, rule)
