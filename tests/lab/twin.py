"""A simulated node with the face of the lab's Asterisk, in a process of its own: the same stories run on both."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from dialer.ami.config import ensure_secrets
from dialer.config import Config
from tests.lab.ami import Ami
from tests.lab.asterisk import CALLER_ID, NODE, TRUNK
from tests.lab.processes import LabError, Process, eventually, free_port
from tests.lab.service import toml


class TwinLab:
    """Use it as a context manager; everything lies in `work`. `tables` as for AsteriskLab.

    `talk_s` is how long a debtor of the numbers ending in 201 talks.
    """

    def __init__(self, work: Path, *, softphones: int = 2, talk_s: float = 3.0, **tables: dict[str, Any]) -> None:
        self.work = work
        self.directory = work
        self.config = Config.model_validate(twin_tables(work, softphones, tables))
        self.secrets = ensure_secrets(self.config)
        self.inside = str(work)
        self._talk_s = talk_s
        self._process: Process | None = None

    @property
    def node(self) -> Any:
        return self.config.nodes[0]

    @property
    def ami_port(self) -> int:
        return int(self.node.port)

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def output(self) -> str:
        """What the process printed."""
        return self._running.output

    def __enter__(self) -> TwinLab:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the node and return when it answers."""
        file = self.work / "twin.toml"
        file.write_text(toml(json.loads(self.config.model_dump_json(exclude_none=True))))
        command = [sys.executable, "-c", "from dialer.cli import main; main()", "--config", str(file)]
        command += ["asterisk", "simulate", "--world", "numbers", "--talk", str(self._talk_s)]
        self._process = Process(command, self.work / "twin.log", {"DIALER_HOME": str(self.config.home)})
        eventually(self._booted, "the twin answers on its manager port", 30, self.work / "twin.log")

    def stop(self) -> int | None:
        """End the node in its own time; return its exit status."""
        if self._process is None:
            return None
        self._process.stop(signal.SIGTERM)
        return self._process.exit_status

    def kill9(self) -> None:
        """End the node as a crash would."""
        self._running.kill()

    def complaints(self) -> list[str]:
        """Return nothing: the twin has no log of its own dialplan's warnings."""
        return []

    def ami(self, role: str = "admin", *, events: bool = True) -> Ami:
        """Log in as the events, actions or admin user."""
        users = {"events": "dialer-ev", "actions": "dialer-act", "admin": "dialer-adm"}
        return Ami(self.ami_port, users[role], getattr(self.secrets.node(NODE), role), events=events)

    def fault(self, kind: str, **fields: object) -> None:
        """Order a fault; fields are the headers of SimulationFault."""
        self._simulate("SimulationFault", Fault=kind, **fields)

    def world(self, what: str, **fields: object) -> None:
        """Let the world do something; fields are the headers of SimulationWorld."""
        self._simulate("SimulationWorld", Do=what, **fields)

    def _simulate(self, action: str, **fields: object) -> None:
        with self.ami("admin", events=False) as ami:
            answer = ami.action(action, None, **fields)
        if answer["Response"] != "Success":
            raise LabError(f"{action} {fields}: {answer['Message']}")

    @property
    def _running(self) -> Process:
        if self._process is None:
            raise LabError("this twin was never started")
        return self._process

    def _booted(self) -> bool:
        if not self._running.alive:
            raise LabError(f"the twin ended by itself:\n{self._running.output[-2000:]}")
        try:
            with self.ami() as ami:
                ami.action("Ping")
        except (ConnectionError, LabError):
            return False
        return True


def twin_tables(work: Path, softphones: int, changes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the config.toml of one simulated node and its trunk; `changes` are merged into it."""
    node = {
        "name": NODE,
        "port": free_port(),
        "recordings_inside": str(work / "rec"),
        "recordings_dir": work / "rec",
        "evidence_file": work / "log/cel-custom/dialer.csv",
    }
    trunk = {
        "name": TRUNK,
        "node": NODE,
        "host": "127.0.0.2",
        "port": free_port(),
        "caller_id": CALLER_ID,
        "codecs": "ulaw",
        "qualify_s": 0,
        "calls_per_s": 50,
        "channels": 500,
    }
    raw: dict[str, Any] = {
        "service": {"home": work / "home", "metrics": f"127.0.0.1:{free_port()}"},
        "nodes": [node],
        "trunks": [trunk],
        "agents": {"extensions": softphones, "codecs": "ulaw"},
        "menu": {"port": free_port()},
    }
    for name, values in changes.items():
        raw[name] = {**raw.get(name, {}), **values}
    return raw
