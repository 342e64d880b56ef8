"""A private redis-server on a free port, without persistence unless asked for."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from tests.lab.processes import LabError, Process, eventually, free_port
from tests.lab.root import missing


class RedisServer:
    """One redis-server; `kill9` and `start` again keep what `durable` wrote to disk."""

    def __init__(self, work: Path, *, durable: bool = False) -> None:
        if shutil.which("redis-server") is None:
            missing("redis-server is not installed: run scripts/provision as root")
        work.mkdir(parents=True, exist_ok=True)
        self._work, self._durable = work, durable
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill9()

    def start(self) -> None:
        """Start the server and return when it answers."""
        keep = "yes" if self._durable else "no"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", keep]
        options += ["--appendfsync", "always", "--dir", str(self._work)]
        self._process = Process(["redis-server", *options], self._work / "redis.log")
        eventually(self._answers, "redis-server answers", 10, self._work / "redis.log")

    def stop(self) -> None:
        """End the server in its own time."""
        self._process.stop()

    def kill9(self) -> None:
        """End the server as a crash would."""
        self._process.kill()

    def _answers(self) -> bool:
        if not self._process.alive:
            raise LabError(f"redis-server ended: {self._process.output[-1000:]}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
