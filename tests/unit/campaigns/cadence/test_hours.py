"""At which hour a debtor is called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from campaigns.cadence import NO_RATES, HourRate, Rates, Try, best_moment, week_hour, whole_hours
from dialer.config import Window
from dialer.types import Outcome

TUESDAY_10 = datetime(2026, 6, 2, 15, 0, tzinfo=UTC)
BOGOTA = ZoneInfo("America/Bogota")
TWO_DAYS = timedelta(hours=48)
EVENINGS = Rates(
    {day * 24 + hour: HourRate(100, 40 if hour == 18 else 20) for day in range(7) for hour in range(8, 20)}
)


def local(moment: datetime) -> str:
    return moment.astimezone(BOGOTA).strftime("%a %H:%M")


def chosen(*tries: Try, floor: datetime = TUESDAY_10, rates: Rates = EVENINGS, **how: object) -> str:
    return local(best_moment(floor, TWO_DAYS, tries, rates, zone=BOGOTA, **how))  # type: ignore[arg-type]


def test_the_campaigns_best_hour_within_the_look_ahead_is_taken():
    assert chosen() == "Tue 18:00"


def test_the_earliest_of_equals_is_taken():
    flat = Rates({hour: HourRate(10, 3) for hour in range(168)})
    floor = TUESDAY_10 + timedelta(minutes=17)
    assert chosen(floor=floor, rates=flat) == "Tue 10:17"


def test_a_debtor_who_answers_in_the_morning_is_called_in_the_morning():
    answered = Try(1, TUESDAY_10 - timedelta(days=7), Outcome.EARLY_HANGUP)
    assert chosen(*[answered] * 6, floor=TUESDAY_10 + timedelta(hours=2)) == "Wed 10:00"


def test_hours_outside_the_windows_are_never_chosen():
    mornings = ((Window.parse("mon-fri 09:00-12:00"),),)
    assert chosen(open_hours=whole_hours(mornings)) == "Tue 10:00"


def test_windows_of_campaign_and_segment_must_both_be_open():
    both = ((Window.parse("mon-fri 09:00-20:00"),), (Window.parse("wed 17:30-20:00"),))
    assert chosen(open_hours=whole_hours(both)) == "Wed 18:00"


def test_an_hour_open_in_part_is_not_open():
    assert whole_hours([[Window.parse("mon-mon 09:30-12:30")]]) == frozenset({10, 11})


def test_where_the_clocks_change_hours_are_still_the_debtors():
    saturday = datetime(2026, 4, 4, 12, tzinfo=UTC)
    only = frozenset({6 * 24 + 18})  # Sunday at six, after the change of that night
    santiago = ZoneInfo("America/Santiago")
    moment = best_moment(saturday, TWO_DAYS, [], EVENINGS, zone=santiago, open_hours=only)
    assert moment.astimezone(santiago).strftime("%a %H:%M") == "Sun 18:00"


def test_without_windows_the_hours_never_called_are_not_chosen():
    rates = Rates({32 + 24: HourRate(300, 30)})  # Wednesday at eight
    assert chosen(rates=rates) == "Wed 08:00"


def test_nothing_open_ahead_leaves_the_floor():
    sundays = ((Window.parse("sun 09:00-12:00"),),)
    assert chosen(open_hours=whole_hours(sundays)) == "Tue 10:00"


def test_little_history_leaves_the_floor():
    assert chosen(rates=NO_RATES) == "Tue 10:00"
    assert chosen(rates=Rates({56: HourRate(199, 100)})) == "Tue 10:00"


def test_no_look_ahead_leaves_the_floor():
    assert best_moment(TUESDAY_10, timedelta(), [], EVENINGS, zone=BOGOTA) == TUESDAY_10


def test_luck_tries_other_hours_too_and_is_the_same_for_the_same_number():
    lucky = [chosen(luck=number / 100) for number in range(100)]
    assert lucky == [chosen(luck=number / 100) for number in range(100)]
    assert len(set(lucky)) > 10
    assert sum("18:00" in each for each in lucky) > len(lucky) / len(set(lucky))


@given(
    st.timedeltas(timedelta(), timedelta(days=360)),
    st.sampled_from(["UTC", "America/Bogota", "America/Santiago", "Asia/Kolkata", "America/St_Johns"]),
    st.integers(0, 72),
    st.none() | st.floats(0, 1),
)
def test_the_floor_is_a_floor_and_the_look_ahead_an_end(later: timedelta, zone: str, hours: int, luck: float | None):
    floor, ahead = TUESDAY_10 + later, timedelta(hours=hours)
    moment = best_moment(floor, ahead, [], EVENINGS, zone=ZoneInfo(zone), luck=luck)
    assert floor <= moment <= floor + ahead
    assert moment == floor or moment.astimezone(ZoneInfo(zone)).minute == 0
    assert moment == floor or 8 <= week_hour(moment, ZoneInfo(zone)) % 24 < 20
