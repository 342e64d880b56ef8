"""The simulated node's call logs: CEL as `dialer.ami.evidence` reads it, and a CDR line for every finished channel."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import structlog

from dialer.simulation.ports import LoggedChannel

_ACCOUNTING: Final = "DOCUMENTATION"
_BUSY = 17
_CONGESTED = frozenset({34, 42})
_UNREACHED = frozenset({0, 1, 3, 16, 18, 19, 20, 21, 22, 28, 31})

log = structlog.get_logger(__name__)


class CallLogFiles:
    """Appends to both files, whole line by whole line: what is in them survives the death of the node.

    Times are business time, as epoch seconds in the CEL. A disk that refuses is logged once, then the node goes on
    without evidence, as Asterisk does.
    """

    def __init__(self, cel: Path, cdr: Path) -> None:
        self._cel = _LineFile(cel)
        self._cdr = _LineFile(cdr)
        self._causes: dict[str, int] = {}

    def close(self) -> None:
        """Close both files."""
        self._cel.close()
        self._cdr.close()

    def lost(self) -> None:
        """The node died: what it had not logged yet is never logged."""
        self._causes.clear()

    def chan_start(self, at: datetime, channel: LoggedChannel) -> None:
        """Log a channel that came to life."""
        self._line("CHAN_START", at, channel)

    def answer(self, at: datetime, channel: LoggedChannel) -> None:
        """Log an answer."""
        self._line("ANSWER", at, channel)

    def bridge_enter(self, at: datetime, channel: LoggedChannel, bridge_id: str) -> None:
        """Log that a channel entered a bridge."""
        self._line("BRIDGE_ENTER", at, channel, extra=json.dumps({"bridge_id": bridge_id}, separators=(",", ":")))

    def user_defined(self, at: datetime, channel: LoggedChannel, name: str, extra: str) -> None:
        """Log what the dialplan says with CELGenUserEvent."""
        told = json.dumps({"extra": extra}, separators=(",", ":")) if extra else ""
        self._line("USER_DEFINED", at, channel, name, told)

    def hangup(self, at: datetime, channel: LoggedChannel, cause: int) -> None:
        """Log a hang-up and its cause."""
        self._causes[channel.uniqueid] = cause
        extra = {"hangupcause": cause, "hangupsource": "", "dialstatus": ""}
        self._line("HANGUP", at, channel, extra=json.dumps(extra, separators=(",", ":")))

    def chan_end(self, at: datetime, channel: LoggedChannel) -> None:
        """Log that a channel is gone, with its line in the CDR."""
        self._line("CHAN_END", at, channel)
        self._cdr.write(_quoted(_cdr_row(at, channel, self._causes.pop(channel.uniqueid, 0))))

    def _line(self, event: str, at: datetime, channel: LoggedChannel, name: str = "", extra: str = "") -> None:
        when = f"{at.timestamp():.6f}"
        row = (event, when, channel.uniqueid, channel.linkedid, channel.name, channel.context, name, extra)
        self._cel.write(_quoted(row))


class _LineFile:
    """A file that is opened at its first line, appended to unbuffered, and given up when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._failed = False

    def write(self, line: str) -> None:
        if self._failed:
            return
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("a", buffering=1, encoding="utf-8", newline="")
            self._file.write(line)
        except OSError as exc:
            self._failed = True
            log.warning("call log not written any more", path=str(self._path), error=str(exc))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _quoted(values: Iterable[str]) -> str:
    return ",".join('"' + value.replace('"', '""') + '"' for value in values) + "\n"


def _cdr_row(at: datetime, channel: LoggedChannel, cause: int) -> tuple[str, ...]:
    answered = channel.answered_at
    duration = int((at - channel.created_at).total_seconds())
    billed = int((at - answered).total_seconds()) if answered else 0
    return (
        "", channel.caller, channel.exten, channel.context, f'"" <{channel.caller}>', channel.name, "",
        channel.application, channel.application_data, _stamp(channel.created_at), _stamp(answered), _stamp(at),
        str(duration), str(billed), _disposition(answered, cause), _ACCOUNTING, channel.uniqueid,
    )  # fmt: skip


def _stamp(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _disposition(answered: datetime | None, cause: int) -> str:
    if answered is not None:
        return "ANSWERED"
    if cause == _BUSY:
        return "BUSY"
    if cause in _CONGESTED:
        return "CONGESTION"
    return "NO ANSWER" if cause in _UNREACHED else "FAILED"
