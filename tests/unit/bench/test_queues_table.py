"""What is measured and promised stands beside each other."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from dialer.bench.queues import NOON, QueuesResult, Timing, hours_per_s, limits_of, past_of, rules_per_s, shares
from dialer.bench.queues_table import table
from dialer.types import DialerError

MACHINE = {"cores": 2.0, "busy": 0.5, "load_before": 1.0, "load_after": 1.0}


def test_a_row_tells_what_was_wanted():
    timings = (Timing("lease 100 of 1000", [1.0, 2.0, 9.0]), Timing("reserve one call", [0.25]), Timing("PING", [0.1]))
    console = Console(width=120, record=True, file=StringIO())
    console.print(table(QueuesResult(timings, {"may_dial_per_s_per_core": 400_000}, MACHINE)))
    text = console.export_text()
    assert "2.000" in text
    assert "<= 5" in text
    assert "<= 1" in text
    assert "400,000" in text


def test_nothing_measured_is_said():
    with pytest.raises(DialerError, match="nothing was measured for PING"):
        Timing("PING", []).figures()


def test_debtors_are_judged_some_times_a_second_by_the_shipped_profiles_and_by_hours_alone():
    assert rules_per_s(2_000) > 0
    assert hours_per_s(2_000) > 0


def test_the_reservations_measured_find_room_beside_a_long_past():
    past = list(past_of(7))
    for limit in limits_of(7, NOON, 6):
        inside = [h for h in past if (h.kind, h.key) == (limit.kind, limit.key) and h.at >= limit.since]
        assert len(inside) < limit.most


def test_fifty_segments_of_unequal_weight():
    assert len({share.name for share in shares()}) == 50
    assert len({share.weight for share in shares()}) > 5
