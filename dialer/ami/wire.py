"""The text of AMI and back, without I/O: actions become bytes, any cut of bytes becomes whole messages.

Asterisk writes header lines ended by CR LF and messages ended by an empty line. A message is decoded only when
all of it is here, so that a character cut by two reads survives, and its fields are parsed only when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from dialer.types import DialerError

MAX_LINE: Final = 1024
"""Longest line Asterisk reads; what is longer it cuts silently."""

MAX_HEADERS: Final = 128
"""Most headers Asterisk keeps of one action; it drops the rest silently."""

MAX_MESSAGE: Final = 1 << 20
"""Longest message we accept; more without an end is not AMI."""

_END = b"\r\n\r\n"
_BANNER = b"Asterisk Call Manager/"
_FORBIDDEN = frozenset("\r\n\0")


class AmiFieldError(DialerError):
    """A value cannot be written to Asterisk: it would break the line, or Asterisk would cut it."""

    error_id = "ami-field"


@dataclass(frozen=True, slots=True)
class Action:
    """One order to Asterisk: a name and its headers, in order; a header such as Variable may repeat."""

    name: str
    fields: tuple[tuple[str, str], ...] = ()

    def get(self, header: str) -> str:
        """Return the first value of a header, empty when it is not there."""
        return next((value for name, value in self.fields if name == header), "")

    def encode(self, action_id: str) -> bytes:
        """Return the bytes to write; raise AmiFieldError naming the header that cannot be written."""
        headers = (("Action", self.name), ("ActionID", action_id), *self.fields)
        if len(headers) > MAX_HEADERS:
            raise AmiFieldError(
                f"{self.name}: {len(headers)} headers, Asterisk keeps {MAX_HEADERS}; send fewer variables"
            )
        lines = [self._line(name, value) for name, value in headers]
        return b"\r\n".join(lines) + _END

    def _line(self, header: str, value: str) -> bytes:
        if not header or ":" in header or _FORBIDDEN.intersection(header) or header != header.strip():
            raise AmiFieldError(f"{self.name}: {header!r} is not a header name")
        if _FORBIDDEN.intersection(value):
            raise AmiFieldError(f"{self.name}: {header} holds a line break or NUL: {value!r}; remove it at its source")
        line = f"{header}: {value}".encode()
        if len(line) > MAX_LINE:
            raise AmiFieldError(
                f"{self.name}: {header} is {len(line)} bytes long, Asterisk reads {MAX_LINE}; shorten it"
            )
        return line


class Kind(StrEnum):
    """What a message is."""

    EVENT = "event"
    RESPONSE = "response"


class Message:
    """One whole message; headers are parsed at the first question and kept."""

    __slots__ = ("_fields", "_raw", "kind", "name")

    def __init__(self, kind: Kind, name: str, raw: bytes) -> None:
        self.kind = kind
        self.name = name
        self._raw = raw
        self._fields: dict[str, str | list[str]] | None = None

    def __repr__(self) -> str:
        """Show the message as it came, for logs and failed assertions."""
        return f"<{self.kind} {self._raw.decode('utf-8', 'replace')!r}>"

    @property
    def action_id(self) -> str:
        """The ActionID this message answers, empty when it has none."""
        return self.get("ActionID")

    @property
    def size(self) -> int:
        """Bytes on the wire, without the end mark."""
        return len(self._raw)

    def get(self, header: str) -> str:
        """Return the first value of a header, empty when it is not there."""
        value = self._parsed().get(header, "")
        return value if isinstance(value, str) else value[0]

    def all(self, header: str) -> list[str]:
        """Return every value of a header, in order."""
        value = self._parsed().get(header)
        if value is None:
            return []
        return [value] if isinstance(value, str) else list(value)

    def headers(self) -> Mapping[str, str]:
        """Return the headers, the first value of each."""
        return {name: value if isinstance(value, str) else value[0] for name, value in self._parsed().items()}

    def _parsed(self) -> dict[str, str | list[str]]:
        if self._fields is None:
            self._fields = _parse(self._raw.decode("utf-8", "replace"))
        return self._fields


class Decoder:
    """Turn reads of any size into messages; events nobody wants are dropped on their name alone.

    `oversized` turns true when a message passes MAX_MESSAGE: the stream cannot be trusted any more and nothing
    further is decoded. `skipped` counts unwanted events, `odd` what was neither event nor response.
    """

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = {name.encode(): name for name in wanted}
        self._held = bytearray()
        self._searched = 0
        self.banner = ""
        self.skipped = 0
        self.odd = 0
        self.oversized = False

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages completed by these bytes, in order."""
        if self.oversized:
            return []
        messages: list[Message] = []
        for part in self._complete(data):
            if len(part) > MAX_MESSAGE:
                self.oversized = True
                return messages
            message = self._message(part)
            if message is not None:
                messages.append(message)
        self.oversized = len(self._held) > MAX_MESSAGE + len(_END)
        return messages

    def _complete(self, data: bytes) -> list[bytes]:
        """Cut off whole messages and hold the rest; every byte is copied and searched a bounded number of times."""
        if self._held:
            self._held += data
            # The end mark may straddle the reads: search again from its possible first byte.
            if self._held.find(_END, max(0, self._searched - len(_END) + 1)) < 0:
                self._searched = len(self._held)
                return []
            data = bytes(self._held)
        parts = data.split(_END)
        self._held = bytearray(parts.pop())
        self._searched = len(self._held)
        return parts

    def _message(self, raw: bytes) -> Message | None:
        if not raw.startswith((b"Event: ", b"Response: ")):
            raw = self._trimmed(raw)
        if raw.startswith(b"Event: "):
            name = self._wanted.get(_first_value(raw, 7))
            if name is None:
                self.skipped += 1
                return None
            return Message(Kind.EVENT, name, raw)
        if raw.startswith(b"Response: "):
            return Message(Kind.RESPONSE, _first_value(raw, 10).decode("utf-8", "replace"), raw)
        self.odd += bool(raw)
        return None

    def _trimmed(self, raw: bytes) -> bytes:
        """Drop what may stand before a message: spare line ends, the greeting, lines that are no header."""
        for line, start in _lines(raw):
            if line.startswith(_BANNER):
                self.banner = line.decode("utf-8", "replace")
            elif line.startswith((b"Event: ", b"Response: ")):
                return raw[start:]
            elif line:
                self.odd += 1
        return b""


def _lines(raw: bytes) -> Iterator[tuple[bytes, int]]:
    start = 0
    for line in raw.split(b"\r\n"):
        yield line, start
        start += len(line) + 2


def _first_value(raw: bytes, start: int) -> bytes:
    end = raw.find(b"\r\n", start)
    return raw[start:end] if end >= 0 else raw[start:]


def _parse(text: str) -> dict[str, str | list[str]]:
    lines = text.split("\r\n")
    try:
        fields: dict[str, Any] = dict([line.split(": ", 1) for line in lines])
    except ValueError:
        return _parse_line_by_line(lines)
    # A header that came twice, or a colon of its own in a name: then every line is looked at.
    return fields if len(fields) == len(lines) and ":" not in "".join(fields) else _parse_line_by_line(lines)


def _parse_line_by_line(lines: Iterable[str]) -> dict[str, str | list[str]]:
    fields: dict[str, str | list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            continue
        if value.startswith(" "):
            value = value[1:]
        known = fields.get(name)
        if known is None:
            fields[name] = value
        elif isinstance(known, str):
            fields[name] = [known, value]
        else:
            known.append(value)
    return fields
