"""Where a period begins and when an event leaves it, in hours that are real and days that are the debtor's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.compliance import Happening, Kind, Limit, Tally, ends, frees_at, since
from dialer.types import InputError
from tests.unit.campaigns.compliance.office import at, tally

ZONES = ("America/Santiago", "America/Bogota", "America/New_York", "America/Havana", "Europe/Madrid", "Pacific/Easter")
PERIODS = (
    "rolling:1h",
    "rolling:72h",
    "rolling:168h",
    "days:1",
    "days:7",
    "calendar:1d",
    "calendar:1w",
    "calendar:1mo",
    "campaign:30d",
)
STARTED = datetime(2026, 1, 14, 15, tzinfo=UTC)

minutes = st.integers(0, 525_600).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))
changes = st.sampled_from(
    [datetime(2026, 4, 5, 3, tzinfo=UTC), datetime(2026, 9, 6, 4, tzinfo=UTC), datetime(2026, 11, 1, 5, tzinfo=UTC)]
)
near = st.builds(lambda c, m: c + timedelta(minutes=m), changes, st.integers(-3000, 3000))
instants = st.one_of(minutes, near)
zones = st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True).map(tuple)


def counts(period: str, zone: str, event: datetime, now: datetime) -> bool:
    """Say by the book whether an event counts now, for one zone."""
    form, _, size = period.partition(":")
    day, today = (instant.astimezone(ZoneInfo(zone)).date() for instant in (event, now))
    match form, size:
        case "rolling", _:
            return now - event < timedelta(hours=int(size[:-1]))
        case "days", _:
            return today - day < timedelta(days=int(size))
        case "calendar", "1d":
            return day == today
        case "calendar", "1w":
            return day.isocalendar()[:2] == today.isocalendar()[:2]
        case "calendar", _:
            return (day.year, day.month) == (today.year, today.month)
        case _:
            return block(zone, day) == block(zone, today)


def block(zone: str, day: date) -> int:
    return (day - STARTED.astimezone(ZoneInfo(zone)).date()).days // 30


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(PERIODS), zones, instants, st.integers(0, 60 * 24 * 40))
def test_an_event_counts_as_long_as_any_possible_clock_says_so(
    period: str, names: tuple[str, ...], event: datetime, later: int
) -> None:
    now = event + timedelta(minutes=later)
    by_the_book = any(counts(period, zone, event, now) for zone in names)
    assert (event >= since(period, names, now, STARTED)) == by_the_book
    assert (now < ends(period, names, event, STARTED)) == by_the_book


@settings(max_examples=1500, deadline=None)
@given(
    st.sampled_from(PERIODS),
    zones,
    instants,
    st.lists(st.integers(0, 60 * 24 * 8), max_size=9),
    st.integers(1, 4),
)
def test_a_full_limit_is_free_at_the_moment_it_names_and_not_before(
    period: str, names: tuple[str, ...], now: datetime, ago: list[int], most: int
) -> None:
    past = [Happening(Kind.ATTEMPT, "k", now - timedelta(minutes=m), str(i)) for i, m in enumerate(ago)]

    def counted(instant: datetime) -> Tally:
        return tally(Limit("r", Kind.ATTEMPT, "k", since(period, names, instant, STARTED), most, period), past, instant)

    free = frees_at(counted(now), names, STARTED)
    assert (free is None) == (not counted(now).full)
    if free is not None:
        assert not counted(free).full
        assert counted(free - timedelta(microseconds=1)).full
        between = (now + (free - now) * part / 16 for part in range(16))
        assert all(counted(instant).full for instant in between)


def test_seven_days_from_monday_are_over_next_monday() -> None:
    monday = at("America/New_York", "2026-06-01 20:30")
    assert ends("days:7", ("America/New_York",), monday) == at("America/New_York", "2026-06-08 00:00")


def test_a_week_of_hours_is_a_week_of_hours_over_the_change_of_the_clock() -> None:
    before = at("America/New_York", "2026-03-06 12:00")
    assert ends("rolling:168h", ("America/New_York",), before) == at("America/New_York", "2026-03-13 13:00")


def test_a_day_of_25_hours_is_one_day() -> None:
    santiago = ("America/Santiago",)
    early, late = at("America/Santiago", "2026-04-04 00:00"), at("America/Santiago", "2026-04-04 23:59", fold=1)
    assert late - early == timedelta(hours=24, minutes=59)
    assert since("calendar:1d", santiago, late) == early
    assert ends("calendar:1d", santiago, early) == late + timedelta(minutes=1)


def test_a_day_whose_midnight_never_comes_begins_at_one() -> None:
    assert since("calendar:1d", ("America/Santiago",), at("America/Santiago", "2026-09-06 12:00")) == at(
        "America/Santiago", "2026-09-06 01:00"
    )


def test_a_campaign_that_has_not_begun_counts_backwards() -> None:
    now = at("America/Bogota", "2026-06-30 12:00")
    assert since("campaign:30d", ("America/Bogota",), now) == at("America/Bogota", "2026-06-01 00:00")


def test_a_month_is_the_calendars() -> None:
    assert ends("calendar:1mo", ("America/Toronto",), at("America/Toronto", "2026-01-31 23:00")) == at(
        "America/Toronto", "2026-02-01 00:00"
    )


@pytest.mark.parametrize("period", ["rolling:0h", "weekly", "days:-1", "calendar:2w"])
def test_what_is_no_period_is_an_error(period: str) -> None:
    with pytest.raises(InputError, match="is not a period"):
        since(period, ("America/Bogota",), STARTED)


@pytest.mark.parametrize("names", [(), ("Nowhere/Land",)])
def test_days_need_a_zone(names: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="cannot be counted"):
        since("days:7", names, STARTED)
