"""Finished recordings: wrapped in a process of their own, summed, stored; a missing one raises an alarm."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from dialer import metrics
from dialer.config import Config
from dialer.engine.keeper import Part
from dialer.types import Clock, Unavailable
from recordings.files import RecordingError, Wrapped, discard, free_mb, wrap
from recordings.models import Recording, RecordingState

log = structlog.get_logger("dialer.recorder")

MAX_WAITING = 5_000
RETRY_S = 2.0
GATHER_S = 0.5
MOST_AT_ONCE = 50
MOST_DEATHS = 3
"""After so many workers died of one recording it is left as it is, so that the others get their turn."""


@dataclass(frozen=True, slots=True)
class Job:
    """One finished conversation: `size` is what Asterisk said on closing, None when it never said.

    `swept` means that the file was found lying about, not that a conversation asked for it. `deaths` counts the
    workers that died of it.
    """

    node: str
    call_id: str
    size: int | None
    swept: bool = False
    deaths: int = 0


class Shelf(Protocol):
    """Where recordings are registered."""

    async def keep_recordings(self, recordings: Sequence[Recording]) -> None:
        """Register what is known of these calls' recordings, all or none; idempotent by call_id."""
        ...


class Recorder:
    """Takes jobs without waiting; `run` wraps them one by one in a worker process."""

    def __init__(self, config: Config, clock: Clock, shelf: Shelf, disk: Part) -> None:
        self._config = config
        self._clock = clock
        self._shelf = shelf
        self._disk = disk
        self._jobs: asyncio.Queue[Job] = asyncio.Queue(MAX_WAITING)
        self.on_stored: Callable[[str, str], None] = lambda call_id, path: None
        self.on_missing: Callable[[str, str], None] = lambda call_id, flag: None
        self._pending: set[str] = set()
        self._given_up: set[str] = set()

    @property
    def waiting(self) -> int:
        """Return how many recordings are not wrapped yet."""
        return len(self._pending)

    def keep(self, node: str, call_id: str, size: int | None) -> None:
        """Ask for one recording to be wrapped; a full queue leaves it to the sweep of raw files."""
        self._ask(Job(node, call_id, size))

    def sweep(self, node: str, alive: Callable[[str], bool]) -> int:
        """Ask for every raw file left behind on a node, by a crash or a full queue; return how many."""
        folder = self._config.node(node).recordings_dir
        found = [path.stem for path in folder.glob("*.raw")] if folder.is_dir() else []
        left = [call_id for call_id in found if not alive(call_id) and call_id not in self._given_up]
        for call_id in left:
            self._ask(Job(node, call_id, None, swept=True))
        return len(left)

    def _ask(self, job: Job) -> None:
        if job.call_id in self._pending:
            return
        try:
            self._jobs.put_nowait(job)
            self._pending.add(job.call_id)
        except asyncio.QueueFull:
            log.warning("recording left for the sweep", call_id=job.call_id)

    def check_disk(self) -> None:
        """Note whether there is room for recordings; without it no call is placed."""
        wanted = self._config.recordings.min_free_mb
        for folder in {self._config.recordings_dir, *(node.recordings_dir for node in self._config.nodes)}:
            free = free_mb(folder)
            if free < wanted:
                detail = f"{folder} has {free:.0f} MB free, recordings.min_free_mb asks for {wanted}; make room"
                self._disk.failed(detail)
                return
        self._disk.works()

    async def run(self) -> None:
        """Wrap for ever; a worker that dies is replaced and its job tried again."""
        context = multiprocessing.get_context("spawn")
        while True:
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                try:
                    await self._work(pool)
                except BrokenExecutor:
                    log.exception("recording worker died")
                    await asyncio.sleep(RETRY_S)

    async def _work(self, pool: ProcessPoolExecutor) -> None:
        while True:
            jobs = [await self._jobs.get()]
            # A moment's recordings go into the books together: a transaction each costs more than their audio.
            await asyncio.sleep(GATHER_S)
            while len(jobs) < MOST_AT_ONCE and not self._jobs.empty():
                jobs.append(self._jobs.get_nowait())
            await self._keep(pool, jobs)

    async def _keep(self, pool: ProcessPoolExecutor, jobs: list[Job]) -> None:
        """Wrap some recordings, register them in one transaction, and only then let their raw files go."""
        done: list[tuple[Job, Wrapped]] = []
        for position, job in enumerate(jobs):
            try:
                wrapped = await self._wrapped(pool, job)
            except BrokenExecutor:
                await self._again(replace(job, deaths=job.deaths + 1))
                for other in (*(kept for kept, _ in done), *jobs[position + 1 :]):
                    self._pending.discard(other.call_id)
                    self._ask(other)
                raise
            if wrapped is None:
                self._pending.discard(job.call_id)
            else:
                done.append((job, wrapped))
        await self._register(pool, done)

    async def _again(self, job: Job) -> None:
        self._pending.discard(job.call_id)
        if job.deaths < MOST_DEATHS:
            self._ask(job)
        else:
            why = RecordingError(f"{job.deaths} workers died of {job.call_id}; its raw file is kept")
            await self._alarm(job, why, self._clock.now())

    async def _wrapped(self, pool: ProcessPoolExecutor, job: Job) -> Wrapped | None:
        raw = self._raw(job)
        if job.swept and not raw.exists():
            return None
        now, kept = self._clock.now(), self._config.recordings
        ask = partial(
            wrap, raw, self._config.recordings_dir, job.call_id, kept.format, day=now.date(), expected_size=job.size
        )
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, ask)
        except RecordingError as exc:
            await self._alarm(job, exc, now)
            return None

    def _raw(self, job: Job) -> Path:
        return self._config.node(job.node).recordings_dir / f"{job.call_id}.raw"

    async def _register(self, pool: ProcessPoolExecutor, done: list[tuple[Job, Wrapped]]) -> None:
        if not done:
            return
        rows = [stored(job.call_id, wrapped, self._clock.now()) for job, wrapped in done]
        await until_stored(partial(self._shelf.keep_recordings, rows))
        for job, wrapped in done:
            metrics.RECORDINGS.labels("stored").inc()
            seconds, flags = round(wrapped.seconds, 2), list(wrapped.flags) or None
            log.info("recorded", call_id=job.call_id, seconds=seconds, flags=flags)
            self.on_stored(job.call_id, str(wrapped.path))
            await self._discard(pool, job, self._raw(job))
            self._pending.discard(job.call_id)

    async def _discard(self, pool: ProcessPoolExecutor, job: Job, raw: Path) -> None:
        """Only now that the books have it: a kill before this leaves the raw file for the next sweep."""
        try:
            await asyncio.get_running_loop().run_in_executor(pool, discard, raw)
        except RecordingError as exc:
            self._given_up.add(job.call_id)
            log.error("raw recording left", call_id=job.call_id, detail=str(exc))  # noqa: TRY400 - no bug of ours

    async def _alarm(self, job: Job, error: RecordingError, now: datetime) -> None:
        """An answered call without its recording is an alarm, never a silence; a raw file that is there stays."""
        missing = error.error_id == "recording-missing"
        state = RecordingState.MISSING if missing else RecordingState.FAILED
        log.error("recording not kept", call_id=job.call_id, state=state, detail=str(error))
        metrics.RECORDINGS.labels(state.value).inc()
        if error.error_id == "disk-full":
            self._disk.failed(str(error))
        elif not missing:
            self._given_up.add(job.call_id)
        self.on_missing(job.call_id, f"recording_{state.value}")
        failed = Recording(call_id=job.call_id, created_at=now, state=state.value, detail=str(error))
        await until_stored(partial(self._shelf.keep_recordings, [failed]))


def stored(call_id: str, wrapped: Wrapped, now: datetime) -> Recording:
    """Return the row of a finished recording."""
    return Recording(
        call_id=call_id,
        path=str(wrapped.path),
        format=wrapped.format,
        bytes_raw=wrapped.bytes_raw,
        seconds=wrapped.seconds,
        sha256=wrapped.sha256,
        size=wrapped.size,
        created_at=now,
        state=RecordingState.STORED.value,
        detail=", ".join(wrapped.flags),
    )


Store = Callable[[], Awaitable[None]]


async def until_stored(store: Store) -> None:
    """Store, waiting out a database that is away."""
    while True:
        try:
            await store()
        except Unavailable as exc:
            log.debug("recording waits for the database", detail=str(exc))
            await asyncio.sleep(RETRY_S)
        else:
            return
