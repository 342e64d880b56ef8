"""Child processes of the lab: started with their output in a file, ended by pid, never by name."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class LabError(AssertionError):
    """A server of the lab did not do what the test needs; the message holds its output."""


class Process:
    """One child process in its own session, so that its children end with it."""

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env=None if env is None else {**os.environ, **env},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    @property
    def exit_status(self) -> int | None:
        """How the process ended; None while it runs."""
        return self._child.poll()

    def send(self, sign: signal.Signals) -> None:
        """Send one signal to the process alone, and wait for nothing."""
        self._child.send_signal(sign)

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, sign: signal.Signals = signal.SIGTERM, timeout_s: float = 10.0) -> None:
        """Ask the process to end; after the deadline it and its children are killed."""
        if self.alive:
            self._child.send_signal(sign)
            try:
                self._child.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
        self._kill_group()

    def kill(self) -> None:
        """End the process and its children at once, without a chance to clean up."""
        self._kill_group()
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait(10)

    def _kill_group(self) -> None:
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return


def eventually(probe: Callable[[], T | None], what: str, timeout_s: float = 20.0, output: Path | None = None) -> T:
    """Return the first true answer of `probe`; other processes are asked every 20 ms until the deadline."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            shown = f"\n{output.read_text(errors='replace')[-3000:]}" if output and output.exists() else ""
            raise LabError(f"not within {timeout_s:g} s: {what}{shown}")
        time.sleep(0.02)


_given: set[int] = set()
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = range(11000 + _WORKER % 4 * 2250, 13250 + _WORKER % 4 * 2250)
"""Test processes beside each other ask at the same moment, and each hands its ports out later: none shares its own."""


def free_port(host: str = "127.0.0.1", together: int = 1) -> int:
    """Return an even port nobody uses now, by TCP or UDP, outside the range the kernel gives to clients.

    `together` ports from there on are free and given out as one. No port is given out twice, because what it is
    for may be started later.
    """
    for _ in range(2000):
        ports = range(first := random.randrange(_PORTS.start, _PORTS.stop, 2), first + together)
        if not _given.intersection(ports) and all(_free(host, port) for port in ports):
            _given.update(ports)
            return first
    raise LabError(f"no free port on {host}")


def _free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
