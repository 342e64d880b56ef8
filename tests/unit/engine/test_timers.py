"""Timers on the running loop: named, replaced, forgotten, and fast when business time is."""

from __future__ import annotations

import asyncio

import pytest

from dialer.engine.timers import Timers
from tests.unit.engine.desk import HandClock


class Bell:
    """Rings when it is told to, and can be waited for."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.heard = asyncio.Event()

    def ring(self, name: str) -> None:
        self.rung.append(name)
        self.heard.set()


@pytest.fixture
async def bell() -> Bell:
    return Bell()


@pytest.fixture
async def timers() -> Timers:
    return Timers(HandClock())


async def test_a_timer_fires_once(timers: Timers, bell: Bell):
    timers.start("ring", 0.0, lambda: bell.ring("ring"))
    await bell.heard.wait()
    assert bell.rung == ["ring"]
    timers.cancel("ring")


async def test_a_timer_started_again_replaces_the_old_one(timers: Timers, bell: Bell):
    timers.start("ring", 0.0, lambda: bell.ring("first"))
    timers.start("ring", 0.0, lambda: bell.ring("second"))
    await bell.heard.wait()
    assert bell.rung == ["second"]


async def test_a_timer_that_fires_may_start_itself_again(timers: Timers, bell: Bell):
    timers.start("ring", 0.0, lambda: timers.start("ring", 0.0, lambda: bell.ring("again")))
    await bell.heard.wait()
    assert bell.rung == ["again"]


async def test_cancelled_timers_do_not_fire(timers: Timers, bell: Bell):
    for key in ("one", "two", "three"):
        timers.start(key, 0.0, lambda: bell.ring("never"))
    timers.cancel("one")
    timers.cancel("one")
    timers.close()
    timers.start("last", 0.0, lambda: bell.ring("last"))
    await bell.heard.wait()
    assert bell.rung == ["last"]


async def test_business_seconds_pass_as_fast_as_the_clock(bell: Bell):
    timers = Timers(HandClock(speed=1_000_000.0))
    async with asyncio.timeout(5):
        timers.start("ring", 3600.0, lambda: bell.ring("an hour"))
        await bell.heard.wait()
    assert bell.rung == ["an hour"]
