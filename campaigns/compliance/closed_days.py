"""Holidays by country and subdivision: actual and observed days both count, a profile may add and remove dates.

Where the subdivision is not known, the days of every subdivision count: nobody is called on a day that may be one.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import holidays

from campaigns.compliance.schema import Holidays
from campaigns.compliance.timetable import Shut
from dialer.types import ConfigError

DEBTORS = "debtor"
"""Instead of a subdivision: the debtor's own."""


def shut_days(owner: str, rule: Holidays, subdivisions: Sequence[str]) -> Shut:
    """Return the dates a profile closes; `subdivisions` are those (ISO 3166-2) the debtor may live in, none if unknown.

    Raises ConfigError for a country, subdivision or category that nobody knows.
    """
    categories = tuple(rule.categories)
    regions = _regions(owner, rule, subdivisions)
    check(owner, rule)

    def closed(day: date) -> str:
        if day in rule.remove:
            return ""
        if day in rule.add:
            return "added by the profile"
        return "" if rule.country is None else _year(rule.country, regions, categories, day.year).get(day, "")

    return Shut(owner, closed)


@lru_cache(maxsize=1024)
def check(owner: str, rule: Holidays) -> None:
    """Raise ConfigError where a profile asks for holidays that nobody knows."""
    if rule.country is None:
        return
    try:
        _named(rule.country, None if rule.subdiv in (None, DEBTORS) else rule.subdiv, tuple(rule.categories), 2026)
    except (NotImplementedError, ValueError) as exc:
        raise ConfigError(
            f"[{owner}]: holidays: {rule.country} {rule.subdiv or ''} {', '.join(rule.categories)}: {exc}; "
            "see docs/compliance.md"
        ) from exc


def _regions(owner: str, rule: Holidays, subdivisions: Sequence[str]) -> tuple[str | None, ...]:
    if rule.country is None or rule.subdiv is None:
        return (None,)
    if rule.subdiv != DEBTORS:
        return (rule.subdiv,)
    known = _subdivisions(rule.country)
    own = tuple(code.removeprefix(f"{rule.country}-") for code in subdivisions if code.startswith(f"{rule.country}-"))
    if own and all(code in known for code in own):
        return own
    return (None, *known)


@lru_cache(maxsize=256)
def _subdivisions(country: str) -> tuple[str, ...]:
    return tuple(holidays.country_holidays(country).subdivisions)


@lru_cache(maxsize=4096)
def _year(country: str, regions: tuple[str | None, ...], categories: tuple[str, ...], year: int) -> dict[date, str]:
    found: dict[date, str] = {}
    for region in regions:
        for day, name in _named(country, region, categories, year).items():
            found.setdefault(day, f"{name} ({country}{'-' + region if region else ''})")
    return found


@lru_cache(maxsize=4096)
def _named(country: str, region: str | None, categories: tuple[str, ...], year: int) -> dict[date, str]:
    found: dict[date, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library tells of renamed subdivisions
        for observed in (True, False):
            asked = holidays.country_holidays(
                country, subdiv=region, years=year, observed=observed, categories=categories, language="en_US"
            )
            for day, name in asked.items():
                found.setdefault(day, name)
    return found
