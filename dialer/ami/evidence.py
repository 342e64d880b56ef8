"""What Asterisk's own call log (CEL) says became of a call while nobody listened.

The node writes one line per happening; after a crash or a lost connection this is how an attempt is closed with
its true end. The file is read from where it gets interesting, never as a whole.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from dialer.types import Unavailable

CEL_MAPPING: Final = ",".join(
    f"${{CSV_QUOTE(${{{variable}}})}}"
    for variable in (
        "eventenum",
        "eventtime",
        "CHANNEL(uniqueid)",
        "CHANNEL(linkedid)",
        "CHANNEL(channame)",
        "CHANNEL(context)",
        "userdeftype",
        "eventextra",
    )
)
"""The line format for cel_custom.conf; needs cel.conf without `dateformat`, so that times are epoch seconds."""

CEL_EVENTS: Final = ("CHAN_START", "ANSWER", "BRIDGE_ENTER", "HANGUP", "CHAN_END", "USER_DEFINED")
"""What cel.conf must log."""

ABANDONED: Final = "DIALER_ABANDONED"
"""The dialplan calls CELGenUserEvent with this name before it plays the abandonment message."""

MACHINE: Final = "DIALER_MACHINE"
"""The dialplan calls CELGenUserEvent with this name when AMD() says MACHINE."""

_COLUMNS = 8
_BLOCK = 1 << 20
_PROBE_LINES = 32
_MARGIN = timedelta(seconds=60)
"""Clocks of node and dialer may differ by this much, and lines of one moment may be out of order."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one channel; `ended_at` None means the log does not know its end."""

    call_id: str
    started_at: datetime | None = None
    answered_at: datetime | None = None
    bridged_at: datetime | None = None
    abandoned: bool = False
    machine: bool = False
    ended_at: datetime | None = None
    cause: int | None = None


def read_evidence(path: Path, since: datetime, ids: frozenset[str]) -> dict[str, Evidence]:
    """Return what the node's log says about these calls from `since` on; calls without a trace are left out.

    Blocking: run it in a thread. Follows one rotation (`<file>.1`). Raises Unavailable when there is no log to read:
    then nobody knows, which is not the same as no trace.
    """
    try:
        return fold(_lines(path, since - _MARGIN), ids)
    except OSError as exc:
        raise Unavailable(
            f"{path}: the call log of the node cannot be read ({exc.strerror}); "
            "check evidence_file of the node, and cel.conf and cel_custom.conf on it",
            error_id="evidence-unavailable",
        ) from exc


def fold(lines: Iterable[str], ids: frozenset[str]) -> dict[str, Evidence]:
    """Gather the log's lines about these calls; half-written and foreign lines are passed over."""
    found: dict[str, Evidence] = {}
    for line in lines:
        row = _row(line)
        if row is None or row[2] not in ids:
            continue
        at = _time(row[1])
        if at is not None:
            found[row[2]] = _told(found.get(row[2]) or Evidence(row[2]), row, at)
    return found


def _told(known: Evidence, row: list[str], at: datetime) -> Evidence:
    match row[0]:
        case "CHAN_START":
            return replace(known, started_at=known.started_at or at)
        case "ANSWER":
            return replace(known, answered_at=known.answered_at or at)
        case "BRIDGE_ENTER":
            return replace(known, bridged_at=known.bridged_at or at)
        case "HANGUP":
            return replace(known, ended_at=known.ended_at or at, cause=_cause(row[7]))
        case "CHAN_END":
            return replace(known, ended_at=known.ended_at or at)
        case "USER_DEFINED":
            return replace(
                known, abandoned=known.abandoned or row[6] == ABANDONED, machine=known.machine or row[6] == MACHINE
            )
        case _:
            return known


def _row(line: str) -> list[str] | None:
    # A line the node is still writing has no line end yet, or lacks columns.
    if not line.endswith("\n"):
        return None
    try:
        row = next(csv.reader([line.rstrip("\r\n")], strict=True), [])
    except csv.Error:
        return None
    return row if len(row) == _COLUMNS else None


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _cause(extra: str) -> int | None:
    try:
        cause = json.loads(extra)["hangupcause"]
    except (ValueError, KeyError, TypeError):
        return None
    return cause if isinstance(cause, int) else None


def _lines(path: Path, since: datetime) -> Iterator[str]:
    rotated = path.with_name(f"{path.name}.1")
    if not path.exists() and not rotated.exists():
        raise FileNotFoundError(2, "no such file", str(path))
    # Only when this file does not reach back to `since` is the rotated one of interest.
    if rotated.exists() and not (path.exists() and _reaches_back(path, since)):
        yield from _tail(rotated, since)
    if path.exists():
        yield from _tail(path, since)


def _reaches_back(path: Path, since: datetime) -> bool:
    with path.open("rb") as log:
        return _is_older(log, since)


def _tail(path: Path, since: datetime) -> Iterator[str]:
    with path.open("rb") as log:
        log.seek(_first_of_interest(log, since, log.seek(0, 2)))
        for line in log:
            yield line.decode("utf-8", "replace")


def _first_of_interest(log: BinaryIO, since: datetime, size: int) -> int:
    """Return an offset before which everything is older than `since`, in ever longer steps from the end."""
    step, start = _BLOCK, size
    while start > 0:
        start = max(0, size - step)
        log.seek(start)
        if start:
            log.readline()
        whole_line = log.tell()
        if _is_older(log, since):
            return whole_line
        step *= 2
    return 0


def _is_older(log: BinaryIO, since: datetime) -> bool:
    """Tell whether the first readable line from here was written before `since`."""
    for _ in range(_PROBE_LINES):
        row = _row(log.readline().decode("utf-8", "replace"))
        at = _time(row[1]) if row else None
        if at is not None:
            return at < since
    return False
