"""The dialer's own commands as child processes: started with their words in a file, ended by their id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dialer.types import Unavailable

LOOK_S = 0.1
END_S = 10.0
LAST_WORDS = 1500

DIALER = (sys.executable, "-c", "from dialer.cli import main; main()")


class Child:
    """One process; use it as a context manager, so that it ends however the block ends."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env=environment(),
                start_new_session=True,
            )

    def __enter__(self) -> Child:
        """Return the process, which is running already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it: asked twice, which cuts what lasts, then killed."""
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(number)
                try:
                    self._process.wait(END_S)
                except subprocess.TimeoutExpired:
                    continue

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def said(self) -> str:
        """Return everything it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def check(self) -> None:
        """Raise Unavailable, with its last words, when it has ended by itself."""
        if (status := self._process.poll()) is not None:
            raise Unavailable(f"the {self.name} ended with status {status}: {self.said()[-LAST_WORDS:]}")

    def wait_for(self, what: str, holds: Callable[[], bool], within_s: float) -> None:
        """Return when something holds; raise Unavailable when the process ends before, or it lasts too long."""
        deadline = time.monotonic() + within_s
        while not holds():
            self.check()
            if time.monotonic() > deadline:
                raise Unavailable(f"{what} did not happen within {within_s:g} s; the {self.name} said last: "
                                  f"{self.said()[-LAST_WORDS:]}")  # fmt: skip
            time.sleep(LOOK_S)


def environment() -> dict[str, str]:
    """Return our environment without settings that would reach past the bench's own folder."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DIALER_")}


def command(config: Path, *words: str, within_s: float = 120.0) -> str:
    """Run one command of the dialer and return what it printed; raise Unavailable when it fails."""
    done = subprocess.run(
        [*DIALER, "--config", str(config), *words],
        capture_output=True,
        text=True,
        timeout=within_s,
        env=environment(),
        cwd=config.parent,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"dialer {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
