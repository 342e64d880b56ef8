"""Every schedule, every zone and every holiday must agree before a phone rings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.compliance.hours import Opening, parse_opening
from campaigns.compliance.timetable import Schedule, Shut, Timetable
from dialer.types import Allowed, InputError, Refused
from tests.unit.campaigns.compliance.office import at

ZONES = (
    "America/Santiago",
    "America/Bogota",
    "America/New_York",
    "America/Havana",
    "America/Noronha",
    "Europe/Madrid",
    "Atlantic/Canary",
    "Australia/Lord_Howe",
    "Pacific/Easter",
)

quarter = st.integers(0, 96).map(lambda q: q * 15)


@st.composite
def openings(draw: st.DrawFn) -> Opening:
    first, last = sorted((draw(st.integers(0, 6)), draw(st.integers(0, 6))))
    opens, closes = sorted(draw(st.lists(quarter, min_size=2, max_size=2, unique=True)))
    return Opening(frozenset(range(first, last + 1)), opens, closes)


schedules = st.lists(openings(), min_size=1, max_size=3).map(lambda drawn: Schedule("x", "r", tuple(drawn)))
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
near_change = st.builds(lambda c, m: c + timedelta(minutes=m), changes, st.integers(-1500, 1500))
any_minute = st.integers(0, 525_600).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))
instants = st.one_of(near_change, any_minute)
zones = st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True).map(tuple)


def shut_on(days: set[date]) -> tuple[Shut, ...]:
    return (Shut("x", lambda day: "feast" if day in days else ""),)


def oracle(drawn: list[Schedule], names: tuple[str, ...], days: set[date], now: datetime, minutes: int) -> bool:
    """A call of n minutes is right when in each minute every clock is inside an opening of every schedule."""

    def right(instant: datetime) -> bool:
        walls = [instant.astimezone(ZoneInfo(name)) for name in names]
        return all(
            wall.date() not in days
            and all(
                any(
                    wall.weekday() in o.days and o.opens <= wall.hour * 60 + wall.minute < o.closes
                    for o in schedule.openings
                )
                for schedule in drawn
            )
            for wall in walls
        )

    return all(right(now + timedelta(minutes=m)) for m in range(minutes))


@settings(max_examples=1200, deadline=None)
@given(st.lists(schedules, min_size=1, max_size=3), zones, instants, st.integers(1, 60), st.sets(st.integers(-2, 2)))
def test_agrees_with_every_clock_minute_by_minute(
    drawn: list[Schedule], names: tuple[str, ...], now: datetime, minutes: int, shut: set[int]
) -> None:
    days = {(now + timedelta(days=offset)).date() for offset in shut}
    table = Timetable(tuple(drawn), shut_on(days))
    assert table.open_for(names, now, minutes * 60) == oracle(drawn, names, days, now, minutes)


@settings(max_examples=200, deadline=None)
@given(st.lists(schedules, min_size=1, max_size=2), zones, instants, st.sets(st.integers(-1, 3)))
def test_the_next_opening_is_the_first_minute_that_is_right(
    drawn: list[Schedule], names: tuple[str, ...], now: datetime, shut: set[int]
) -> None:
    days = {(now + timedelta(days=offset)).date() for offset in shut}
    verdict = Timetable(tuple(drawn), shut_on(days)).may_dial(names, now, 60)
    if isinstance(verdict, Refused) and verdict.until is not None:
        assert oracle(drawn, names, days, verdict.until, 1)
        minutes = min((verdict.until - now) // timedelta(minutes=1), 4000)
        assert not any(oracle(drawn, names, days, now + timedelta(minutes=m), 1) for m in range(0, minutes, 5))


def table(*lines: str, shut: tuple[Shut, ...] = ()) -> Timetable:
    return Timetable((Schedule("co", "CO-01", tuple(parse_opening(line) for line in lines)),), shut)


def test_without_a_schedule_nothing_is_open() -> None:
    verdict = Timetable(()).may_dial(("America/Bogota",), datetime(2026, 6, 2, 15, tzinfo=UTC), 38)
    assert verdict == Refused("outside_window", "no profile and no campaign opens any hour", None)


def test_a_day_may_end_at_midnight() -> None:
    late = table("mon-sun 00:00-24:00")
    assert late.may_dial(("America/Bogota",), at("America/Bogota", "2026-06-02 23:59:59"), 3600) == Allowed()


def test_a_refusal_names_who_allows_what() -> None:
    verdict = table("mon-fri 07:00-19:00", "sat 08:00-15:00").may_dial(
        ("America/Bogota",), at("America/Bogota", "2026-06-06 15:00"), 38
    )
    assert verdict == Refused(
        "outside_window",
        "Sat 15:00 in America/Bogota; co (CO-01) allows sat 08:00-15:00",
        at("America/Bogota", "2026-06-08 07:00"),
    )


def test_a_holiday_is_told_by_its_name() -> None:
    feast = Shut("co", lambda day: "Independence Day (CO)" if day == date(2026, 7, 20) else "")
    verdict = table("mon-fri 07:00-19:00", shut=(feast,)).may_dial(
        ("America/Bogota",), at("America/Bogota", "2026-07-20 10:00"), 38
    )
    assert verdict == Refused(
        "holiday",
        "Mon 2026-07-20 in America/Bogota: co: Independence Day (CO)",
        at("America/Bogota", "2026-07-21 07:00"),
    )


def test_a_call_that_would_ring_past_the_close_is_late() -> None:
    verdict = table("mon 09:00-09:10").may_dial(("America/Bogota",), at("America/Bogota", "2026-06-01 09:01"), 601)
    assert isinstance(verdict, Refused)
    assert verdict.until is None


def test_clocks_that_never_agree_are_no_hour_at_all() -> None:
    verdict = table("mon-fri 09:00-11:00").may_dial(
        ("Europe/Madrid", "America/Bogota"), at("Europe/Madrid", "2026-06-02 09:30"), 38
    )
    assert isinstance(verdict, Refused)
    assert verdict.until is None


def test_after_weeks_of_holidays_the_next_opening_is_still_found() -> None:
    strike = Shut("co", lambda day: "strike" if date(2026, 6, 1) <= day < date(2026, 7, 7) else "")
    verdict = table("mon 09:00-19:00", shut=(strike,)).may_dial(
        ("America/Bogota",), at("America/Bogota", "2026-06-01 10:00"), 38
    )
    assert isinstance(verdict, Refused)
    assert verdict.until == at("America/Bogota", "2026-07-13 09:00")


def test_a_zone_nobody_knows_is_an_error() -> None:
    with pytest.raises(InputError, match="Nowhere"):
        table("mon 09:00-10:00").may_dial(("Nowhere",), datetime(2026, 6, 2, 15, tzinfo=UTC), 38)
