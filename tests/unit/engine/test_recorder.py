"""Finished recordings: wrapped, registered, and only then the raw file goes; a living call's file is never touched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dialer.engine import recorder as recorder_module
from dialer.engine.keeper import Part
from dialer.engine.recorder import MAX_WAITING, MOST_DEATHS, Recorder, until_stored
from dialer.types import Unavailable
from recordings.models import Recording
from tests.unit.engine.desk import HandClock, a_config, a_moment

CALL = "t" + "a" * 26
AUDIO = b"\x01\x00\x02\x00" * 800


class HereAndNow(Executor):
    """Runs the worker's part in this process; may die of it."""

    deaths: ClassVar[dict[str, int]] = {}

    def __init__(self, *_: object, **__: object) -> None:
        self.ran: list[str] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        call_id = fn.args[2] if isinstance(fn, partial) else ""
        if HereAndNow.deaths.get(call_id):
            HereAndNow.deaths[call_id] -= 1
            raise BrokenExecutor("the worker was killed")
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as exc:
            done.set_exception(exc)
        return done


class Shelf:
    """The books, as far as recordings go."""

    def __init__(self, raw: Path) -> None:
        self.kept: list[Recording] = []
        self.raw = raw
        self.raw_was_there: list[bool] = []
        self.away = 0

    async def keep_recordings(self, recordings: Sequence[Recording]) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("away")
        self.raw_was_there.append(self.raw.exists())
        self.kept += recordings


class Studio:
    """A recorder with its folders."""

    def __init__(self, folder: Path, **recordings: Any) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.spool.mkdir()
        node = {"name": "a1", "recordings_dir": self.spool}
        config = a_config(nodes=(node,), recordings={"dir": folder / "kept", "min_free_mb": 0, **recordings})
        self.shelf = Shelf(self.raw())
        self.disk = Part("recordings")
        self.recorder = Recorder(config, HandClock(), self.shelf, self.disk)
        self.stored: list[str] = []
        self.missing: list[tuple[str, str]] = []
        self.recorder.on_stored = lambda call_id, path: self.stored.append(path)
        self.recorder.on_missing = lambda call_id, flag: self.missing.append((call_id, flag))

    def raw(self, call_id: str = CALL) -> Path:
        return self.spool / f"{call_id}.raw"

    @property
    def kept(self) -> list[str]:
        return [str(path) for path in self.folder.rglob("*.flac")]

    async def works(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.recorder.run())
            await a_moment()
            running.cancel()


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setattr(recorder_module, "ProcessPoolExecutor", HereAndNow)
    monkeypatch.setattr(recorder_module, "RETRY_S", 0.0)
    monkeypatch.setattr(recorder_module, "GATHER_S", 0.0)
    yield Studio(tmp_path)
    HereAndNow.deaths.clear()


async def test_a_conversation_becomes_a_file_in_the_books(studio: Studio):
    studio.raw().write_bytes(AUDIO)
    studio.recorder.keep("a1", CALL, len(AUDIO))
    await studio.works()
    (row,) = studio.shelf.kept
    assert (row.call_id, row.state, row.seconds, row.detail) == (CALL, "stored", 0.1, "")
    assert studio.stored == [row.path]
    assert studio.kept == [row.path]


async def test_the_raw_file_goes_only_when_the_books_have_the_recording(studio: Studio):
    """A kill in between must leave something that the next sweep finds."""
    studio.raw().write_bytes(AUDIO)
    studio.recorder.keep("a1", CALL, None)
    await studio.works()
    assert studio.shelf.raw_was_there == [True]
    assert not studio.raw().exists()


async def test_a_database_away_is_waited_out(studio: Studio):
    studio.shelf.away = 3
    studio.raw().write_bytes(AUDIO)
    studio.recorder.keep("a1", CALL, None)
    await studio.works()
    assert [row.state for row in studio.shelf.kept] == ["stored"]


async def test_an_ended_conversation_without_audio_raises_the_alarm(studio: Studio):
    studio.recorder.keep("a1", CALL, 3200)
    await studio.works()
    assert studio.missing == [(CALL, "recording_missing")]
    assert [row.state for row in studio.shelf.kept] == ["missing"]


async def test_audio_that_turns_up_late_is_kept_all_the_same(studio: Studio):
    studio.recorder.keep("a1", CALL, 3200)
    await studio.works()
    studio.raw().write_bytes(AUDIO)
    assert studio.recorder.sweep("a1", lambda call_id: False) == 1
    await studio.works()
    assert [row.state for row in studio.shelf.kept] == ["missing", "stored"]


async def test_audio_without_sound_is_told_once_and_kept(studio: Studio):
    studio.raw().write_bytes(b"\x00")
    studio.recorder.keep("a1", CALL, 1)
    await studio.works()
    assert studio.missing == [(CALL, "recording_failed")]
    assert studio.raw().exists()
    assert studio.recorder.sweep("a1", lambda call_id: False) == 0


# The sweep.


async def test_the_sweep_never_touches_a_living_call(studio: Studio):
    living, ended = "t" + "l" * 26, "t" + "e" * 26
    studio.raw(living).write_bytes(AUDIO)
    studio.raw(ended).write_bytes(AUDIO)
    assert studio.recorder.sweep("a1", lambda call_id: call_id == living) == 1
    await studio.works()
    assert studio.raw(living).read_bytes() == AUDIO
    assert [row.call_id for row in studio.shelf.kept] == [ended]


async def test_what_is_being_kept_is_not_swept_too(studio: Studio):
    studio.raw().write_bytes(AUDIO)
    studio.recorder.keep("a1", CALL, None)
    studio.recorder.sweep("a1", lambda call_id: False)
    assert studio.recorder.waiting == 1


async def test_a_swept_file_that_is_gone_again_is_no_alarm(studio: Studio):
    studio.raw().write_bytes(AUDIO)
    studio.recorder.sweep("a1", lambda call_id: False)
    studio.raw().unlink()
    await studio.works()
    assert (studio.missing, studio.shelf.kept) == ([], [])


async def test_a_folder_that_is_not_there_holds_nothing(studio: Studio):
    studio.spool.rmdir()
    assert studio.recorder.sweep("a1", lambda call_id: False) == 0


async def test_what_the_queue_does_not_take_the_sweep_finds(studio: Studio):
    for number in range(MAX_WAITING):
        studio.recorder.keep("a1", str(number), None)
    studio.recorder.keep("a1", CALL, None)
    assert studio.recorder.waiting == MAX_WAITING


# Workers die.


async def test_a_worker_that_dies_is_replaced_and_its_job_done(studio: Studio):
    HereAndNow.deaths[CALL] = 1
    studio.raw().write_bytes(AUDIO)
    studio.recorder.keep("a1", CALL, None)
    await studio.works()
    assert [row.state for row in studio.shelf.kept] == ["stored"]


async def test_a_recording_that_kills_every_worker_is_left_alone(studio: Studio):
    HereAndNow.deaths[CALL] = MOST_DEATHS
    other = "t" + "b" * 26
    for call_id in (CALL, other):
        studio.raw(call_id).write_bytes(AUDIO)
        studio.recorder.keep("a1", call_id, None)
    await studio.works()
    assert studio.raw().exists()
    assert {row.call_id: row.state for row in studio.shelf.kept} == {CALL: "failed", other: "stored"}


# The disk.


def test_a_disk_without_room_is_told_with_its_remedy(tmp_path: Path):
    studio = Studio(tmp_path, min_free_mb=10**9)
    studio.recorder.check_disk()
    assert "make room" in (studio.disk.detail or "")


def test_a_disk_with_room_is_well_again(tmp_path: Path):
    studio = Studio(tmp_path)
    studio.disk.failed("full")
    studio.recorder.check_disk()
    assert studio.disk.ok


async def test_storing_ends_with_success_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recorder_module, "RETRY_S", 0.0)
    monkeypatch.setattr(recorder_module, "GATHER_S", 0.0)
    answers: list[Exception | None] = [Unavailable("away"), Unavailable("away"), None]

    async def store() -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    await until_stored(store)
    assert answers == []
