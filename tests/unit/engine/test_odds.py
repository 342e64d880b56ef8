"""Who answers when: learned from the past, careful where there is little of it."""

from __future__ import annotations

from datetime import timedelta
from math import isnan

from hypothesis import given
from hypothesis import strategies as st

from campaigns.history import HourRate
from dialer.engine.odds import FEWEST, AnswerOdds, local_hour
from tests.unit.engine.desk import NOON

ZONE = "America/Argentina/Buenos_Aires"
HOUR = local_hour(ZONE, int(NOON.timestamp()) // 900)


def test_too_little_past_claims_nothing():
    assert isnan(AnswerOdds.of_history({("alta", HOUR): HourRate(FEWEST - 1, 50)}).at("alta", ZONE, NOON))


def test_each_segment_has_its_own_rate_and_each_hour_its_own():
    past = {
        ("alta", HOUR): HourRate(4000, 1600),
        ("alta", HOUR + 1): HourRate(4000, 400),
        ("baja", HOUR): HourRate(4000, 80),
    }
    odds = AnswerOdds.of_history(past)
    assert abs(odds.at("alta", ZONE, NOON) - 0.40) < 0.01
    assert abs(odds.at("alta", ZONE, NOON + timedelta(hours=1)) - 0.10) < 0.01
    assert abs(odds.at("baja", ZONE, NOON) - 0.02) < 0.01


def test_an_hour_never_called_has_its_segments_rate_and_an_unknown_segment_the_campaigns():
    odds = AnswerOdds.of_history({("alta", HOUR): HourRate(1000, 400), ("baja", HOUR): HourRate(1000, 100)})
    night = NOON + timedelta(hours=9)
    assert abs(odds.at("alta", ZONE, night) - 0.4) < 0.01
    assert odds.at("nueva", ZONE, night) == 0.25


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.integers(0, 23)), st.tuples(st.integers(0, 500), st.floats(0, 1))
    )
)
def test_odds_are_probabilities_or_unknown(past: dict[tuple[str, int], tuple[int, float]]):
    odds = AnswerOdds.of_history({key: HourRate(placed, int(placed * share)) for key, (placed, share) in past.items()})
    for segment in "abcd":
        at = odds.at(segment, ZONE, NOON)
        assert isnan(at) or 0 <= at <= 1
