"""What agents' hours went into, summed exactly from their changes of state. Pure: facts in, figures out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dialer.routing import Agent, AgentState

BUSY = (AgentState.TALKING, AgentState.WRAP_UP)
IDLE = (AgentState.READY, AgentState.RESERVED)
AT_WORK = (*BUSY, *IDLE, AgentState.PAUSED)


@dataclass(frozen=True, slots=True)
class Figures:
    """Business seconds of one campaign's agents by state, conversations begun, and the waits between them."""

    seconds: Mapping[AgentState, float]
    conversations: int = 0
    waits: int = 0
    waited_s: float = 0.0

    @property
    def utilisation(self) -> float | None:
        """Talk and wrap-up, as a share of the time logged in and not paused; None before there is any."""
        busy = sum(self.seconds[state] for state in BUSY)
        present = busy + sum(self.seconds[state] for state in IDLE)
        return busy / present if present > 0 else None

    @property
    def mean_idle_wait_s(self) -> float | None:
        """Seconds between the end of one conversation's wrap-up and the next conversation; None before the first."""
        return self.waited_s / self.waits if self.waits else None


@dataclass(slots=True)
class _Shift:
    """The sums of one campaign."""

    seconds: dict[AgentState, float] = field(default_factory=lambda: dict.fromkeys(AT_WORK, 0.0))
    conversations: int = 0
    waits: int = 0
    waited_s: float = 0.0


class Hours:
    """Hears every change of every agent; grows with agents and campaigns only.

    A wait is what an agent spends ready between two conversations; a pause in between is not part of it, a logout
    ends it uncounted. Sums begin with the engine.
    """

    def __init__(self) -> None:
        self._shifts: defaultdict[str, _Shift] = defaultdict(_Shift)
        self._waiting: dict[str, float] = {}

    def moved(self, before: Agent, after: Agent) -> None:
        """Add the time an agent spent in the state just left."""
        if before.state is after.state and before.since == after.since:
            return
        shift = self._shifts[before.campaign]
        if before.state in AT_WORK and before.since is not None and after.since is not None:
            spent_s = max((after.since - before.since).total_seconds(), 0.0)
            shift.seconds[before.state] += spent_s
            if before.state in IDLE and before.name in self._waiting:
                self._waiting[before.name] += spent_s
        self._follow_wait(before, after, shift)

    def _follow_wait(self, before: Agent, after: Agent, shift: _Shift) -> None:
        if after.state is AgentState.TALKING and before.state is not AgentState.TALKING:
            shift.conversations += 1
            if (waited_s := self._waiting.pop(after.name, None)) is not None:
                shift.waits += 1
                shift.waited_s += waited_s
        elif before.state in BUSY and after.state not in BUSY:
            self._waiting[after.name] = 0.0
        if after.state is AgentState.LOGGED_OUT:
            self._waiting.pop(after.name, None)

    def figures(self, campaign: str, agents: Iterable[Agent], now: datetime) -> Figures:
        """Return a campaign's figures at this moment; `agents` are those working on it now."""
        shift = self._shifts.get(campaign, _Shift())
        seconds = dict(shift.seconds)
        for agent in agents:
            if agent.state in AT_WORK and agent.since is not None:
                seconds[agent.state] += max((now - agent.since).total_seconds(), 0.0)
        return Figures(seconds, shift.conversations, shift.waits, shift.waited_s)
