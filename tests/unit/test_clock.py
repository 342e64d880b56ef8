"""The clock of the service: aware, in UTC, never faster than the machine's."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dialer.clock import SystemClock
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
