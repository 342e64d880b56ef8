"""The dialer itself as its users run it: commands in processes of their own, on a config.toml made for the lab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dialer.config import ComplianceConfig, Config
from tests.lab.processes import LabError, Process, eventually
from tests.lab.rules import PROFILES, lay_rules

CAMPAIGN: dict[str, Any] = {
    "name": "mora",
    "country": "AR",
    "language": "es",
    "time_zone": "America/Argentina/Buenos_Aires",
    "windows": ["mon-sun 00:00-23:59"],
    "trunks": ["carrier"],
    "recording_notice": False,
    "max_tries_per_phone_per_day": 1,
    "pacing": {"mode": "progressive"},
    "segments": [{"name": "alta", "priority": 200}, {"name": "baja", "priority": 100}],
}


class Service:
    """One installation: its folder, its config.toml, its commands and its running engine."""

    def __init__(self, config: Config, work: Path) -> None:
        if config.compliance.directory is None:
            rules = ComplianceConfig(directory=lay_rules(work / "rules"))
            config = config.model_copy(update={"compliance": rules})
        self.config = config
        self.work = work
        self.file = work / "config.toml"
        self.file.write_text(toml(json.loads(config.model_dump_json(exclude_none=True))))
        self._engine: Process | None = None
        self._starts = 0
        self._approved = False
        self._hired: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the engine and its private Redis."""
        if self._engine is not None:
            self._engine.kill()
        pid = self.config.home / "redis" / "redis.pid"
        if pid.exists():
            try:
                os.kill(int(pid.read_text()), signal.SIGKILL)
            except (ProcessLookupError, ValueError):
                pid.unlink(missing_ok=True)

    def run(self, *words: str, ok: bool = True, timeout_s: float = 60.0) -> str:
        """Run one command and return what it printed; a failure is an error of the test unless expected."""
        done = self.attempt(*words, timeout_s=timeout_s)
        if (done.returncode == 0) != ok:
            raise LabError(f"dialer {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + ("" if ok else done.stderr)

    def attempt(
        self, *words: str, timeout_s: float = 60.0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command and return all about it, whatever its exit status."""
        return subprocess.run(
            [*_dialer(), "--config", str(self.file), *words],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**self._environment(), **(env or {})},
            cwd=self.work,
            check=False,
        )

    def succeeds(self, *words: str) -> bool:
        """Run one command and say whether it succeeded."""
        try:
            self.run(*words)
        except LabError:
            return False
        return True

    def json(self, *words: str) -> Any:
        """Run one command with --json and return the answer."""
        return json.loads(self.run(*words, "--json"))

    def report(self, kind: str, *words: str) -> list[dict[str, Any]]:
        """Return a report's rows."""
        rows: list[dict[str, Any]] = json.loads(self.run("report", kind, *words, "--format", "json"))
        return rows

    def start(self, command: str = "engine") -> None:
        """Start the engine and return when it has beaten once."""
        self._starts += 1
        screen = self.work / f"engine-{self._starts}.log"
        self._engine = Process([*_dialer(), "--config", str(self.file), command], screen, self._environment())
        eventually(self._serves, "the engine answers", 30, screen)

    @property
    def engine(self) -> Process:
        """The running engine."""
        if self._engine is None:
            raise LabError("the engine was never started")
        return self._engine

    def campaign(self, leads: list[tuple[str, str, str]], **changes: Any) -> str:
        """Create a campaign with these leads (debtor, phone, segment) and return its name; it is not started."""
        definition = {**CAMPAIGN, **changes}
        file = self.work / f"{definition['name']}.toml"
        file.write_text(toml(definition))
        self.run("campaign", "create", str(file))
        rows = self.work / f"{definition['name']}.csv"
        rows.write_text("debtor,name,phone,segment\n" + "".join(f"{d},Deudor {d},{p},{s}\n" for d, p, s in leads))
        self.run("leads", "import", str(definition["name"]), str(rows))
        self.run("leads", "history", str(definition["name"]), "--none", "--by", "laboratorio")
        if not self._approved:
            self.run("compliance", "approve", *PROFILES, "--by", "laboratorio")
            self._approved = True
        return str(definition["name"])

    def hire(self, count: int) -> list[str]:
        """Add agents on the first softphones, once, and return their names; nobody logs in."""
        names = [f"agente{number}" for number in range(1, count + 1)]
        for offset, name in enumerate(names):
            if name not in self._hired:
                self.run("agent", "add", name, "--extension", str(self.config.agents.first_extension + offset))
                self._hired.add(name)
        return names

    def agents(self, count: int, campaign: str, *, log_in: bool = True) -> list[str]:
        """Add agents on the first softphones and log them in, ready."""
        names = self.hire(count)
        for name in names if log_in else ():
            self.run("agent", "login", name, "--campaign", campaign, "--ready")
        return names

    def _serves(self) -> bool:
        if not self.engine.alive:
            raise LabError(f"the engine ended by itself:\n{self.engine.output[-3000:]}")
        own = self.config.redis.url or (self.config.home / "redis" / "redis.sock").exists()
        return bool(own) and "engine started" in self.engine.output

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DIALER_HOME": str(self.config.home)}


def _dialer() -> list[str]:
    return [sys.executable, "-c", "from dialer.cli import main; main()"]


def toml(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML; values are written inline, which JSON's forms allow."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in tables.items() if value is not None)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items() if item is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value)
