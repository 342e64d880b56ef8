"""When to call: the hour of the week at which this debtor is most likely to answer, within a look-ahead.

Every hour has a beta distribution: what the campaign knows of that hour is its prior, the debtor's own calls count on
top, most at the same hour of the same weekday, less around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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


def best_moment(
    floor: datetime,
    look_ahead: timedelta,
    tries: Sequence[Try],
    rates: Rates,
    *,
    zone: ZoneInfo | None,
    windows: Sequence[Sequence[Window]] = (),
    luck: float | None = None,
) -> datetime:
    """Return the best moment from `floor` on: the floor itself, or the beginning of a later open hour.

    The earliest of equals, and the floor where nothing is known or nothing open lies ahead. Of every group of
    `windows` one must be open; without groups, the hours at which the campaign has called count as open. With `luck`
    (a random number) each hour's rate is drawn from what is believed of it instead of taken at its mean, so that
    little-known hours get their chance.
    """
    if not look_ahead or not rates.means:
        return floor
    hours = _open_hours(floor, look_ahead, zone, windows, rates)
    if not hours:
        return floor
    weights = _own_weights(tries, zone)
    dice = Random(luck) if luck is not None else None  # noqa: S311 - which hour to try is no secret
    best, best_rate = hours[0][0], -1.0
    for moment, hour in hours:
        rate = _rate(rates.means[hour], weights, hour, dice)
        if rate > best_rate:
            best, best_rate = moment, rate
    return best


def _open_hours(
    floor: datetime, look_ahead: timedelta, zone: ZoneInfo | None, windows: Sequence[Sequence[Window]], rates: Rates
) -> list[tuple[datetime, int]]:
    """Return the moments to choose from with their hour of the week: the floor, and each hour's beginning after it."""
    # Zones are whole quarters of an hour from UTC: local hours begin where the local minute is nought.
    local = floor.astimezone(zone or UTC)
    first = floor + _HOUR - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    last = floor + look_ahead
    found = []
    moment, following = floor, first
    while moment <= last:
        local = moment.astimezone(zone or UTC)
        hour = local.weekday() * 24 + local.hour
        if _is_open(local, windows) if windows else hour in rates.called:
            found.append((moment, hour))
        moment, following = following, following + _HOUR
    return found


def _is_open(local: datetime, windows: Sequence[Sequence[Window]]) -> bool:
    day, time = local.weekday(), local.time()
    return all(any(day in each.days and each.opens <= time < each.closes for each in group) for group in windows)


def _own_weights(tries: Sequence[Try], zone: ZoneInfo | None) -> list[tuple[int, int, bool]]:
    return [(*divmod(week_hour(each.at, zone), 24), each.reached) for each in tries if each.reached is not None]


def _rate(mean: float, own: Sequence[tuple[int, int, bool]], hour: int, dice: Random | None) -> float:
    day, hour_of_day = divmod(hour, 24)
    live, calls = PRIOR * mean, PRIOR
    for their_day, their_hour, reached in own:
        apart = abs(their_hour - hour_of_day)
        if min(apart, 24 - apart) > 1:
            continue
        weight = (1.0 if their_day == day else OTHER_DAY) * (NEIGHBOUR if apart else 1.0)
        calls += weight
        live += weight * reached
    rate = live / calls
    # A normal curve for the beta one: a third of the time, and nobody could tell the hours chosen apart.
    return rate if dice is None else dice.gauss(rate, sqrt(rate * (1 - rate) / (calls + 1)))
