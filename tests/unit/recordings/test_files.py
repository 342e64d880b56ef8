"""A conversation's raw samples become a file that plays, and are never lost on the way."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import pickle
import resource
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recordings.files import Format, RecordingError, Wrapped, discard, free_mb, wrap

DAY = date(2026, 6, 2)
CALL = "t" + "a" * 26


def conversation(frames: int = 100_000) -> bytes:
    """Debtor on the left, agent on the right."""
    left = np.arange(frames) % 2000 - 1000
    right = np.full(frames, 77)
    return np.stack([left, right], axis=1).astype("<i2").tobytes()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / f"{CALL}.raw"
    path.write_bytes(conversation())
    return path


@pytest.mark.parametrize("fmt", ["flac", "wav"])
def test_every_sample_of_both_sides_is_kept(raw: Path, tmp_path: Path, fmt: Format) -> None:
    wrapped = wrap(raw, tmp_path / "kept", CALL, fmt, day=DAY, expected_size=400_000)
    samples, rate = soundfile.read(wrapped.path, dtype="int16")
    assert rate == 8000
    assert samples.astype("<i2").tobytes() == conversation()


def test_the_raw_file_stays_until_the_books_have_the_recording(raw: Path, tmp_path: Path) -> None:
    wrap(raw, tmp_path / "kept", CALL, "flac", day=DAY)
    assert raw.exists()
    discard(raw)
    discard(raw)
    assert not raw.exists()


def test_a_raw_file_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be removed"):
        discard(tmp_path)


def test_the_facts_are_those_of_the_file(raw: Path, tmp_path: Path) -> None:
    wrapped = wrap(raw, tmp_path / "kept", CALL, "flac", day=DAY, expected_size=400_000)
    kept = tmp_path / "kept/2026/06/02" / f"{CALL}.flac"
    content = kept.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert wrapped == Wrapped(kept, "flac", 400_000, 12.5, digest, len(content))


def test_half_a_sample_at_the_end_is_cut_and_told(raw: Path, tmp_path: Path) -> None:
    raw.write_bytes(conversation(10) + b"\x01\x02\x03")
    wrapped = wrap(raw, tmp_path, CALL, "flac", day=DAY)
    assert (wrapped.flags, wrapped.seconds, wrapped.bytes_raw) == (("cut",), 10 / 8000, 43)


def test_another_length_than_told_is_flagged(raw: Path, tmp_path: Path) -> None:
    assert wrap(raw, tmp_path, CALL, "wav", day=DAY, expected_size=400_004).flags == ("size_differs",)


def test_a_file_without_sound_is_told_and_kept(raw: Path, tmp_path: Path) -> None:
    raw.write_bytes(b"\x01\x02")
    with pytest.raises(RecordingError, match="no sound") as caught:
        wrap(raw, tmp_path, CALL, "flac", day=DAY)
    assert caught.value.error_id == "recording-empty"
    assert raw.exists()


def test_after_a_crash_the_same_result_is_found_again(raw: Path, tmp_path: Path) -> None:
    first = wrap(raw, tmp_path, CALL, "flac", day=DAY)
    discard(raw)
    assert wrap(raw, tmp_path, CALL, "flac", day=DAY) == first


def test_after_a_crash_before_the_raw_file_went_it_is_wrapped_again(raw: Path, tmp_path: Path) -> None:
    first = wrap(raw, tmp_path, CALL, "flac", day=DAY)
    assert wrap(raw, tmp_path, CALL, "flac", day=DAY) == first


def test_a_recording_that_never_was_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such recording") as caught:
        wrap(tmp_path / "never.raw", tmp_path, CALL, "flac", day=DAY)
    assert caught.value.error_id == "recording-missing"


def wrap_with_little_disk(raw: Path, out_dir: Path, fmt: Format, room: int) -> str:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        wrap(raw, out_dir, CALL, fmt, day=DAY)
    except RecordingError as error:
        cause = error.__cause__
        return f"{pickle.loads(pickle.dumps(error)).error_id} {isinstance(cause, OSError) and cause.errno}"
    return "wrapped"


@pytest.mark.parametrize("fmt", ["flac", "wav"])
@pytest.mark.parametrize("lacking", [1, 60_000])
def test_a_full_disk_keeps_the_raw_file_and_leaves_no_half_file(
    raw: Path, tmp_path: Path, fmt: Format, lacking: int
) -> None:
    noise = np.random.default_rng(7).integers(-3000, 3000, 200_000).astype("<i2").tobytes()
    raw.write_bytes(noise)
    needed = wrap(raw, tmp_path / "enough", CALL, fmt, day=DAY).size
    raw.write_bytes(noise)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        told = pool.apply(wrap_with_little_disk, (raw, tmp_path / "kept", fmt, needed - lacking))
    assert told == f"disk-full {errno.EFBIG}"
    assert raw.read_bytes() == noise
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_keeps_the_raw_file(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file, not a folder")
    with pytest.raises(RecordingError, match="is kept"):
        wrap(raw, tmp_path / "kept", CALL, "flac", day=DAY)
    assert raw.exists()


def test_free_space_of_a_folder_to_be_made(tmp_path: Path) -> None:
    assert free_mb(tmp_path / "not" / "yet") == pytest.approx(free_mb(tmp_path), rel=0.1)
