"""A private PostgreSQL in a directory of its own; the system's clusters are not touched."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from tests.lab.processes import LabError, Process, eventually, free_port
from tests.lab.root import missing


class Postgres:
    """One PostgreSQL server with the database `dialer`; `url` is for SQLAlchemy with asyncpg."""

    def __init__(self, work: Path) -> None:
        self._bin = _binaries()
        self._work = work
        self._data = work / "data"
        self.port = free_port()
        self.url = f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/dialer"
        self._own(work)
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", "-D", str(self._data), *options)
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "dialer")

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and return when it takes connections."""
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self._work}
        settings |= {"fsync": "off", "synchronous_commit": "off", "max_connections": 60}
        command = [*self._as_postgres(), str(self._bin / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._process = Process(command, self._work / "postgres.log")
        eventually(self._ready, "PostgreSQL takes connections", 30, self._work / "postgres.log")

    def stop(self) -> None:
        """End the server in its own time, closing every connection."""
        # Not the child itself: that may be runuser, which keeps the signal for itself.
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
        eventually(lambda: not self._process.alive, "PostgreSQL ends", 20, self._work / "postgres.log")
        self._process.stop()

    def kill9(self) -> None:
        """End the server and its workers as a crash would."""
        self._process.kill()

    def create_database(self, name: str) -> str:
        """Make one more empty database and return its url."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)
        return self.url.rpartition("/")[0] + f"/{name}"

    def _ready(self) -> bool:
        if not self._process.alive:
            raise LabError(f"PostgreSQL ended: {self._process.output[-1500:]}")
        probe = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(probe, check=False, timeout=10).returncode == 0

    def _own(self, work: Path) -> None:
        """PostgreSQL refuses to run as root: its user must reach and own the directory."""
        work.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            return
        user = pwd.getpwnam("postgres")
        os.chown(work, user.pw_uid, user.pw_gid)

    def _as_postgres(self) -> list[str]:
        return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_postgres(), str(self._bin / program), *arguments]
        done = subprocess.run(command, cwd=self._work, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise LabError(f"{program}: {done.stderr}")


def _binaries() -> Path:
    """Debian keeps the server's programs out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    if not found and on_path is None:
        missing("PostgreSQL is not installed: run scripts/provision as root")
    return found[-1].parent if found else Path(str(on_path)).parent
