"""Orders about pacing: turn a knob while calls are up, and explain why the dialer did what it did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from dialer.engine.books import Books
from dialer.engine.lane import Lane
from dialer.validation import moment

MOST_ENTRIES = 600
"""Decisions of one answer: five minutes of them; older ones are asked for by their moment."""


class Steering:
    """Pacing of running campaigns, as supervisors steer it."""

    def __init__(self, books: Books, lanes: Callable[[], list[Lane]], refresh: Callable[[], Awaitable[None]]) -> None:
        self._books = books
        self._lanes = lanes
        self._refresh = refresh

    async def turn(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the knobs and put them in force before the next decision; a campaign at rest takes them along."""
        name = str(payload["campaign"])
        config = await self._books.set_pacing(name, dict(payload["knobs"]))
        await self._refresh()
        return {"campaign": name, "pacing": config.pacing.model_dump(mode="json")}

    async def explain(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the newest decisions of a campaign, or those in force at a moment, by node."""
        name = str(payload["campaign"])
        lanes = [lane for lane in self._lanes() if lane.name == name]
        if at := payload.get("at"):
            when = moment(str(at))
            found = {lane.node: [entry] if (entry := lane.diary.at(when)) else [] for lane in lanes}
        else:
            count = min(int(payload.get("count") or 1), MOST_ENTRIES)
            found = {lane.node: lane.diary.last(count) for lane in lanes}
        return {
            "campaign": name,
            "decisions": {node: [entry.plain() for entry in entries] for node, entries in found.items()},
        }
