"""When things happen: by the loop at the clock's speed, or in virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from dialer.simulation.schedule import LoopScheduler, VirtualScheduler


class FastClock:
    speed = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 3, 3, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def time() -> VirtualScheduler:
    return VirtualScheduler()


def test_what_is_due_happens_in_order_at_its_moment(time: VirtualScheduler):
    start, seen = time.now(), []
    for seconds in (3, 1, 2):
        time.later(seconds, lambda seconds=seconds: seen.append((seconds, time.now() - start)))  # type: ignore[misc]
    time.forward(2)
    assert seen == [(1, timedelta(seconds=1)), (2, timedelta(seconds=2))]


def test_what_is_planned_on_the_way_happens_too(time: VirtualScheduler):
    seen: list[str] = []

    def first() -> None:
        time.later(1, lambda: seen.append("second"))

    time.later(1, first)
    time.forward(2)
    assert seen == ["second"]


def test_what_is_cancelled_does_not_happen(time: VirtualScheduler):
    seen: list[str] = []
    time.later(1, lambda: seen.append("x")).cancel()
    time.forward(2)
    assert seen == []


def test_nothing_happens_before_time_moves(time: VirtualScheduler):
    seen: list[str] = []
    time.later(0, lambda: seen.append("x"))
    assert seen == []
    time.forward()
    assert seen == ["x"]


@pytest.mark.parametrize("seconds", [0.0, 20.0])
async def test_the_loop_runs_at_the_clocks_speed(seconds: float):
    done = asyncio.Event()
    LoopScheduler(FastClock(), asyncio.get_running_loop()).later(seconds, done.set)
    async with asyncio.timeout(5):
        await done.wait()
