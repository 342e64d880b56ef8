"""When a call may be placed under several schedules in several zones at once, holidays included.

Everything is worked out once per zones and day and kept, so that an answer costs about a microsecond.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from campaigns.compliance.hours import Opening
from campaigns.compliance.windows import ClosedOn, Interval, in_common, openings, zone_of
from dialer.types import Allowed, InputError, Refused, Verdict

_KEPT = 8192
DAY_S = 86400
_HORIZON = timedelta(days=16)
_YEAR = timedelta(days=400)
_ALLOWED = Allowed()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly openings that somebody demands: a profile, the campaign, a segment, the debtor."""

    owner: str
    rule: str
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class Shut:
    """Dates on which one profile wants nobody called."""

    owner: str
    closed: ClosedOn = field(hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Days:
    """Openings around one day as numbers, ready for a search."""

    opens: list[float]
    closes: list[float]


class Timetable:
    """Schedules and holidays, all of which must be open, in every zone.

    Without any schedule nothing is open. Everything asked of it takes aware instants and zones that are known.
    """

    def __init__(self, schedules: tuple[Schedule, ...], shut: tuple[Shut, ...] = ()) -> None:
        self.schedules = schedules
        self.shut = shut
        self._kept: dict[tuple[tuple[str, ...], int], _Days] = {}

    def may_dial(self, zones: tuple[str, ...], now: datetime, needed_s: float) -> Verdict:
        """Say whether the next `needed_s` seconds lie inside one opening.

        Refuses with `holiday` or `outside_window`, and the first moment it may be asked again.
        """
        if self.open_for(zones, now, needed_s):
            return _ALLOWED
        rule, detail = self._why(zones, now, needed_s)
        return Refused(rule, detail, self.next_opening(zones, now, needed_s))

    def open_for(self, zones: tuple[str, ...], now: datetime, needed_s: float) -> bool:
        """Say the same without a reason: the quickest question there is."""
        at = now.timestamp()
        days = self._kept.get((zones, int(at // DAY_S))) or self._around(zones, now)
        index = bisect_right(days.opens, at)
        return index > 0 and at + needed_s <= days.closes[index - 1]

    def next_opening(self, zones: tuple[str, ...], now: datetime, needed_s: float) -> datetime | None:
        """Return the first moment from `now` on with `needed_s` open seconds; None when a year has none."""
        at = now.timestamp()
        days = self._kept.get((zones, int(at // DAY_S))) or self._around(zones, now)
        for index in range(max(bisect_right(days.opens, at) - 1, 0), len(days.opens)):
            first = max(days.opens[index], at)
            # The last one may be cut off by the end of what was looked at.
            if first + needed_s <= days.closes[index]:
                return now.astimezone(UTC) if first == at else datetime.fromtimestamp(first, UTC)
        return self._later(zones, now, timedelta(seconds=needed_s))

    def _later(self, zones: tuple[str, ...], now: datetime, needed: timedelta) -> datetime | None:
        for opens, closes in self._intervals(zones, now, _YEAR):
            if max(opens, now) + needed <= closes:
                return max(opens, now)
        return None

    def _around(self, zones: tuple[str, ...], now: datetime) -> _Days:
        found = self._intervals(zones, now, _HORIZON)
        days = _Days([opens.timestamp() for opens, _ in found], [closes.timestamp() for _, closes in found])
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[zones, int(now.timestamp() // DAY_S)] = days
        return days

    def _intervals(self, zones: tuple[str, ...], now: datetime, horizon: timedelta) -> list[Interval]:
        first = datetime.combine(now.astimezone(UTC).date(), time(), tzinfo=UTC) - timedelta(days=2)
        last = first + timedelta(days=2) + horizon
        return self._between(zones, first, last) if self.schedules else []

    def _between(self, zones: tuple[str, ...], first: datetime, last: datetime) -> list[Interval]:
        common: list[Interval] = [(first, last)]
        for name in zones:
            zone = zone_of(name)
            if zone is None:
                raise InputError(f"unknown time zone {name!r}; use an IANA name such as America/Bogota")
            for schedule in self.schedules:
                common = in_common(common, openings(schedule.openings, zone, first, last, self.closed))
        return common

    def closed(self, day: date) -> str:
        """Return why nobody is called on a date, empty on any other."""
        for shut in self.shut:
            if why := shut.closed(day):
                return f"{shut.owner}: {why}"
        return ""

    def _why(self, zones: tuple[str, ...], now: datetime, needed_s: float) -> tuple[str, str]:
        if not self.schedules:
            return "outside_window", "no profile and no campaign opens any hour"
        walls = [(name, now.astimezone(zone_of(name))) for name in zones]
        for name, wall in walls:
            if why := self.closed(wall.date()):
                return "holiday", f"{wall:%a %Y-%m-%d} in {name}: {why}"
        for name, wall in walls:
            for schedule in self.schedules:
                if not _fits(schedule, wall, needed_s):
                    return "outside_window", f"{wall:%a %H:%M} in {name}; {_said(schedule, wall)}"
        return "outside_window", f"{walls[0][1]:%a %H:%M} in {walls[0][0]}: a ring would outlast the opening"


def _fits(schedule: Schedule, wall: datetime, needed_s: float) -> bool:
    begin = wall.hour * 60 + wall.minute + wall.second / 60
    today = [opening for opening in schedule.openings if wall.weekday() in opening.days]
    return any(opening.opens <= begin and begin + needed_s / 60 <= opening.closes for opening in today)


def _said(schedule: Schedule, wall: datetime) -> str:
    today = [str(opening) for opening in schedule.openings if wall.weekday() in opening.days]
    return f"{schedule.owner} ({schedule.rule}) allows {', '.join(today) or 'nothing on this day'}"
