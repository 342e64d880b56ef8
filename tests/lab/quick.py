"""The dialer's commands in the test's own process: the same code without the second that a process takes to start."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping

from click.testing import CliRunner

from dialer.cli.door import door
from tests.lab.service import Service


class QuickService(Service):
    """A service whose commands run here; the engine is a process of its own as ever."""

    def attempt(
        self, *words: str, timeout_s: float = 60.0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command and return all about it; an exception that no command expected is raised as it is."""
        settings = {"DIALER_HOME": str(self.config.home), **(env or {})}
        with contextlib.chdir(self.work):
            done = CliRunner(env=settings).invoke(door, ["--config", str(self.file), *words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)
