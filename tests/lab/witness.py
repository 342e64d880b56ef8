"""What the engine's log and books tell, read from outside: a command costs a second, a look costs nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from dialer.cli.door import ask_engine
from tests.lab.processes import LabError, eventually
from tests.lab.service import Service

Line = dict[str, Any]
Row = dict[str, Any]


class Witness:
    """Reads one service while it works; `order` sends what a command sends, without a process of its own."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def lines(self) -> list[Line]:
        """Return the engine's log, line by line."""
        text = self._service.engine.output
        whole = text[: text.rfind("\n") + 1]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def said(self, event: str, **fields: Any) -> list[Line]:
        """Return the log lines of this event with these fields."""
        return [
            line
            for line in self.lines()
            if line.get("event") == event and all(line.get(key) == value for key, value in fields.items())
        ]

    def hears(self, event: str, timeout_s: float = 20, *, count: int = 1, **fields: Any) -> Line:
        """Wait until the engine logged this `count` times; return the last of them."""
        what = f"{count} x {event} {fields}"

        def found() -> list[Line]:
            lines = self.said(event, **fields)
            return lines if len(lines) >= count else []

        return eventually(found, what, timeout_s, self._service.engine.log)[count - 1]

    def moment(self, line: Line) -> datetime:
        """Return when a line was logged."""
        return datetime.fromisoformat(line["timestamp"])

    def rows(self, query: str, *values: Any) -> list[Row]:
        """Ask the books."""
        file = self._service.config.home / "dialer.db"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as books:
            books.row_factory = sqlite3.Row
            return [dict(row) for row in books.execute(query, values)]

    def attempts(self, campaign: str) -> list[Row]:
        """Return the attempts of a campaign, oldest first; flags as a list, moments as aware datetimes."""
        query = "SELECT * FROM attempts WHERE campaign = ? ORDER BY intent_at, call_id"
        return [_told(row) for row in self.rows(query, campaign)]

    def ended(self, campaign: str, count: int, timeout_s: float = 40) -> list[Row]:
        """Wait until so many attempts of a campaign have an outcome in the books; return all of its attempts."""

        def found() -> list[Row]:
            rows = self.attempts(campaign)
            return rows if sum(1 for row in rows if row["outcome"]) >= count else []

        return eventually(found, f"{count} attempts of {campaign} ended", timeout_s, self._service.engine.log)

    def attempt(self, campaign: str, phone: str) -> Row:
        """Return the one attempt to a phone."""
        found = [row for row in self.attempts(campaign) if row["phone"] == phone]
        if len(found) != 1:
            raise LabError(f"{len(found)} attempts to {phone}, not one")
        return found[0]

    def order(self, kind: str, **payload: Any) -> dict[str, Any]:
        """Send an order to the engine and return its answer; raises as the command would fail."""
        return ask_engine(self._service.config, kind, 10.0, **payload)

    def agent(self, name: str, state: str, timeout_s: float = 20, *, count: int = 1) -> Line:
        """Wait until an agent came into a state `count` times."""
        return self.hears("agent", timeout_s, count=count, agent=name, state=state)


def _told(row: Row) -> Row:
    moments = {key: _moment(value) for key, value in row.items() if key.endswith("_at")}
    return {**row, **moments, "flags": json.loads(row["flags"])}


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds(row: Row, first: str, last: str) -> float:
    """Return the seconds between two moments of an attempt."""
    return float((row[last] - row[first]).total_seconds())


def numbers(prefix: int, digits: Sequence[int]) -> list[str]:
    """Return one Argentine number for each ending; `prefix` (0 to 99) keeps the stories of a module apart."""
    return [f"+54116{prefix:02d}{place:02d}{tail:03d}" for place, tail in enumerate(digits)]
