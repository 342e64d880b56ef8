"""The text of AMI as Asterisk reads it: bytes of any cut become requests, with Asterisk's own limits and complaints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dialer.ami.wire import MAX_HEADERS, MAX_LINE

BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"

TOO_LONG: Final = "Failed to parse message: line too long"
TOO_MANY: Final = "Too many lines in message or allocation failure"


@dataclass(frozen=True, slots=True)
class Request:
    """One action as it came; `complaint` is what Asterisk answers to a message it could not read, else empty."""

    lines: tuple[str, ...]
    complaint: str = ""

    def get(self, header: str) -> str:
        """Return the first value of a header, whatever its case; empty when it is not there."""
        return next(iter(self.all(header)), "")

    def all(self, header: str) -> list[str]:
        """Return every value of a header, in order."""
        prefix = header.lower() + ":"
        length = len(prefix)
        return [line[length:].lstrip(" ") for line in self.lines if line[:length].lower() == prefix]

    @property
    def action(self) -> str:
        """The name of the action, in lower case; empty when there is none."""
        return self.get("Action").lower()

    @property
    def action_id(self) -> str:
        """What the answer repeats."""
        return self.get("ActionID")


class RequestReader:
    """Turns reads of any size into requests; never holds more than one message of 128 lines of 1,024 bytes."""

    def __init__(self) -> None:
        self._held = b""
        self._lines: list[str] = []
        self._complaint = ""

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests completed by these bytes, in order."""
        *whole, self._held = (self._held + data).split(b"\n")
        if len(self._held) >= MAX_LINE:
            # What is held is no line any more; it must not grow while its end is awaited.
            self._held, self._complaint = self._held[:MAX_LINE], TOO_LONG
        return list(self._requests(whole))

    def _requests(self, lines: Iterable[bytes]) -> Iterable[Request]:
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line:
                self._take(line)
                continue
            yield Request(tuple(self._lines), self._complaint)
            self._lines, self._complaint = [], ""

    def _take(self, line: bytes) -> None:
        if len(line) > MAX_LINE:
            self._complaint = TOO_LONG
        elif len(self._lines) < MAX_HEADERS:
            self._lines.append(line.decode("utf-8", "replace"))
        else:
            self._complaint = TOO_MANY
