"""Where the demo keeps its state, and whether one is running there. Light: every command asks it."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dialer.types import ConfigError, Unavailable

CONFIG = "config.toml"
_LOCK = "running.lock"


def folder(environment: Mapping[str, str]) -> Path:
    """Return the demo's state directory: `demo` below DIALER_HOME, or below ./var."""
    return Path(environment.get("DIALER_HOME") or "var").resolve() / "demo"


def running(environment: Mapping[str, str]) -> Path | None:
    """Return the configuration of the demo that is running now, None when none is."""
    place = folder(environment)
    try:
        lock = os.open(place / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        config = place / CONFIG
        return config if config.exists() else None
    finally:
        os.close(lock)
    return None


@contextmanager
def taken(place: Path) -> Iterator[None]:
    """Hold the emptied place until the end; whoever dies lets go of it.

    Raises Unavailable when a demo is running there, ConfigError when it cannot be made or belongs to something else.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = os.open(place / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise ConfigError(
            f"the demo's state directory {place} cannot be made: {exc.strerror}; "
            "point DIALER_HOME at a folder this user may write to"
        ) from exc
    try:
        _hold(lock, place)
        _end_leftovers(place)
        _empty(place)
        yield
    finally:
        os.close(lock)


def _hold(lock: int, place: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Unavailable(
            f"a demo is running in {place}; look at it with 'dialer campaign status', "
            "wait for its end, or give this one another DIALER_HOME"
        ) from None


def _end_leftovers(place: Path) -> None:
    """End the processes of a demo that was killed; whoever has their numbers by now works elsewhere."""
    for file in (*place.glob("*.pid"), place / "redis" / "redis.pid"):
        with suppress(ValueError, OSError):
            pid = int(file.read_text(encoding="ascii"))
            if Path(f"/proc/{pid}/cwd").readlink() == file.parent:
                os.kill(pid, signal.SIGKILL)


def _empty(place: Path) -> None:
    found = [entry for entry in place.iterdir() if entry.name != _LOCK]
    if found and not (place / CONFIG).exists():
        raise ConfigError(f"{place} holds files that no demo made; move them, or give the demo another DIALER_HOME")
    # The configuration last: a demo that dies here leaves a folder the next one knows for its own.
    for entry in sorted(found, key=lambda each: each.name == CONFIG):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
