"""Recordings of the simulated node: real files with voices in them, as long as the machine's time that passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from dialer.simulation.ports import Voices
from dialer.simulation.voices import FRAME_BYTES, RATE_HZ, conversation

log = structlog.get_logger("dialer.simulation.monitor")

WRITE_EVERY_S: Final = 2.0
"""What a killed node loses at most of a recording."""

_SPREAD = 7919
"""Two debtors with the same voice are at different places of its loop."""


@dataclass(slots=True)
class _Recording:
    path: Path
    began: float
    sound: bytes
    place: int
    written: int = 0
    over: bool = False


class VoiceMonitor:
    """Writes what two voices say; `now` returns unscaled seconds (a clock's `monotonic`).

    Somebody must own `write_on`, or a node that is killed leaves empty files.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._running: dict[str, list[_Recording]] = {}

    @property
    def running(self) -> int:
        """How many recordings are being written."""
        return len(self._every())

    def start(self, uniqueid: str, path: Path, voices: Voices) -> None:
        """Begin a recording: the file is there, and empty, when this returns."""
        sound = conversation(voices.left_seed, voices.right_seed)
        place = voices.left_seed * _SPREAD * FRAME_BYTES % len(sound)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        except OSError as error:
            log.warning("recording not begun", path=str(path), error=str(error))
            return
        self._running.setdefault(uniqueid, []).append(_Recording(path, self._now(), sound, place))

    def stop(self, uniqueid: str) -> int:
        """End the recordings of a channel; the last file is complete, and its bytes are returned."""
        recordings = self._running.pop(uniqueid, [])
        for recording in recordings:
            self._write(recording)
            recording.over = True
        return self.size(recordings[-1].path) or 0 if recordings else 0

    def size(self, path: Path) -> int | None:
        """Return the bytes in a file, None when there is none."""
        try:
            return path.stat().st_size
        except OSError:
            return None

    def lost(self) -> None:
        """Leave every recording as the last write left it: what a dead Asterisk had in memory is gone."""
        for recording in self._every():
            recording.over = True
        self._running.clear()

    def write(self) -> None:
        """Bring every file up to now."""
        for recording in self._every():
            self._write(recording)

    async def write_on(self) -> None:
        """Bring the files up to now every 2 s, a few at a time, until cancelled."""
        while True:
            every = self._every()
            for recording in every:
                self._write(recording)
                await asyncio.sleep(WRITE_EVERY_S / len(every))
            if not every:
                await asyncio.sleep(WRITE_EVERY_S)

    def _every(self) -> list[_Recording]:
        return [recording for recordings in self._running.values() for recording in recordings]

    def _write(self, recording: _Recording) -> None:
        # Never more than one frame a sample of the clock: the length is the time, to the frame.
        due = int((self._now() - recording.began) * RATE_HZ) * FRAME_BYTES
        if recording.over or due <= recording.written:
            return
        try:
            with recording.path.open("ab") as file:
                for part in _pieces(recording, due):
                    file.write(part)
        except OSError as error:
            log.warning("recording not written", path=str(recording.path), error=str(error))
        recording.written = due


def _pieces(recording: _Recording, due: int) -> list[memoryview]:
    """Return the next bytes of the loop, up to `due` since the recording began."""
    sound = memoryview(recording.sound)
    pieces, written = [], recording.written
    while written < due:
        begins = (recording.place + written) % len(sound)
        piece = sound[begins : begins + due - written]
        pieces.append(piece)
        written += len(piece)
    return pieces
