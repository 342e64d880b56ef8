"""A private Asterisk on the files that `dialer.ami.config.render` writes: the very files of production."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dialer.ami.config import Secrets, ensure_secrets, render
from dialer.config import Config
from tests.lab.ami import Ami
from tests.lab.processes import LabError, Process, eventually, free_port

CARRIER_HOST = "127.0.0.2"
"""The carrier's address: another one than the softphones', because Asterisk knows a trunk by its address."""

NODE, TRUNK = "lab", "carrier"
CALLER_ID = "+541150000000"


class AsteriskLab:
    """One Asterisk with one trunk and softphones; `config` is what the dialer itself would be given.

    Use it as a context manager: it starts on entry; on exit it is stopped and its directory removed.
    `tables` are config.toml tables merged over the lab's own, for example `dialing={"amd_cap_s": 1.0}`;
    `trunk` and `node` are merged into the one trunk and node.
    """

    def __init__(
        self,
        root: Path,
        home: Path,
        *,
        softphones: int = 2,
        trunk: Mapping[str, Any] | None = None,
        node: Mapping[str, Any] | None = None,
        **tables: Mapping[str, Any],
    ) -> None:
        self.root = root
        self._name = f"lab-{os.getpid()}-{free_port()}"
        self.directory = root / "srv" / self._name
        self.inside = f"/srv/{self._name}"
        self.config = Config.model_validate(self._tables(home, softphones, trunk or {}, node or {}, tables))
        self.secrets: Secrets = ensure_secrets(self.config)
        self._process: Process | None = None

    @property
    def node(self) -> Any:
        return self.config.nodes[0]

    @property
    def sip_port(self) -> int:
        return int(self.config.nodes[0].sip_bind.rpartition(":")[2])

    @property
    def carrier_port(self) -> int:
        return self.config.trunks[0].port

    @property
    def ami_port(self) -> int:
        """The plain manager port: with TLS it is the one beside."""
        return self.config.nodes[0].port + (1 if self.config.nodes[0].tls else 0)

    @property
    def pid(self) -> int:
        return self._running.pid

    def __enter__(self) -> AsteriskLab:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def start(self) -> None:
        """Render the files, start Asterisk and return when it is fully booted."""
        self._lay_out()
        command = ["chroot", str(self.root), "asterisk", "-f", "-g", "-C", f"{self.inside}/etc/asterisk.conf"]
        self._process = Process(command, self.directory / "console.log")
        eventually(self._booted, "Asterisk answers on its manager port", 30, self.directory / "log/messages.log")

    def kill9(self) -> None:
        """End Asterisk as a crash would."""
        self._running.kill()

    def restart(self) -> None:
        """Start Asterisk again on the same files and ports; what it left on disk stays."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End Asterisk in its own time: it hangs up what is up."""
        if self._process is not None:
            self._process.stop(signal.SIGTERM)

    def remove(self) -> None:
        """End Asterisk at once and remove everything it wrote."""
        if self._process is not None:
            self._process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def console(self, command: str) -> str:
        """Run one command of Asterisk's own console and return what it printed."""
        asterisk = ["chroot", str(self.root), "asterisk", "-C", f"{self.inside}/etc/asterisk.conf", "-rx", command]
        return subprocess.run(asterisk, check=True, capture_output=True, text=True, timeout=10).stdout

    def logs(self) -> str:
        """Return Asterisk's own log."""
        log = self.directory / "log/messages.log"
        return log.read_text(errors="replace") if log.exists() else self._running.output

    def complaints(self) -> list[str]:
        """Return the warnings and errors of Asterisk's log."""
        return [line for line in self.logs().splitlines() if " WARNING[" in line or " ERROR[" in line]

    def ami(self, role: str = "admin", *, events: bool = True) -> Ami:
        """Log in as the events, actions or admin user."""
        users = {"events": "dialer-ev", "actions": "dialer-act", "admin": "dialer-adm"}
        return Ami(self.ami_port, users[role], getattr(self.secrets.node(NODE), role), events=events)

    @property
    def _running(self) -> Process:
        if self._process is None:
            raise LabError("this Asterisk was never started")
        return self._process

    def _lay_out(self) -> None:
        for name in ("etc", "lib", "cache", "spool", "run", "log/cel-custom", "log/cdr-csv", "rec"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        rendered = self.directory / "rendered"
        render(self.config, self.secrets, rendered)
        shutil.copytree(rendered / NODE, self.directory / "etc", dirs_exist_ok=True)
        if self.node.tls:
            self._certificate()

    def _certificate(self) -> None:
        """Sign a certificate for the manager port; `ca` is the authority for the dialer's side."""
        pem = self.directory / "etc" / "ami.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
        command += ["-keyout", str(pem), "-out", str(self.ca)]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        with pem.open("a") as out:
            out.write(self.ca.read_text())

    @property
    def ca(self) -> Path:
        """The certificate that vouches for the manager port."""
        return self.directory / "ca.pem"

    def _booted(self) -> bool:
        if not self._running.alive:
            raise LabError(f"Asterisk ended by itself:\n{self._running.output[-2000:]}")
        try:
            with self.ami() as ami:
                ami.wait("FullyBooted", 20)
        except (ConnectionError, LabError):
            return False
        return True

    def _tables(
        self,
        home: Path,
        softphones: int,
        trunk: Mapping[str, Any],
        node: Mapping[str, Any],
        tables: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, Any]:
        raw: dict[str, Any] = {
            "service": {"home": home},
            "nodes": [{**self._node(), **node}],
            "trunks": [{**_trunk(), **trunk}],
            "agents": {"extensions": softphones, "codecs": "ulaw"},
            "menu": {"port": free_port()},
        }
        for name, values in tables.items():
            raw[name] = {**raw.get(name, {}), **values}
        return raw

    def _node(self) -> dict[str, Any]:
        return {
            "name": NODE,
            "port": free_port(),
            "sip_bind": f"127.0.0.1:{free_port()}",
            "rtp_first": 20000,
            "rtp_last": 29998,
            "directories": self.inside,
            "recordings_inside": f"{self.inside}/rec",
            "recordings_dir": self.directory / "rec",
            "evidence_file": self.directory / "log/cel-custom/dialer.csv",
        }


def _trunk() -> dict[str, Any]:
    return {
        "name": TRUNK,
        "node": NODE,
        "host": CARRIER_HOST,
        "port": free_port(CARRIER_HOST),
        "caller_id": CALLER_ID,
        "codecs": "ulaw",
        "qualify_s": 0,
        "calls_per_s": 50,
        "channels": 500,
    }
