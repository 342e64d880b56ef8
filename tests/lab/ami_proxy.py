"""A wire between the engine and Asterisk's manager port that can be cut, slowed, or left hanging."""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from tests.lab.processes import free_port

BITE_S = 0.3
"""How long Asterisk gets to carry out what was the last thing it heard."""


@dataclass(eq=False)
class _Wire:
    """One connection: towards the engine and towards Asterisk; `swallows` means that nothing arrives any more."""

    engine: socket.socket
    asterisk: socket.socket
    swallows: bool = False
    closed: threading.Event = field(default_factory=threading.Event)

    def cut(self) -> None:
        """End both sides with a reset, as a failing network does."""
        self.closed.set()
        for end in (self.engine, self.asterisk):
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


@dataclass(frozen=True)
class Trap:
    """Cuts the wire at the first order that holds `pattern`: before Asterisk hears of it, or after, but unanswered."""

    pattern: bytes
    before: bool


class AmiProxy:
    """Listens on `port` while open and passes everything on to Asterisk's `target` port."""

    def __init__(self, target: int, *, rewrite: tuple[bytes, bytes] | None = None) -> None:
        self.port = free_port()
        self.delay_s = 0.0
        self.trap: Trap | None = None
        self._target = target
        self._rewrite = rewrite
        self._wires: set[_Wire] = set()
        self._listener: socket.socket | None = None

    def __enter__(self) -> AmiProxy:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def open(self) -> None:
        """Take connections."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Take no more connections and cut those there are."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Cut every connection."""
        for wire in list(self._wires):
            self._end(wire)

    def freeze(self) -> None:
        """Let every connection of now hang: nothing passes, nobody is told."""
        for wire in list(self._wires):
            wire.swallows = True

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                engine, _ = listener.accept()
                asterisk = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                return
            asterisk.settimeout(None)
            wire = _Wire(engine, asterisk)
            self._wires.add(wire)
            threading.Thread(target=self._orders, args=(wire,), daemon=True).start()
            threading.Thread(target=self._answers, args=(wire,), daemon=True).start()

    def _orders(self, wire: _Wire) -> None:
        while data := _received(wire.engine):
            trap = self.trap
            if trap is not None and trap.pattern in data:
                self.trap = None
                self._spring(trap, wire, data)
                return
            self._pass(wire, wire.asterisk, data)
        self._end(wire)

    def _spring(self, trap: Trap, wire: _Wire, data: bytes) -> None:
        if not trap.before:
            wire.swallows = True
            wire.asterisk.sendall(data)
            wire.closed.wait(BITE_S)
        self._end(wire)

    def _answers(self, wire: _Wire) -> None:
        while data := _received(wire.asterisk):
            if self._rewrite is not None:
                data = data.replace(*self._rewrite)
            self._pass(wire, wire.engine, data)
        self._end(wire)

    def _pass(self, wire: _Wire, to: socket.socket, data: bytes) -> None:
        if self.delay_s:
            time.sleep(self.delay_s)
        if wire.swallows:
            return
        try:
            to.sendall(data)
        except OSError:
            self._end(wire)

    def _end(self, wire: _Wire) -> None:
        self._wires.discard(wire)
        wire.cut()


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(65536)
    except OSError:
        return b""
