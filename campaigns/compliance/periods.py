"""The stretches of time over which calls are counted: where one begins now, and when an event leaves it.

Rolling hours are real hours. Days, weeks and months are the debtor's own: a day may have 23 or 25 hours. Where
several zones are possible the strictest answer holds: the earliest beginning, the latest end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from campaigns.compliance.limits import Tally
from campaigns.compliance.windows import zone_of
from dialer.types import InputError

_PERIOD = re.compile(
    r"rolling:(?P<rolling>[1-9]\d{0,3})h|days:(?P<days>[1-9]\d{0,2})"
    r"|calendar:(?P<calendar>1d|1w|1mo)|campaign:(?P<campaign>[1-9]\d{0,2})d"
)
_INSTANT = timedelta(microseconds=1)


def is_period(text: str) -> bool:
    """Say whether a profile may write this."""
    return _PERIOD.fullmatch(text) is not None


def since(period: str, zones: Sequence[str], now: datetime, campaign_started_at: datetime | None = None) -> datetime:
    """Return the first instant whose events count now, in UTC.

    A campaign that has not begun counts its days backwards from today. Raises InputError for an unknown zone.
    """
    form, number = _parsed(period)
    if form == "rolling":
        return now.astimezone(UTC) - timedelta(hours=number) + _INSTANT
    begin = _beginning(form, number, campaign_started_at)
    return min(_midnight(zone, begin(_local(zone, now), zone)) for zone in _known(zones))


def frees_at(tally: Tally, zones: Sequence[str], campaign_started_at: datetime | None = None) -> datetime | None:
    """Return the first instant at which the limit allows a call again, in UTC; None when it does now."""
    if tally.leaves is None:
        return None
    return ends(tally.limit.period, zones, tally.leaves, campaign_started_at)


def ends(period: str, zones: Sequence[str], event: datetime, campaign_started_at: datetime | None = None) -> datetime:
    """Return the first instant at which an event no longer counts, in UTC; raises InputError for an unknown zone."""
    form, number = _parsed(period)
    if form == "rolling":
        return event.astimezone(UTC) + timedelta(hours=number)
    end = _ending(form, number, campaign_started_at)
    return max(_midnight(zone, end(_local(zone, event), zone)) for zone in _known(zones))


DayOf = Callable[[date, str], date]


def _beginning(form: str, number: int, started_at: datetime | None) -> DayOf:
    def begin(today: date, zone: str) -> date:
        match form:
            case "week":
                return today - timedelta(days=today.weekday())
            case "month":
                return today.replace(day=1)
            case "campaign" if started_at is not None:
                first = _local(zone, started_at)
                return first + timedelta(days=(today - first).days // number * number)
            case _:
                return today - timedelta(days=number - 1)

    return begin


def _ending(form: str, number: int, started_at: datetime | None) -> DayOf:
    begin = _beginning(form, number, started_at)

    def end(day: date, zone: str) -> date:
        match form:
            case "week":
                return begin(day, zone) + timedelta(days=7)
            case "month":
                return (begin(day, zone) + timedelta(days=31)).replace(day=1)
            case "campaign" if started_at is not None:
                return begin(day, zone) + timedelta(days=number)
            case _:
                return day + timedelta(days=number)

    return end


@lru_cache(maxsize=256)
def _parsed(period: str) -> tuple[str, int]:
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise InputError(f"{period!r} is not a period such as rolling:168h, days:7, calendar:1w or campaign:30d")
    form = str(match.lastgroup)
    if form == "calendar":
        return {"1d": ("days", 1), "1w": ("week", 1), "1mo": ("month", 1)}[match[form]]
    return form, int(match[form])


def _local(zone: str, instant: datetime) -> date:
    return instant.astimezone(zone_of(zone)).date()


@lru_cache(maxsize=4096)
def _midnight(zone: str, day: date) -> datetime:
    # A midnight that the clock skips reads as the instant of the change, one that comes twice as the first.
    return datetime.combine(day, time(), tzinfo=zone_of(zone)).astimezone(UTC)


def _known(zones: Sequence[str]) -> Sequence[str]:
    if not zones or any(zone_of(zone) is None for zone in zones):
        raise InputError(f"days cannot be counted in the zones {list(zones)!r}; give IANA names such as America/Bogota")
    return zones
