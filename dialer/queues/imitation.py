"""A process that answers like Redis where no redis-server can run: fakeredis behind the private socket.

Nothing survives its end, which is why it is the last choice.
Started as `python -m dialer.queues.imitation DIRECTORY SOCKET`.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from itertools import count
from pathlib import Path
from typing import Any

from fakeredis import TcpFakeServer
from redis.exceptions import ResponseError

VERSION = (7, 0)

_NO_STREAM = "The XGROUP subcommand requires the key"
"""What fakeredis says to XREADGROUP before there is a stream; Redis says NOGROUP."""


class SocketServer(TcpFakeServer):
    """fakeredis on a Unix socket: no port that another user of the machine could open."""

    address_family = socket.AF_UNIX
    request_queue_size = 128

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._numbers = count()
        super().__init__(str(path), server_version=VERSION)  # type: ignore[arg-type]
        path.chmod(0o700)
        self.RequestHandlerClass = _forgiving(self.RequestHandlerClass)

    def get_request(self) -> tuple[Any, Any]:
        """Return the next connection; it needs an address of its own, which Unix sockets do not have."""
        connection, _ = super().get_request()
        return connection, ("unix", next(self._numbers))


def _forgiving(handler: Any) -> Any:
    """Return the handler, answering an error and listening on; fakeredis's own hangs up after one, Redis does not."""

    class Forgiving(handler):  # type: ignore[misc]
        def setup(self) -> None:
            super().setup()
            read = self.current_client.read_response

            def answer() -> Any:
                try:
                    return read()
                except ResponseError as error:
                    return ResponseError("NOGROUP no such stream") if str(error).startswith(_NO_STREAM) else error

            self.current_client.read_response = answer

    return Forgiving


def serve(directory: Path, path: Path) -> None:
    """Take the socket, go to the background, and serve until SIGTERM."""
    with SocketServer(path) as server:
        if os.fork():
            return
        os.setsid()
        os.chdir(directory)  # the pid file counts only while its process works here
        signal.signal(signal.SIGTERM, _leave)
        (directory / "redis.pid").write_text(f"{os.getpid()}\n", encoding="ascii")
        server.serve_forever()


def _leave(*_: object) -> None:
    # Other threads hold connections and nothing is to be kept: there is nothing to wait for.
    os._exit(0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
