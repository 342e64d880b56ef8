"""One running sipp: its directory, address, port and log."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from tests.lab.processes import LabError, Process, eventually, free_port
from tests.lab.root import missing


class Sipp:
    """A sipp playing one scenario. `options` are further sipp options."""

    def __init__(self, work: Path, name: str, text: str, host: str, port: int, options: Sequence[str] = ()) -> None:
        if shutil.which("sipp") is None:
            missing("sipp is not installed: run scripts/provision as root")
        self.directory = work / name
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "scenario.xml").write_text(text)
        self.host, self.port = host, port
        self.log = self.directory / "calls.log"
        self.process = Process([*self._command(), *options], self.directory / "screen.log")

    def await_port(self) -> None:
        """Return when the port is taken, that is when this sipp listens."""
        eventually(self._listening, f"sipp listens on {self.host}:{self.port}", 10, self.directory / "errors.log")

    def await_end(self, timeout_s: float) -> None:
        """Return when this sipp has played all its calls."""
        eventually(lambda: not self.process.alive, "sipp plays its calls", timeout_s, self.directory / "errors.log")

    def errors(self) -> str:
        """Return what sipp found unexpected."""
        path = self.directory / "errors.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def lines(self) -> list[str]:
        """Return what the scenario logged so far."""
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def stop(self) -> None:
        """End this sipp at once; calls that are up stay up at the other end."""
        self.process.kill()

    def _command(self) -> list[str]:
        media = free_port(self.host, together=6)  # sipp takes ports for video beside those for sound
        here = self.directory
        return [
            *("sipp", "-sf", str(here / "scenario.xml"), "-i", self.host, "-p", str(self.port), "-mi", self.host),
            *("-nostdin", "-cp", str(free_port()), "-mp", str(media), "-trace_logs", "-log_file", str(self.log)),
            *("-trace_err", "-error_file", str(here / "errors.log"), "-bind_local"),
        ]

    def _listening(self) -> bool:
        if not self.process.alive:
            raise LabError(f"sipp ended: {self.errors()}\n{self.process.output[-1500:]}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((self.host, self.port))
            except OSError:
                return True
        return False
