"""How fast a trunk may be used."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import TokenBucket
from dialer.types import DialerError


def test_a_full_bucket_gives_its_burst_and_then_its_rate() -> None:
    first, bucket = TokenBucket(rate=5, burst=10).take(100, now=0)
    second, _ = bucket.take(100, now=2)
    assert (first, second) == (10, 10)


def test_fractions_are_kept() -> None:
    bucket, granted = TokenBucket(rate=0.25, burst=2), 0
    for second in range(101):
        n, bucket = bucket.take(1, now=second)
        granted += n
    assert granted == 27


def test_what_was_not_placed_can_be_given_back() -> None:
    _, bucket = TokenBucket(rate=1, burst=5).take(5, now=0)
    assert bucket.give_back(2).take(5, now=0)[0] == 2


def test_giving_back_never_fills_more_than_the_burst() -> None:
    assert TokenBucket(rate=1, burst=5).give_back(100).take(100, now=0)[0] == 5


def test_taking_leaves_the_old_bucket_as_it_was() -> None:
    bucket = TokenBucket(rate=1, burst=5)
    assert bucket.take(5, now=0)[0] == bucket.take(5, now=0)[0] == 5


def test_a_clock_that_jumps_back_gives_nothing_and_goes_on_from_there() -> None:
    _, bucket = TokenBucket(rate=1, burst=5).take(5, now=1000)
    at_the_jump, bucket = bucket.take(5, now=10)
    later, _ = bucket.take(5, now=13)
    assert (at_the_jump, later) == (0, 3)


@pytest.mark.parametrize("now", [nan, inf, -inf])
def test_no_time_no_call(now: float) -> None:
    bucket = TokenBucket(rate=1, burst=5)
    assert bucket.take(5, now=now) == (0, bucket)


def test_an_unlimited_bucket_gives_what_is_asked() -> None:
    granted, bucket = TokenBucket(rate=inf, burst=inf).take(7, now=0)
    assert (granted, bucket.take(9, now=0)[0]) == (7, 9)


@pytest.mark.parametrize(("rate", "burst"), [(-1, 1), (1, -1), (nan, 1), (1, nan)])
def test_a_rate_without_sense_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(DialerError, match="0 or more"):
        TokenBucket(rate=rate, burst=burst)


requests = st.lists(st.tuples(st.floats(0, 10), st.integers(-3, 60)), min_size=1, max_size=40)


@given(st.floats(0, 100), st.floats(0, 50), requests)
def test_over_any_interval_never_more_than_rate_and_burst(
    rate: float, burst: float, asked: list[tuple[float, int]]
) -> None:
    bucket, now = TokenBucket(rate, burst), 0.0
    history: list[tuple[float, int]] = []
    for wait, n in asked:
        now += wait
        granted, bucket = bucket.take(n, now)
        history.append((now, granted))
    for first, (start, _) in enumerate(history):
        for last in range(first, len(history)):
            total = sum(granted for _, granted in history[first : last + 1])
            assert total <= rate * (history[last][0] - start) + burst + 1e-6


@given(st.floats(0, 100), st.floats(0, 50), requests)
def test_never_more_than_asked_and_never_negative(rate: float, burst: float, asked: list[tuple[float, int]]) -> None:
    bucket, now = TokenBucket(rate, burst), 0.0
    for wait, n in asked:
        now += wait
        granted, bucket = bucket.take(n, now)
        assert 0 <= granted <= max(n, 0)
