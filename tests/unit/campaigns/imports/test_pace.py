"""Chunks grow while the database is quick, and shrink when it is not."""

from __future__ import annotations

import pytest

from campaigns.imports import pace as module
from campaigns.imports.pace import LIMIT_S, WANTED_S, Pace


class Watch:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.mark.parametrize("row_s", [0.00005, 0.0005, 0.002])
def test_a_chunk_comes_to_take_the_wanted_time(watch: Watch, row_s: float):
    pace = Pace()
    for _ in range(50):
        with pace.timed():
            watch.now += pace.rows * row_s
    assert pace.seconds[-1] <= WANTED_S * 1.2 < LIMIT_S
    assert pace.rows == 1_000 or pace.rows >= WANTED_S / row_s * 0.7


def test_a_slow_chunk_makes_the_next_one_smaller(watch: Watch):
    pace = Pace(rows=1_000)
    with pace.timed():
        watch.now += 1.0
    assert pace.rows < 600


def test_a_chunk_is_measured_by_the_rows_it_has(watch: Watch):
    """The next one's size may be chosen before this one is written."""
    pace = Pace(rows=1_000)
    with pace.timed(100):
        watch.now += WANTED_S
    assert pace.rows == 550


async def test_nobody_is_let_in_where_nobody_is_kept_out(watch: Watch, monkeypatch: pytest.MonkeyPatch):
    rested: list[float] = []

    async def sleep(seconds: float) -> None:
        rested.append(seconds)

    monkeypatch.setattr("campaigns.imports.pace.asyncio.sleep", sleep)
    for pace in (Pace(), Pace.beside_others()):
        with pace.timed(10):
            watch.now += 0.1
        await pace.rest()
    assert rested == [0.01]


def test_figures_name_the_longest(watch: Watch):
    pace = Pace()
    for took in (0.01, 0.02, 0.5):
        with pace.timed():
            watch.now += took
    assert pace.figures() == {"chunks": 3, "p50_ms": 20.0, "p99_ms": 500.0, "max_ms": 500.0}
