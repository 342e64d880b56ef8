"""A weekly opening by the wall clock, as profiles and campaigns write it: `mon-fri 09:00-19:00`, `sat 08:00-24:00`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60

_LINE = re.compile(r"(?P<first>[a-z]{3})(-(?P<last>[a-z]{3}))? (?P<open>\d{2}:\d{2})-(?P<close>\d{2}:\d{2})")


@dataclass(frozen=True, slots=True)
class Opening:
    """An opening on some weekdays (Monday is 0), half-open, in minutes after midnight; 1440 is the day's end."""

    days: frozenset[int]
    opens: int
    closes: int

    def __str__(self) -> str:
        """Return the opening as a profile writes it."""
        first, last = min(self.days), max(self.days)
        days = DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"
        return f"{days} {_clock(self.opens)}-{_clock(self.closes)}"


@lru_cache(maxsize=1024)
def parse_opening(text: str) -> Opening:
    """Read one opening; raise ValueError with the expected form."""
    match = _LINE.fullmatch(text)
    if match is None or match["first"] not in DAYS or (match["last"] or "mon") not in DAYS:
        raise ValueError(f"{text!r} is not a window such as 'mon-fri 09:00-19:00'")
    first = DAYS.index(match["first"])
    last = DAYS.index(match["last"]) if match["last"] else first
    opens, closes = _minutes(match["open"]), _minutes(match["close"])
    if first > last or opens >= closes:
        raise ValueError(f"{text!r} ends before it begins; write two windows instead")
    return Opening(frozenset(range(first, last + 1)), opens, closes)


def common_minutes(schedules: Iterable[Iterable[Opening]]) -> int:
    """Return how many minutes of a week every schedule leaves open."""
    week: set[int] | None = None
    for schedule in schedules:
        minutes = {
            day * DAY_MINUTES + minute
            for opening in schedule
            for day in opening.days
            for minute in range(opening.opens, opening.closes)
        }
        week = minutes if week is None else week & minutes
    return len(week or ())


def _minutes(text: str) -> int:
    hour, minute = int(text[:2]), int(text[3:])
    if minute > 59 or hour * 60 + minute > DAY_MINUTES:
        raise ValueError(f"{text!r} is not a time of day between 00:00 and 24:00")
    return hour * 60 + minute


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
