"""A minimal manager connection for tests that watch the dialplan itself, without the dialer's own client."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping

from tests.lab.processes import LabError

Message = Mapping[str, str]


class Ami:
    """One blocking session: send actions, wait for messages; every message seen is kept in `seen`."""

    def __init__(self, port: int, user: str, secret: str, *, events: bool = True) -> None:
        self.seen: list[Message] = []
        self._buffer = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._taken = 0
        self._actions = 0
        state = "on" if events else "off"
        answer = self.action("Login", Username=user, Secret=secret, Events=state)
        if answer.get("Response") != "Success":
            self.close()
            raise LabError(f"manager login as {user}: {answer}")

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Ami:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def action(self, name: str, variables: Mapping[str, str] | None = None, **fields: object) -> Message:
        """Send an action and return its response."""
        self._actions += 1
        fields = {"ActionID": f"lab-{self._actions}", **fields}
        lines = [f"Action: {name}", *(f"{key}: {value}" for key, value in fields.items())]
        lines += [f"Variable: {key}={value}" for key, value in (variables or {}).items()]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        wanted = str(fields["ActionID"])
        return self._wait(
            lambda m: "Response" in m and m.get("ActionID") == wanted and "Event" not in m, f"answer to {name}", 5, 0
        )

    def wait(self, event: str, timeout_s: float = 10.0, **fields: str) -> Message:
        """Return the next event with these headers that no earlier `wait` passed; UserEvents go by their own name."""

        def fits(message: Message) -> bool:
            names = (message.get("Event"), message.get("UserEvent"))
            return event in names and all(message.get(key) == value for key, value in fields.items())

        return self._wait(fits, f"{event} {fields}", timeout_s, None)

    def events(self, event: str, **fields: str) -> list[Message]:
        """Return everything seen so far with this name and these headers."""
        return [
            m
            for m in self.seen
            if event in (m.get("Event"), m.get("UserEvent")) and all(m.get(k) == v for k, v in fields.items())
        ]

    def _wait(self, fits: Callable[[Message], bool], what: str, timeout_s: float, start: int | None) -> Message:
        deadline = time.monotonic() + timeout_s
        position = self._taken if start is None else start
        while True:
            for index in range(position, len(self.seen)):
                if fits(self.seen[index]):
                    if start is None:
                        self._taken = index + 1
                    return self.seen[index]
            position = len(self.seen)
            self._read(deadline, what)

    def _read(self, deadline: float, what: str) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise LabError(f"no {what}; seen: {[_short(m) for m in self.seen[-30:]]}")
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return
        if not data:
            raise LabError(f"manager connection closed while waiting for {what}")
        *texts, self._buffer = (self._buffer + data).split(b"\r\n\r\n")
        self.seen.extend(_parsed(text.decode()) for text in texts)


def _parsed(text: str) -> Message:
    return dict(line.split(": ", 1) for line in text.split("\r\n") if ": " in line)


def _short(message: Message) -> str:
    names = ("Event", "UserEvent", "Response", "Message", "Uniqueid", "Cause", "TechCause", "Result")
    return " ".join(message[name] for name in names if name in message)
