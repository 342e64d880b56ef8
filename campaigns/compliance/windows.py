"""When a debtor may be called, by the debtor's own clock; whatever is unknown means no. The instant is an argument.

Windows are weekly openings by the wall clock. They are turned into instants through every change of the clock
between, so that an hour that comes twice is judged twice and one that never comes opens nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from campaigns.compliance.hours import Opening
from dialer.types import Allowed, InputError, Refused, Verdict

GUARD_S = 10.0
"""A call must have rung out this long before the window closes."""

_LOOK_AHEAD = timedelta(days=16)
_NO_ZONE = {"", "Factory"}

Interval = tuple[datetime, datetime]
ClosedOn = Callable[[date], str]
"""Why nobody is called on a date; empty on any other date."""


class OpeningHours(Protocol):
    """A weekly opening by the wall clock, half-open; `dialer.config.Window` is one."""

    @property
    def days(self) -> frozenset[int]:
        """Weekdays, Monday is 0."""
        ...

    @property
    def opens(self) -> time:
        """First moment of the opening."""
        ...

    @property
    def closes(self) -> time:
        """First moment after the opening."""
        ...


def may_dial(windows: tuple[OpeningHours, ...], time_zone: str, now: datetime, ring_s: float) -> Verdict:
    """Say whether a call placed now, ringing `ring_s` seconds, stays inside the debtor's windows.

    Refuses with `unknown_zone`, or `outside_window` and the first moment it may be asked again.
    """
    _aware(now)
    zone = zone_of(time_zone)
    if zone is None:
        return Refused("unknown_zone", detail=repr(time_zone))
    now = now.astimezone(UTC)
    intervals = _openings(windows, zone, now.date())
    needed = timedelta(seconds=ring_s + GUARD_S)
    index = bisect_right(intervals, now, key=lambda interval: interval[0])
    if index and now + needed <= intervals[index - 1][1]:
        return Allowed()
    until = next((opens for opens, closes in intervals[index:] if opens + needed <= closes), None)
    return Refused("outside_window", detail=f"{now.astimezone(zone):%a %H:%M} in {time_zone}", until=until)


def local_day(time_zone: str, now: datetime) -> date:
    """Return the debtor's date; raise InputError for a zone that is not known."""
    _aware(now)
    return now.astimezone(_known(time_zone)).date()


def day_ends(time_zone: str, day: date) -> datetime:
    """Return the first instant of the debtor's next day, in UTC; raise InputError for a zone that is not known."""
    # A midnight that the clock skips reads as the instant of the change, one that comes twice as the first.
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=_known(time_zone)).astimezone(UTC)


@lru_cache(maxsize=1024)
def zone_of(time_zone: str) -> ZoneInfo | None:
    """Return the zone, or None when nobody knows it."""
    if time_zone in _NO_ZONE:
        return None
    try:
        return ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        return None


def _known(time_zone: str) -> ZoneInfo:
    zone = zone_of(time_zone)
    if zone is None:
        raise InputError(f"unknown time zone {time_zone!r}; use an IANA name such as America/Bogota")
    return zone


def _aware(now: datetime) -> None:
    if now.tzinfo is None:
        raise InputError(f"naive datetime {now.isoformat()}: give it a zone, such as UTC")


def as_opening(window: OpeningHours) -> Opening:
    """Return a window of a campaign file in the form profiles use."""
    opens, closes = (moment.hour * 60 + moment.minute for moment in (window.opens, window.closes))
    return Opening(window.days, opens, closes)


@lru_cache(maxsize=4096)
def _openings(windows: tuple[OpeningHours, ...], zone: ZoneInfo, day: date) -> list[Interval]:
    first = datetime.combine(day, time(), tzinfo=UTC) - timedelta(days=2)
    last = first + timedelta(days=2) + _LOOK_AHEAD
    return openings(tuple(as_opening(window) for window in windows), zone, first, last, _never)


def _never(_: date) -> str:
    return ""


def openings(
    schedule: Sequence[Opening], zone: ZoneInfo, first: datetime, last: datetime, closed: ClosedOn
) -> list[Interval]:
    """Return the instants between two others at which a schedule is open by the wall clock of a zone, in order."""
    found = (
        interval
        for begin, end, offset in _steady(zone, first, last)
        for interval in _open(schedule, begin, end, offset, closed)
    )
    return _merged(sorted(found))


def in_common(one: list[Interval], other: list[Interval]) -> list[Interval]:
    """Return the instants that lie in both."""
    common: list[Interval] = []
    left = right = 0
    while left < len(one) and right < len(other):
        opens = max(one[left][0], other[right][0])
        closes = min(one[left][1], other[right][1])
        if opens < closes:
            common.append((opens, closes))
        if one[left][1] <= other[right][1]:
            left += 1
        else:
            right += 1
    return common


def _open(
    schedule: Sequence[Opening], begin: datetime, end: datetime, offset: timedelta, closed: ClosedOn
) -> Iterator[Interval]:
    """Yield the openings between two changes of the clock, where the wall clock runs straight."""
    day = (begin + offset).date()
    while day <= (end + offset).date():
        midnight = datetime.combine(day, time(), tzinfo=UTC) - offset
        for opening in schedule:
            if day.weekday() in opening.days and not closed(day):
                opens = max(begin, midnight + timedelta(minutes=opening.opens))
                closes = min(end, midnight + timedelta(minutes=opening.closes))
                if opens < closes:
                    yield opens, closes
        day += timedelta(days=1)


def _merged(intervals: list[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for opens, closes in intervals:
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return merged


def _steady(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yield the stretches during which the zone keeps one offset from UTC."""
    begin, offset = first, _offset(zone, first)
    probe = first
    while probe < last:
        after = min(probe + timedelta(hours=6), last)
        if _offset(zone, after) != offset:
            change = _change(zone, probe, after)
            yield begin, change, offset
            begin, offset = change, _offset(zone, change)
        probe = after
    yield begin, last, offset


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the second at which the offset of `after` begins."""
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    return after


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()
