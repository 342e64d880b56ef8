"""The Pacer: asked several times a second how many calls to place, and why."""

from __future__ import annotations

from math import ceil, floor, inf, isfinite, nan

import numpy as np

from dialer.pacing.bucket import TokenBucket
from dialer.pacing.facts import Fact
from dialer.pacing.lines import Counts, count, line_room, wish
from dialer.pacing.policy import MODES, PacingPolicy, PolicyError
from dialer.pacing.snapshot import Decision, Snapshot

TICK_S = 0.5


class Pacer:
    """Decides for one campaign and skill group; no clock and no I/O, so the same facts give the same calls.

    Never more calls not yet joined than `max_lines_per_agent` per logged-in agent, never more than
    `max_calls_per_s`, none without agents. No call is cancelled by these modes.
    """

    def __init__(self, policy: PacingPolicy, prior: None = None) -> None:
        """Start with a policy; raises PolicyError for a mode there is not. These modes learn nothing: no prior."""
        self._policy = _possible(policy)
        self._credit = _credit(policy)

    @property
    def tick_s(self) -> float:
        """Seconds between two decisions."""
        return TICK_S

    @property
    def policy(self) -> PacingPolicy:
        """The policy in force."""
        return self._policy

    def apply(self, policy: PacingPolicy) -> None:
        """Put a policy in force from the next decision on; raises PolicyError and keeps the old one."""
        _possible(policy)
        if policy.max_calls_per_s != self._policy.max_calls_per_s:
            # Turning the knob to and fro must not earn calls: only what was left goes on.
            fresh = _credit(policy)
            self._credit = TokenBucket(fresh.rate, fresh.burst, level=min(self._credit.level, fresh.burst))
        self._policy = policy

    def observe(self, fact: Fact) -> None:
        """Hear what happened. These modes steer by the snapshot alone, so a late or repeated fact is harmless."""

    def decide(self, snapshot: Snapshot) -> Decision:
        """Return how many calls to place now; 0 with the reason when the snapshot makes no sense."""
        if not isfinite(snapshot.now):
            return _decision(0, 0.0, "No call: the time is unknown.")
        counts = count(snapshot)
        if counts.logged_in == 0:
            return _decision(0, 0.0, "No call: no agent is logged in.")
        wanted = wish(self._policy, counts, snapshot.budgets)
        dial, cap = self._capped(wanted.dial, counts, snapshot.now)
        sentence = f"{_calls(dial)}: {wanted.why}{f'; {cap}' if cap else ''}."
        return _decision(dial, _risk(counts, dial), sentence)

    def _capped(self, wanted: int, counts: Counts, now: float) -> tuple[int, str]:
        """Return what the caps leave of the calls wanted, and the cap that bit."""
        room = min(wanted, floor(min(line_room(self._policy, counts), 1e9)))
        granted, self._credit = self._credit.take(min(room, self._most_at_once()), now)
        if granted < room:
            return granted, f"{wanted} wanted, {self._policy.max_calls_per_s:g} calls per second allowed"
        if room < wanted:
            return granted, f"{wanted} wanted, {self._policy.max_lines_per_agent:g} lines per agent allowed"
        return granted, ""

    def _most_at_once(self) -> int:
        """Return the most calls of one decision: a tick's worth, whatever was saved up before."""
        worth = self._policy.max_calls_per_s * TICK_S
        return 10**9 if worth == inf else ceil(worth)


def _possible(policy: PacingPolicy) -> PacingPolicy:
    if policy.mode not in MODES:
        raise PolicyError(f"pacing mode {policy.mode!r} is not available; choose one of {', '.join(MODES)}")
    return policy


def _credit(policy: PacingPolicy) -> TokenBucket:
    """Return a bucket that holds one tick's calls and the fraction carried from the tick before."""
    rate = policy.max_calls_per_s
    return TokenBucket(rate, burst=rate * TICK_S + 1 if rate > 0 else 0.0)


def _risk(counts: Counts, dial: int) -> float:
    """Return 0 while every call has its agent; beyond that these modes do not estimate it."""
    return 0.0 if counts.in_flight + dial <= counts.ready else nan


def _decision(dial: int, risk: float, reason: str) -> Decision:
    return Decision(dial=dial, cancel=np.empty(0, dtype=np.int64), reason=reason, risk=risk)


def _calls(dial: int) -> str:
    return "No more calls" if dial == 0 else f"{dial} more call" + ("s" if dial > 1 else "")
