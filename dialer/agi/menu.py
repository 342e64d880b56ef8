"""The menu's process: started beside the engine, or served alone."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from dialer.agi.server import Server
from dialer.config import MenuConfig
from dialer.types import ConfigError

_TAKEOVER_S = 3.0
"""A killed engine's menu notices the loss at once and frees the port: the next engine waits so long for it."""

_MODULE = "dialer.agi.menu"


def serve(menu: MenuConfig) -> None:
    """Answer Asterisk until SIGTERM or SIGINT; call it in the main thread of a process of its own.

    More than `max_sessions` at once are turned away: that debtor hears the message without the menu.
    Raises ConfigError when the address cannot be used.
    """
    with listen(menu) as listener:
        Server(listener, menu.max_sessions).run()


class MenuProcess(AbstractContextManager["MenuProcess"]):
    """The menu as a child process for as long as the `with` block lasts; it ends with its parent, even a killed one.

    Entering raises ConfigError when the address cannot be used.
    """

    def __init__(self, menu: MenuConfig) -> None:
        self._menu = menu
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> MenuProcess:
        """Take the address and start the process."""
        with listen(self._menu, _TAKEOVER_S) as listener:
            command = [sys.executable, "-m", _MODULE, str(listener.fileno()), str(self._menu.max_sessions)]
            # Its stdin is the lifeline: it closes when this process is gone. Its own session keeps Ctrl-C away.
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()], start_new_session=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        """End the process; debtors who are in the menu hear the line drop."""
        child = self._child
        if child is None:
            return
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdin is not None:
            child.stdin.close()

    def alive(self) -> bool:
        """Return False when the process ended by itself: debtors hear the message without the menu."""
        return self._child is not None and self._child.poll() is None


def listen(menu: MenuConfig, wait_s: float = 0.0, clock: Callable[[], float] = time.monotonic) -> socket.socket:
    """Return the listening socket; an address in use is tried again for `wait_s`."""
    deadline = clock() + wait_s
    while True:
        try:
            listener = socket.create_server((menu.host, menu.port), backlog=128)
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE and clock() < deadline:
                time.sleep(0.05)
                continue
            raise ConfigError(
                f"[menu] {menu.host}:{menu.port} cannot be used: {os.strerror(exc.errno or 0)}; change host or port"
            ) from exc
        listener.setblocking(False)
        return listener


def _main(handle: str, max_sessions: str) -> None:
    with socket.socket(fileno=int(handle)) as listener:
        Server(listener, int(max_sessions), lifeline=sys.stdin.fileno()).run()


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2])
