"""How many calls each mode wants, before caps: plain arithmetic on counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from dialer.pacing.policy import PacingPolicy
from dialer.pacing.snapshot import Budget, Snapshot, Stage

SMALL, LARGE = 50, 100
"""Agents up to which a team is small, and from which it is large."""


def largeness(agents: int) -> float:
    """Return where a team stands between small (0) and large (1)."""
    return min(max((agents - SMALL) / (LARGE - SMALL), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Counts:
    """Agents and calls of one moment; `in_flight` are calls not yet joined, `waiting` those of them answered live."""

    ready: int
    logged_in: int
    in_flight: int
    waiting: int

    @property
    def free(self) -> int:
        """Agents for whom nobody waits yet."""
        return max(self.ready - self.waiting, 0)

    @property
    def under_way(self) -> int:
        """Calls that may still be answered."""
        return self.in_flight - self.waiting


def count(snapshot: Snapshot) -> Counts:
    """Count agents and calls; arrays of different length count as the longest, which dials less."""
    ready = int(snapshot.ready_since.size)
    waiting = int((snapshot.call_stage == Stage.WAITING).sum())
    return Counts(
        ready=ready,
        logged_in=ready + int(snapshot.talking_since.size) + int(snapshot.wrapping_since.size),
        in_flight=max(int(snapshot.call_stage.size), int(snapshot.call_dialled_at.size)),
        waiting=waiting,
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a mode wants before caps, and why; `per_agent` is how many calls ring for one free agent."""

    dial: int
    per_agent: float
    why: str


def wish(policy: PacingPolicy, counts: Counts, budgets: tuple[Budget, ...]) -> Wish:
    """Return how many calls the mode wants placed now."""
    situation = f"{_n(counts.free, 'agent')} free, {_n(counts.under_way, 'call')} under way"
    if policy.mode == "preview":
        return Wish(0, 0.0, "in preview the agents start the calls themselves")
    if counts.free == 0:
        return Wish(0, 0.0, "no agent is free")
    if policy.mode == "progressive":
        return _lines(counts, 1.0, f"{situation}, one call per free agent")
    if spent := next((budget for budget in budgets if not budget.bears_one_more), None):
        brake = (
            f"{spent.abandoned:g} of {spent.live:g} live answers abandoned in {spent.window}, "
            f"one more would exceed {spent.limit:.1%}"
        )
        per_agent = min(policy.lines_per_agent, 1.0)
        return _lines(counts, per_agent, f"{situation}, only one call per free agent because {brake}")
    return _lines(counts, policy.lines_per_agent, f"{situation}, {policy.lines_per_agent:g} calls per free agent")


def _lines(counts: Counts, per_agent: float, why: str) -> Wish:
    # Half up, not to even: 1.5 lines for 3 agents are 5, for 1 agent 2.
    lines = floor(min(per_agent * counts.free, 1e9) + 0.5)
    return Wish(max(lines - counts.under_way, 0), per_agent, why)


def line_room(policy: PacingPolicy, counts: Counts) -> float:
    """Return how many more calls the line cap leaves room for (may be infinite)."""
    if counts.logged_in == 0:
        return 0
    return max(policy.max_lines_per_agent * counts.logged_in - counts.in_flight, 0)


def _n(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
