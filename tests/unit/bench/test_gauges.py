"""What a bench reads off a running engine."""

from __future__ import annotations

import os
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.bench.gauges import MemoryMeter, ProcessorMeter, Scrape, parse, quantile_ms, slope_per_min

TEXT = """# TYPE dialer_lag_seconds histogram
dialer_lag_seconds_bucket{le="0.01",node="a"} 3.0
dialer_lag_seconds_bucket{le="+Inf",node="a"} 4.0
dialer_lag_seconds_bucket{le="0.01",node="b"} 1.0
dialer_lag_seconds_bucket{le="+Inf",node="b"} 1.0
# TYPE dialer_up gauge
dialer_up 1.0
"""


def test_buckets_of_all_labels_are_added_up():
    assert parse(TEXT).buckets == {"dialer_lag_seconds": {0.01: 4.0, inf: 5.0}}


def test_only_what_came_between_two_scrapes_counts():
    before, after = Scrape({"lag": {0.01: 4, inf: 5}}), Scrape({"lag": {0.01: 9, inf: 12}})
    assert after.since(before, "lag") == {0.01: 5, inf: 7}
    assert after.since(Scrape({}), "lag") == {0.01: 9, inf: 12}
    assert after.since(before, "other") == {}


def test_a_quantile_lies_within_its_bucket():
    assert quantile_ms({0.01: 50, 0.02: 100, inf: 100}, 0.75) == 15.0
    assert quantile_ms({0.01: 50, 0.02: 100, inf: 100}, 0.25) == 5.0


def test_beyond_the_last_bound_nothing_is_known_but_the_bound():
    assert quantile_ms({0.01: 1, 5.0: 1, inf: 100}, 0.99) == 5000.0


def test_without_values_there_is_no_quantile():
    assert quantile_ms({}, 0.99) is None
    assert quantile_ms({0.01: 0, inf: 0}, 0.99) is None


@given(counts=st.lists(st.integers(0, 1000), min_size=3, max_size=3), share=st.floats(0.01, 1))
def test_a_quantile_is_never_past_the_bucket_it_fell_in(counts: list[int], share: float):
    bounds = (0.01, 0.02, 0.05)
    summed = {bound: float(sum(counts[: place + 1])) for place, bound in enumerate(bounds)}
    found = quantile_ms({**summed, inf: float(sum(counts))}, share)
    if found is None:
        assert sum(counts) == 0
    else:
        bound = next(bound for bound in bounds if summed[bound] >= share * sum(counts))
        assert 0 <= found <= bound * 1000 + 0.01


def test_memory_that_grows_by_one_megabyte_a_second_grows_by_sixty_a_minute():
    assert slope_per_min([(second, 100.0 + second) for second in range(10)]) == pytest.approx(60)
    assert slope_per_min([(0.0, 100.0), (1.0, 100.0)]) is None


def test_a_meter_sees_this_process():
    memory, processor = MemoryMeter(os.getpid()), ProcessorMeter(os.getpid())
    assert memory.read()[0][1] > 1
    assert processor.read() >= 0
