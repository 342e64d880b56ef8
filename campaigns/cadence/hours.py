"""When to call: the hour of the week at which this debtor is most likely to answer, within a look-ahead.

Every hour has a beta distribution: what the campaign knows of that hour is its prior, the debtor's own calls count on
top, most at the same hour of the same weekday, less around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from math import sqrt
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.cadence.tries import Try
from dialer.campaign_file import Window

HOURS: Final = 168

FEWEST: Final = 200
"""Calls of a campaign below which its hours say nothing."""

CAMPAIGN: Final = 40.0
"""So many calls at an hour make it as telling as all hours together."""

PRIOR: Final = 10.0
"""The campaign's rate at an hour is believed as much as ten of the debtor's own calls would be."""

OTHER_DAY: Final = 0.5
NEIGHBOUR: Final = 0.5
"""What a call tells of the same hour of another day, and of the hours beside it."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HourRate:
    """Calls placed at some hour, and those a person answered."""

    placed: int = 0
    live: int = 0


@dataclass(frozen=True)
class Rates:
    """What a campaign has learnt of each hour of its debtors' week (0: Monday 00:00 to 01:00)."""

    by_hour: Mapping[int, HourRate] = field(default_factory=dict)
    means: tuple[float, ...] = field(init=False, repr=False, compare=False)
    called: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Shrink every hour's rate towards that of all."""
        placed = sum(rate.placed for rate in self.by_hour.values())
        overall = sum(rate.live for rate in self.by_hour.values()) / placed if placed else 0.0
        means = [0.0] * HOURS
        for hour in range(HOURS):
            rate = self.by_hour.get(hour, HourRate())
            means[hour] = (rate.live + CAMPAIGN * overall) / (rate.placed + CAMPAIGN)
        object.__setattr__(self, "means", tuple(means) if placed >= FEWEST else ())
        object.__setattr__(self, "called", frozenset(h for h, rate in self.by_hour.items() if rate.placed))


NO_RATES: Final = Rates()


def week_hour(at: datetime, zone: ZoneInfo | None) -> int:
    """Return the hour of the week in a zone; no zone is UTC."""
    local = at.astimezone(zone or UTC)
    return local.weekday() * 24 + local.hour


def whole_hours(groups: Iterable[Sequence[Window]]) -> frozenset[int] | None:
    """Return the hours of the week that lie within a window of every group; None when there is no group."""
    open_in = [frozenset(hour for hour in range(HOURS) if _within(hour, group)) for group in groups]
    return frozenset.intersection(*open_in) if open_in else None


def _within(hour: int, windows: Sequence[Window]) -> bool:
    day, hour = divmod(hour, 24)
    begins, ends = time(hour), time(hour, 59)
    return any(day in each.days and each.opens <= begins and ends < each.closes for each in windows)


def best_moment(
    floor: datetime,
    look_ahead: timedelta,
    tries: Sequence[Try],
    rates: Rates,
    *,
    zone: ZoneInfo | None,
    open_hours: frozenset[int] | None = None,
    luck: float | None = None,
) -> datetime:
    """Return the best moment from `floor` on: the floor itself, or the beginning of a later open hour.

    The earliest of equals, and the floor where nothing is known or nothing open lies ahead. Where `open_hours` is
    None, the hours at which the campaign has called count as open. With `luck` (a random number) each hour's rate is
    drawn from what is believed of it instead of taken at its mean, so that little-known hours get their chance.
    """
    if not look_ahead or not rates.means:
        return floor
    usable = rates.called if open_hours is None else open_hours
    own = _own(tries, zone)
    dice = Random(luck) if luck is not None else None  # noqa: S311 - which hour to try is no secret
    best, best_rate = floor, -1.0
    for moment, hour in _moments(floor, floor + look_ahead, zone):
        if hour not in usable:
            continue
        rate = _rate(rates.means[hour], own.get(hour), dice)
        if rate > best_rate:
            best, best_rate = moment, rate
    return best


def _moments(floor: datetime, last: datetime, zone: ZoneInfo | None) -> Iterator[tuple[datetime, int]]:
    """Yield the moments to choose from with their hour of the week: the floor, and each hour's beginning after it."""
    local = floor.astimezone(zone or UTC)
    hour = local.weekday() * 24 + local.hour
    yield floor, hour
    # Zones are whole minutes from UTC: local hours begin where the local minute is nought.
    moment = floor + _HOUR - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    # Counting hours is ten times as quick as asking the zone for each; it is asked where its clocks change.
    steady = local.utcoffset() == last.astimezone(zone or UTC).utcoffset()
    while moment <= last:
        hour = (hour + 1) % HOURS if steady else week_hour(moment, zone)
        yield moment, hour
        moment += _HOUR


def _own(tries: Sequence[Try], zone: ZoneInfo | None) -> dict[int, tuple[float, float]]:
    """Return for each hour of the week what the debtor's own calls tell of it: how many answered, of how many."""
    told: dict[int, tuple[float, float]] = {}
    for each in tries:
        if (reached := each.reached) is None:
            continue
        day, hour = divmod(week_hour(each.at, zone), 24)
        for other in range(7):
            for beside in (-1, 0, 1):
                weight = (1.0 if other == day else OTHER_DAY) * (NEIGHBOUR if beside else 1.0)
                place = other * 24 + (hour + beside) % 24
                live, calls = told.get(place, (0.0, 0.0))
                told[place] = live + weight * reached, calls + weight
    return told


def _rate(mean: float, own: tuple[float, float] | None, dice: Random | None) -> float:
    live, calls = own or (0.0, 0.0)
    rate = (live + PRIOR * mean) / (calls + PRIOR)
    # A normal curve for the beta one: a third of the time, and nobody could tell the hours chosen apart.
    return rate if dice is None else dice.gauss(rate, sqrt(rate * (1 - rate) / (calls + PRIOR + 1)))
