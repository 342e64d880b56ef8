"""Nobody is called outside the windows of their own clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.compliance import GUARD_S, day_ends, local_day, may_dial
from dialer.config import Window
from dialer.types import Allowed, InputError, Refused, Verdict

ZONES = (
    "America/Santiago",  # the clock changes at midnight
    "America/Bogota",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Havana",  # midnight comes twice
    "Europe/Madrid",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Asia/Kathmandu",
    "Pacific/Apia",
)
OFFICE = (Window.parse("mon-fri 09:00-19:00"),)


def at(zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def wall_is_open(windows: tuple[Window, ...], zone: ZoneInfo, instant: datetime) -> bool:
    wall = instant.astimezone(zone)
    return any(w.days >= {wall.weekday()} and w.opens <= wall.time() < w.closes for w in windows)


def oracle(windows: tuple[Window, ...], zone: str, now: datetime, ring_minutes: int) -> bool:
    """A call of n minutes is right when the wall clock is inside a window in every minute it rings."""
    minutes = range(ring_minutes)
    return all(wall_is_open(windows, ZoneInfo(zone), now + timedelta(minutes=m)) for m in minutes)


def ring_s(minutes: int) -> float:
    return minutes * 60 - GUARD_S


def allowed(verdict: Verdict) -> bool:
    return isinstance(verdict, Allowed)


quarter = st.integers(0, 95).map(lambda q: time(q // 4, q % 4 * 15))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    first, last = sorted((draw(st.integers(0, 6)), draw(st.integers(0, 6))))
    opens, closes = sorted(draw(st.lists(quarter, min_size=2, max_size=2, unique=True)))
    return Window(days=frozenset(range(first, last + 1)), opens=opens, closes=closes)


# Half of the instants fall into the days around a change of the clock.
changes = st.sampled_from(
    [
        datetime(2026, 4, 5, 3, tzinfo=UTC),
        datetime(2026, 9, 6, 4, tzinfo=UTC),
        datetime(2026, 3, 8, 6, tzinfo=UTC),
        datetime(2026, 11, 1, 5, tzinfo=UTC),
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),
    ]
)
near_change = st.builds(lambda c, m: c + timedelta(minutes=m), changes, st.integers(-300, 300))
any_minute = st.integers(0, 525_600).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))
instants = st.one_of(near_change, any_minute)


@settings(max_examples=2000, deadline=None)
@given(st.lists(windows(), max_size=3), st.sampled_from(ZONES), instants, st.integers(1, 90))
def test_agrees_with_the_wall_clock_minute_by_minute(
    drawn: list[Window], zone: str, now: datetime, ring_minutes: int
) -> None:
    verdict = may_dial(tuple(drawn), zone, now, ring_s(ring_minutes))
    assert allowed(verdict) == oracle(tuple(drawn), zone, now, ring_minutes)


@settings(deadline=None)
@given(st.lists(windows(), min_size=1, max_size=2), st.sampled_from(ZONES), instants)
def test_until_is_the_first_minute_that_opens(drawn: list[Window], zone: str, now: datetime) -> None:
    verdict = may_dial(tuple(drawn), zone, now, ring_s(1))
    if isinstance(verdict, Refused) and verdict.until is not None:
        assert allowed(may_dial(tuple(drawn), zone, verdict.until, ring_s(1)))
        minutes = min((verdict.until - now) // timedelta(minutes=1), 3000)
        assert not any(oracle(tuple(drawn), zone, now + timedelta(minutes=m), 1) for m in range(minutes))


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "Etc/Unknown", "../etc/passwd", "America", "Factory"])
def test_an_unknown_zone_is_a_no(zone: str) -> None:
    assert may_dial(OFFICE, zone, datetime(2026, 6, 2, 15, tzinfo=UTC), 28) == Refused("unknown_zone", repr(zone))


def test_without_windows_nobody_is_called() -> None:
    verdict = may_dial((), "America/Bogota", datetime(2026, 6, 2, 15, tzinfo=UTC), 28)
    assert isinstance(verdict, Refused)
    assert (verdict.rule, verdict.until) == ("outside_window", None)


def test_the_last_call_leaves_room_to_ring() -> None:
    closes = at("America/Bogota", "2026-06-02 19:00")
    last = closes - timedelta(seconds=28 + GUARD_S)
    assert may_dial(OFFICE, "America/Bogota", last, 28) == Allowed()
    assert not allowed(may_dial(OFFICE, "America/Bogota", last + timedelta(milliseconds=1), 28))


def test_after_friday_evening_comes_monday_morning() -> None:
    verdict = may_dial(OFFICE, "America/Bogota", at("America/Bogota", "2026-06-05 19:00"), 28)
    assert verdict == Refused("outside_window", "Fri 19:00 in America/Bogota", at("America/Bogota", "2026-06-08 09:00"))


def test_windows_that_touch_are_one() -> None:
    both = (Window.parse("mon 09:00-13:00"), Window.parse("mon 13:00-18:00"))
    assert may_dial(both, "America/Bogota", at("America/Bogota", "2026-06-01 12:59:50"), 28) == Allowed()


def test_santiago_in_autumn_the_hour_before_midnight_comes_twice() -> None:
    late = (Window.parse("sat 20:00-23:30"),)
    first, second = (at("America/Santiago", "2026-04-04 23:10", fold) for fold in (0, 1))
    between = at("America/Santiago", "2026-04-04 23:40", 0)
    assert second - first == timedelta(hours=1)
    assert [allowed(may_dial(late, "America/Santiago", t, 28)) for t in (first, between, second)] == [True, False, True]


def test_santiago_in_spring_midnight_never_comes() -> None:
    early = (Window.parse("sun 00:30-02:00"),)
    change = datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert may_dial(early, "America/Santiago", change, 28) == Allowed()
    verdict = may_dial(early, "America/Santiago", change - timedelta(seconds=1), 28)
    assert isinstance(verdict, Refused)
    assert verdict.until == change


def test_a_window_that_the_clock_skips_waits_for_next_week() -> None:
    skipped = (Window.parse("sun 00:00-01:00"),)
    verdict = may_dial(skipped, "America/Santiago", datetime(2026, 9, 6, 3, 59, tzinfo=UTC), 28)
    assert isinstance(verdict, Refused)
    assert verdict.until == at("America/Santiago", "2026-09-13 00:00")


def test_the_debtors_day_is_not_ours() -> None:
    now = datetime(2026, 6, 2, 2, tzinfo=UTC)
    assert local_day("America/Bogota", now) == date(2026, 6, 1)
    assert local_day("Europe/Madrid", now) == date(2026, 6, 2)


@given(st.sampled_from(ZONES), st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_a_day_ends_where_the_next_begins(zone: str, day: date) -> None:
    ends = day_ends(zone, day)
    assert local_day(zone, ends) == day + timedelta(days=1)
    assert local_day(zone, ends - timedelta(seconds=1)) == day


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(InputError, match="naive"):
        may_dial(OFFICE, "America/Bogota", datetime(2026, 6, 2, 15), 28)  # noqa: DTZ001


def test_a_day_without_a_zone_is_an_error() -> None:
    with pytest.raises(InputError, match="Nowhere"):
        local_day("Nowhere", datetime(2026, 6, 2, tzinfo=UTC))
