"""The diary of a lane's pacing: every decision for a while, and one line a minute for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, Final

import numpy as np

from campaigns.decisions import Minute
from dialer.pacing import Decision, Snapshot
from dialer.pacing import Stage as PacingStage

KEPT: Final = 3600
"""Decisions kept in memory: half an hour at two a second."""

MINUTES_KEPT: Final = 1440
"""Minutes that wait for a database that is away; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision with what the pacer saw; `risk` None where the mode does not estimate it."""

    at: datetime
    mode: str
    dial: int
    cancelled: int
    reason: str
    risk: float | None
    agents: Mapping[str, int]
    calls: Mapping[str, int]
    budgets: Mapping[str, Mapping[str, float]]
    figures: Mapping[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return the entry as plain data for an answer or a row."""
        return {**asdict(self), "at": self.at.isoformat()}


def entry(at: datetime, mode: str, seen: Snapshot, decision: Decision, figures: Mapping[str, float]) -> Entry:
    """Return the diary's entry for a decision; figures that are no number are left out."""
    stages = np.bincount(seen.call_stage, minlength=len(PacingStage)) if seen.call_stage.size else [0] * 4
    return Entry(
        at=at,
        mode=mode,
        dial=decision.dial,
        cancelled=int(decision.cancel.size),
        reason=decision.reason,
        risk=decision.risk if isfinite(decision.risk) else None,
        agents={
            "ready": seen.ready_since.size,
            "talking": seen.talking_since.size,
            "wrapping": seen.wrapping_since.size,
        },
        calls={stage.name.lower(): int(stages[stage]) for stage in PacingStage},
        budgets={
            budget.window: {"live": budget.live, "abandoned": budget.abandoned, "limit": budget.limit}
            for budget in seen.budgets
        },
        figures={name: round(value, 6) for name, value in figures.items() if isfinite(value)},
    )


class Diary:
    """What one lane decided: the newest entries, and the minutes that are over."""

    def __init__(self, campaign_id: int, node: str) -> None:
        """Begin an empty diary of a campaign on a node."""
        self._campaign_id = campaign_id
        self._node = node
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._over: deque[Minute] = deque(maxlen=MINUTES_KEPT)
        self._running: Minute | None = None

    def write(self, new: Entry) -> None:
        """Keep a decision; the minute it belongs to counts its calls."""
        self._entries.append(new)
        minute = new.at.replace(second=0, microsecond=0)
        running = self._running
        if running is not None and running.minute != minute:
            self._over.append(running)
            running = None
        before = running or Minute(self._campaign_id, self._node, minute, 0, 0, 0, "", {})
        self._running = Minute(
            self._campaign_id,
            self._node,
            minute,
            before.decisions + 1,
            before.dialled + new.dial,
            before.cancelled + new.cancelled,
            new.reason,
            new.plain(),
        )

    def last(self, count: int) -> list[Entry]:
        """Return the newest entries, oldest first."""
        return list(self._entries)[-count:] if count > 0 else []

    def at(self, moment: datetime) -> Entry | None:
        """Return the decision in force at a moment, None when it is older than memory."""
        found = None
        for known in self._entries:
            if known.at > moment:
                break
            found = known
        return found

    def take(self, *, all_of_it: bool = False) -> list[Minute]:
        """Hand over the minutes that are over, and the running one too if `all_of_it`; `give_back` what is not kept."""
        if all_of_it and self._running is not None:
            self._over.append(self._running)
            self._running = None
        taken = list(self._over)
        self._over.clear()
        return taken

    def give_back(self, minutes: list[Minute]) -> None:
        """Take minutes again that could not be stored."""
        for minute in reversed(minutes):
            if len(self._over) == MINUTES_KEPT:
                return
            self._over.appendleft(minute)


async def store(
    diaries: Iterable[Diary], keep: Callable[[list[Minute]], Awaitable[None]], *, all_of_it: bool = False
) -> None:
    """Store the minutes that are over; what cannot be stored goes back into its diary, and the error on."""
    for diary in diaries:
        minutes = diary.take(all_of_it=all_of_it)
        try:
            if minutes:
                await keep(minutes)
        except BaseException:
            diary.give_back(minutes)
            raise
