"""What is seen of the running demo at one moment. Pure data, from the engine's status and the books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dialer.call import Stage
from dialer.routing import AgentState

LIMIT = 0.03
WINDOW = "day"


@dataclass(frozen=True, slots=True)
class Books:
    """What the database holds of the attempts so far."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    promises: int = 0

    @property
    def attempts(self) -> int:
        """How many attempts have ended."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Sight:
    """One moment: agents by state, calls by stage, what came of them, the figures, and why so many calls are placed."""

    now: datetime
    speed: float
    left_s: float
    agents: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    books: Books = Books()
    utilisation: float | None = None
    idle_wait_s: float | None = None
    live: int = 0
    abandoned: int = 0
    limit: float = LIMIT
    pacing: str = ""
    gate: str = ""

    @property
    def abandonment(self) -> float | None:
        """Abandoned calls as a share of live answers; None before the first live answer."""
        return self.abandoned / self.live if self.live else None

    @property
    def in_flight(self) -> int:
        """Calls up now."""
        return sum(self.calls.values())


def sight(
    status: Mapping[str, Any], campaign: str, books: Books, *, now: datetime, speed: float, left_s: float
) -> Sight:
    """Return what an engine's status says of a campaign, which may not be there yet."""
    lane: Mapping[str, Any] = status.get("campaigns", {}).get(campaign, {})
    hours: Mapping[str, Any] = lane.get("hours", {})
    tally: Mapping[str, Any] = lane.get("abandonment", {}).get(WINDOW, {})
    return Sight(
        now=now,
        speed=speed,
        left_s=left_s,
        agents=_in_order(lane.get("agents", {}), [state.value for state in AgentState]),
        calls=_in_order(lane.get("calls", {}), [stage.value for stage in Stage]),
        books=books,
        utilisation=hours.get("utilisation"),
        idle_wait_s=hours.get("mean_idle_wait_s"),
        live=int(tally.get("live", 0)),
        abandoned=int(tally.get("abandoned", 0)),
        limit=float(tally.get("limit", LIMIT)),
        pacing=str(lane.get("pacing") or ""),
        gate=str(lane.get("gate") or ""),
    )


def _in_order(counts: Mapping[str, int], names: list[str]) -> dict[str, int]:
    return {name: counts[name] for name in names if counts.get(name)}
