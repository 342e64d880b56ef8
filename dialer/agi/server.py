"""FastAGI by forking: pyst2 sets a signal handler and blocks, so every debtor gets a process."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from types import FrameType

from dialer.agi.choice import run_menu

SESSION_S = 60
"""No session lives longer, whatever Asterisk or the debtor does."""

_LOOK_ROUND_S = 0.5


class Server:
    """Accepts connections on a non-blocking listener, forks a session for each, reaps them.

    Stops on SIGTERM, on SIGINT, and when `lifeline` (a descriptor held open by a parent) closes.
    """

    def __init__(self, listener: socket.socket, max_sessions: int, lifeline: int | None = None) -> None:
        self._listener = listener
        self._max_sessions = max_sessions
        self._lifeline = lifeline
        self._sessions: set[int] = set()
        self._stopping = False

    def run(self) -> None:
        """Serve until a stop signal, then end the sessions that are left."""
        before = {sign: signal.signal(sign, self._stop) for sign in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._stopping:
                self._serve_once()
        finally:
            self._end_sessions()
            for sign, handler in before.items():
                signal.signal(sign, handler)

    def _stop(self, _sign: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _serve_once(self) -> None:
        watched = [self._listener.fileno()] + ([] if self._lifeline is None else [self._lifeline])
        readable, _, _ = select.select(watched, [], [], _LOOK_ROUND_S)
        self._reap()
        if self._lifeline in readable:
            self._stopping = True
        elif readable:
            self._accept()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        with connection:
            if len(self._sessions) < self._max_sessions:
                self._fork(connection)

    def _fork(self, connection: socket.socket) -> None:
        pid = os.fork()
        if pid:
            self._sessions.add(pid)
            return
        # The child never returns into the parent's code, whatever happens.
        status = 1
        try:
            self._listener.close()
            _session(connection)
            status = 0
        except Exception as exc:
            print(f"menu session failed: {type(exc).__name__}: {exc}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)

    def _reap(self) -> None:
        self._sessions = {pid for pid in self._sessions if os.waitpid(pid, os.WNOHANG) == (0, 0)}

    def _end_sessions(self) -> None:
        for pid in self._sessions:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._sessions.clear()


def _session(connection: socket.socket) -> None:
    """One debtor's menu; the alarm ends the process when the deadline passes."""
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(sign, signal.SIG_DFL)
    signal.alarm(SESSION_S)
    connection.setblocking(True)
    with (
        connection.makefile("r", encoding="utf-8", errors="replace") as stdin,
        connection.makefile("w", encoding="utf-8") as stdout,
    ):
        run_menu(stdin, stdout)
