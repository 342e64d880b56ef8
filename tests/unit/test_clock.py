"""The clocks: aware, in UTC; one is the machine's, the other runs faster from a moment of its own."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from dialer.clock import ScaledClock, SystemClock
from dialer.types import Clock

REPOSITORY = Path(__file__).parents[2]


def test_it_is_a_clock():
    clock: Clock = SystemClock()
    assert clock.speed == 1.0


def test_now_is_aware_and_in_utc():
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(0)
    assert now.tzinfo is UTC


def test_now_is_the_time_of_the_machine():
    before = datetime.now(UTC)  # noqa: TID251 - what the clock is compared with
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)  # noqa: TID251


def test_monotonic_never_goes_back():
    clock = SystemClock()
    times = [clock.monotonic() for _ in range(1000)]
    assert times == sorted(times)


TUESDAY = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)


def test_a_scaled_clock_starts_where_it_is_told_and_runs_faster():
    anchor = SystemClock().now() - timedelta(seconds=30)
    passed = ScaledClock(20.0, TUESDAY, anchor).now() - TUESDAY
    assert timedelta(minutes=10) <= passed < timedelta(minutes=11)


def test_processes_with_the_same_three_values_tell_the_same_time():
    anchor = SystemClock().now()
    one, other = (ScaledClock(200.0, TUESDAY, anchor) for _ in range(2))
    first, between, last = one.now(), other.now(), one.now()
    assert first <= between <= last


def test_a_scaled_clock_is_a_clock_whose_deadlines_are_not_scaled():
    clock: Clock = ScaledClock(20.0, TUESDAY, SystemClock().now())
    before = SystemClock().monotonic()
    assert clock.speed == 20.0
    assert before <= clock.monotonic() <= SystemClock().monotonic()


def test_a_scaled_clock_answers_in_utc_whatever_its_moments_are_written_in():
    zone = timezone(timedelta(hours=-3))
    now = ScaledClock(1.0, TUESDAY.astimezone(zone), SystemClock().now().astimezone(zone)).now()
    assert now.tzinfo is UTC


def test_nobody_else_reads_the_time():
    """The linter bans two ways; these are the others."""
    readers = []
    for folder in ("dialer", "campaigns", "recordings"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)]
            names = {f"{node.value.id}.{node.attr}" for node in calls if isinstance(node.value, ast.Name)}
            if names & {"time.time", "time.time_ns", "datetime.now", "datetime.today", "date.today", "datetime.utcnow"}:
                readers.append(path.relative_to(REPOSITORY).as_posix())
    assert readers == ["dialer/clock.py"]
