"""Raw conversations become files anybody can play: wrapped, summed, safely on disk before the raw file goes.

`wrap` takes and returns plain values, so that it may run in a worker process.
"""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Literal

import soundfile

from dialer.types import DialerError

RATE = 8000
CHANNELS = 2
FRAME_BYTES = 4
_BLOCK_FRAMES = 65_536
_PARTIAL = ".partial"

Format = Literal["flac", "wav"]


class RecordingError(DialerError):
    """A recording could not be wrapped; the raw file, where there is one, is still in its place."""

    error_id = "recording"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A finished recording: sizes in bytes, `seconds` of sound, `flags` for what an auditor should know.

    `cut`: the raw file ended within a sample; `size_differs`: it is not as long as was told.
    """

    path: Path
    format: str
    bytes_raw: int
    seconds: float
    sha256: str
    size: int
    flags: tuple[str, ...] = ()


def wrap(
    raw: Path, out_dir: Path, call_id: str, fmt: Format, *, day: date, expected_size: int | None = None
) -> Wrapped:
    """Turn interleaved 16-bit samples (left the debtor, right the agent) into `out_dir/YYYY/MM/DD/call_id.fmt`.

    The raw file stays until whoever registers the result says `discard`: what it is found by after a crash. Raises
    RecordingError (`disk-full`, `recording-missing`, `recording-empty`, `recording`). Called again it gives the same
    result.
    """
    target = out_dir / f"{day:%Y/%m/%d}" / f"{call_id}.{fmt}"
    try:
        if not raw.exists() and target.exists():
            return _finished(target, fmt)
        bytes_raw = _size(raw)
        _write(raw, target, fmt)
        return _finished(target, fmt, bytes_raw, _flags(bytes_raw, expected_size))
    except FileNotFoundError as error:
        raise RecordingError(f"{raw}: no such recording", error_id="recording-missing") from error
    except (OSError, soundfile.LibsndfileError) as error:
        raise _failure(raw, target, error) from error


def discard(raw: Path) -> None:
    """Remove a raw file whose recording is on the disk and in the books; raises RecordingError when it cannot."""
    try:
        raw.unlink(missing_ok=True)
    except OSError as error:
        raise RecordingError(f"{raw} cannot be removed: {error}; give the dialer's user the right to") from error


def free_mb(path: Path) -> float:
    """Return the megabytes free for recordings; the folder need not exist yet."""
    while not path.exists():
        path = path.parent
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize / 1_000_000


def _size(raw: Path) -> int:
    size = raw.stat().st_size
    if size < FRAME_BYTES:
        raise RecordingError(f"{raw}: no sound in it; it is kept", error_id="recording-empty")
    return size


def _flags(bytes_raw: int, expected_size: int | None) -> tuple[str, ...]:
    facts = {
        "cut": bytes_raw % FRAME_BYTES != 0,
        "size_differs": expected_size is not None and expected_size != bytes_raw,
    }
    return tuple(name for name, true in facts.items() if true)


def _failure(raw: Path, target: Path, error: Exception) -> RecordingError:
    number = getattr(error, "errno", None)
    if number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return RecordingError(f"{target}: disk full; free some space, {raw} is kept", error_id="disk-full")
    return RecordingError(f"{target}: {error}; {raw} is kept")


class _Disk:
    """A file for libsndfile that remembers the error: the library itself only sees a short write."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as error:
            self.error = self.error or error
        return written

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, count: int) -> bytes:
        return self._file.read(count)


def _write(raw: Path, target: Path, fmt: Format) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + _PARTIAL)
    try:
        with partial.open("wb+", buffering=0) as file:
            _encode(raw, _Disk(file), fmt)
            os.fsync(file.fileno())
        partial.rename(target)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _encode(raw: Path, disk: _Disk, fmt: Format) -> None:
    try:
        with (
            raw.open("rb") as samples,
            soundfile.SoundFile(disk, "w", RATE, CHANNELS, "PCM_16", format=fmt.upper()) as sound,
        ):
            while block := samples.read(_BLOCK_FRAMES * FRAME_BYTES):
                sound.buffer_write(block[: len(block) // FRAME_BYTES * FRAME_BYTES], "int16")
                _raise(disk.error)
    except (soundfile.SoundFileError, AssertionError):
        _raise(disk.error)
        raise
    # Closing writes too.
    _raise(disk.error)


def _raise(error: OSError | None) -> None:
    if error is not None:
        raise error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _finished(target: Path, fmt: Format, bytes_raw: int | None = None, flags: tuple[str, ...] = ()) -> Wrapped:
    frames = soundfile.info(str(target)).frames
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = target.stat().st_size
    raw_size = frames * FRAME_BYTES if bytes_raw is None else bytes_raw
    return Wrapped(target, fmt, raw_size, frames / RATE, digest, size, flags)
