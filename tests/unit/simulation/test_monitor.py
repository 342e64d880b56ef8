"""Recordings of the simulated node: as long as time that passed, whole at the end, partial after a crash."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.simulation.monitor import VoiceMonitor
from dialer.simulation.ports import Voices
from dialer.simulation.voices import FRAME_BYTES, RATE_HZ

VOICES = Voices(left_seed=5, right_seed=2)
SECOND = RATE_HZ * FRAME_BYTES


class Room:
    """A monitor, and the time it sees."""

    def __init__(self) -> None:
        self.now = 100.0
        self.monitor = VoiceMonitor(lambda: self.now)


@pytest.fixture
def room() -> Room:
    return Room()


def test_a_recording_exists_from_its_first_moment(room: Room, tmp_path: Path):
    room.monitor.start("c1", tmp_path / "dialer" / "c1.raw", VOICES)
    assert (tmp_path / "dialer" / "c1.raw").stat().st_size == 0
    assert room.monitor.running == 1


def test_the_length_is_the_time_that_passed(room: Room, tmp_path: Path):
    room.monitor.start("c1", tmp_path / "c1.raw", VOICES)
    room.now += 45.5
    assert room.monitor.stop("c1") == 45.5 * SECOND == (tmp_path / "c1.raw").stat().st_size
    assert room.monitor.running == 0


def test_both_sides_are_heard(room: Room, tmp_path: Path):
    room.monitor.start("c1", tmp_path / "c1.raw", VOICES)
    room.now += 20
    room.monitor.stop("c1")
    samples = np.fromfile(tmp_path / "c1.raw", dtype="<i2").astype(np.float64)
    assert min(np.sqrt(np.mean(samples[side::2] ** 2)) for side in (0, 1)) > 1000


def test_writing_in_between_changes_nothing(tmp_path: Path):
    often, once = Room(), Room()
    for room, name in ((often, "often"), (once, "once")):
        room.monitor.start("c1", tmp_path / name, VOICES)
    for _ in range(30):
        often.now += 0.7
        often.monitor.write()
    once.now = often.now
    assert often.monitor.stop("c1") == once.monitor.stop("c1")
    assert (tmp_path / "once").read_bytes() == (tmp_path / "often").read_bytes()


@given(steps=st.lists(st.floats(0, 30), max_size=8))
def test_a_file_never_ends_within_a_frame(steps: list[float], tmp_path_factory: pytest.TempPathFactory):
    room, path = Room(), tmp_path_factory.mktemp("raw") / "c.raw"
    room.monitor.start("c", path, VOICES)
    for step in steps:
        room.now += step
        room.monitor.write()
        assert path.stat().st_size % FRAME_BYTES == 0
    assert room.monitor.stop("c") == path.stat().st_size == int((room.now - 100.0) * RATE_HZ) * FRAME_BYTES


def test_a_crash_leaves_what_was_written(room: Room, tmp_path: Path):
    room.monitor.start("c1", tmp_path / "c1.raw", VOICES)
    room.now += 4
    room.monitor.write()
    room.now += 1
    room.monitor.lost()
    room.now += 9
    room.monitor.write()
    assert (tmp_path / "c1.raw").stat().st_size == 4 * SECOND
    assert room.monitor.stop("c1") == 0


async def test_a_file_grows_while_somebody_writes_on(tmp_path: Path):
    room = Room()
    room.monitor.start("c1", tmp_path / "c1.raw", VOICES)
    room.now += 3
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await room.monitor.write_on()
    assert room.monitor.size(tmp_path / "c1.raw") == 3 * SECOND


def test_what_never_was_has_no_size(room: Room, tmp_path: Path):
    assert room.monitor.size(tmp_path / "none.raw") is None
    assert room.monitor.stop("nobody") == 0


def test_a_disk_that_refuses_is_no_end_of_the_call(room: Room, tmp_path: Path):
    (tmp_path / "file").write_text("")
    room.monitor.start("c1", tmp_path / "file" / "c1.raw", VOICES)
    assert room.monitor.stop("c1") == 0
