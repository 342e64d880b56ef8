"""New calls stop when a node is slow, and go on when it has recovered; its clock may be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.ami.load import ACK_WINDOW_S, LAG_FRESH_S, Load
from dialer.config import AmiConfig

LIMITS = AmiConfig(shed_event_lag_s=0.5, shed_ack_p99_s=0.25, shed_outstanding=3)


def load_with_clock(ahead_s: float = 0.0) -> Load:
    load = Load()
    load.clock.pong(node_time=1000.0 + ahead_s, round_trip_s=0.002, now=1000.001)
    return load


@pytest.mark.parametrize("ahead_s", [0.0, 3600.0, -3600.0])
def test_a_fresh_event_has_no_lag_though_the_node_s_clock_is_off(ahead_s):
    load = load_with_clock(ahead_s)
    load.event(1010.0 + ahead_s, now=1010.001)
    assert load.event_lag_s(1010.001) == pytest.approx(0.001, abs=1e-6)


def test_a_late_event_stops_new_calls():
    load = load_with_clock()
    load.event(1010.0, now=1010.6)
    assert "event lag 0.600 s" in (load.shed_reason(LIMITS, 1010.6) or "")


def test_the_lag_of_an_old_event_is_forgotten():
    load = load_with_clock()
    load.event(1010.0, now=1010.6)
    assert load.shed_reason(LIMITS, 1010.6 + LAG_FRESH_S + 0.01) is None


def test_nothing_is_late_while_the_node_s_clock_is_unknown():
    load = Load()
    load.event(5.0, now=1000.0)
    assert load.event_lag_s(1000.0) == 0.0


def test_the_quickest_pong_tells_the_clock_best():
    load = Load()
    load.clock.pong(node_time=1000.0, round_trip_s=0.8, now=1000.8)
    load.clock.pong(node_time=1001.0, round_trip_s=0.002, now=1001.001)
    load.clock.pong(node_time=1002.0, round_trip_s=0.9, now=1002.9)
    assert load.clock.age_s(1003.0, now=1003.0) == pytest.approx(0.0, abs=1e-6)


def test_slow_acknowledgements_stop_new_calls_until_they_have_aged():
    load = load_with_clock()
    load.acked(0.3, now=1000.0)
    assert "acknowledged after 0.300 s" in (load.shed_reason(LIMITS, 1000.0) or "")
    assert load.shed_reason(LIMITS, 1000.0 + ACK_WINDOW_S + 0.01) is None


def test_one_slow_acknowledgement_among_hundreds_is_no_reason():
    load = load_with_clock()
    for _ in range(199):
        load.acked(0.001, now=1000.0)
    load.acked(2.0, now=1000.0)
    assert load.shed_reason(LIMITS, 1000.0) is None


def test_too_many_unfinished_originates_stop_new_calls_until_one_is_over():
    load = load_with_clock()
    for call in ("t1", "t2", "t3"):
        load.originated(call)
    assert "3 Originates" in (load.shed_reason(LIMITS, 1000.0) or "")
    load.finished("t2")
    assert load.shed_reason(LIMITS, 1000.0) is None


@given(st.lists(st.floats(0, 10), min_size=1, max_size=300))
def test_the_percentile_is_one_of_the_times_and_at_most_one_in_a_hundred_is_over_it(times):
    load = Load()
    for took in times:
        load.acked(took, now=1.0)
    p99 = load.ack_p99_s(1.0)
    assert p99 in times
    assert sum(took > p99 for took in times) <= len(times) // 100
