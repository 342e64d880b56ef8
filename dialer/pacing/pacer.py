"""The Pacer: asked several times a second how many calls to place, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor, inf, isfinite, nan

import numpy as np

from dialer.pacing.bucket import TokenBucket
from dialer.pacing.budget import Control
from dialer.pacing.facts import Abandoned, Connected, Fact
from dialer.pacing.learning import Learning, Recent
from dialer.pacing.lines import Counts, count, line_room, wish
from dialer.pacing.policy import MODES, PacingPolicy, PolicyError
from dialer.pacing.predictive import Outcome, plan
from dialer.pacing.prior import Prior
from dialer.pacing.snapshot import Decision, Snapshot, tidy

TICK_S = 0.5
PATIENCE_USED = 0.5
"""The part of the patience in which a coming agent still counts; the rest is for the join."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """The figures behind a decision. NaN where the mode has none.

    `risk` of `theta` allowed; `free_agents` and `live_answers` expected within `horizon_s`; `budget_left` is how many
    more abandoned calls the tightest budget bears.
    """

    risk: float
    theta: float
    free_agents: float
    live_answers: float
    horizon_s: float
    answer_rate: float
    budget_left: float


NO_GAUGES = Gauges(nan, nan, nan, nan, nan, nan, nan)


class Pacer:
    """Decides for one campaign and skill group; no clock and no I/O, so the same facts give the same calls.

    Never more calls not yet joined than `max_lines_per_agent` per logged-in agent, never more than
    `max_calls_per_s`, none without agents. Only mode `predictive` cancels calls, after `min_ring_s` of ringing.
    It learns in every mode, so that a switch to predictive is in force, and warm, with the next decision.
    """

    def __init__(self, policy: PacingPolicy, prior: Prior | None = None) -> None:
        """Start with a policy and what history taught; raises PolicyError for a mode there is not.

        The first decision is as quick as the others: all tables are made here.
        """
        self._policy = _possible(policy)
        self._credit = _credit(policy)
        self._learned = Learning(prior or Prior.default(policy.ring_timeout_s))
        self._recent = Recent()
        self._control = Control()
        self._gauges = NO_GAUGES

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
        """Hear what happened; late, repeated and senseless facts do no harm."""
        if not self._recent.is_new(fact):
            return
        self._learned.observe(fact)
        if isinstance(fact, Connected | Abandoned):
            self._control.answered(self._policy, abandoned=isinstance(fact, Abandoned))

    @property
    def gauges(self) -> Gauges:
        """The figures behind the last decision, for monitoring and for the diary of decisions."""
        return self._gauges

    def decide(self, snapshot: Snapshot) -> Decision:
        """Return how many calls to place now; 0 with the reason when the snapshot makes no sense."""
        if not isfinite(snapshot.now):
            return _decision(0, 0.0, "No call: the time is unknown.")
        seen = tidy(snapshot)
        counts = count(seen)
        self._learned.watch(seen, PATIENCE_USED * self._policy.patience_s, self._policy.min_ring_s)
        if counts.logged_in == 0:
            return _decision(0, 0.0, "No call: no agent is logged in.")
        if self._policy.mode == "predictive":
            return self._predict(seen, counts)
        self._gauges = replace(NO_GAUGES, answer_rate=self._learned.answer_rate)
        wanted = wish(self._policy, counts, snapshot.budgets)
        dial, cap = self._capped(wanted.dial, counts, snapshot.now)
        sentence = f"{_calls(dial)}: {wanted.why}{f'; {cap}' if cap else ''}."
        return _decision(dial, _risk(counts, dial), sentence)

    def _predict(self, seen: Snapshot, counts: Counts) -> Decision:
        hopeless = max(counts.waiting - counts.ready, 0) / 2
        allowed = self._control.allowance(self._policy, seen.budgets, hopeless, counts.logged_in)
        planned = plan(seen, self._policy, counts, self._learned, allowed)
        dial, cap = self._capped(planned.dial, counts, seen.now)
        self._gauges = Gauges(
            risk=planned.risk,
            theta=planned.theta,
            free_agents=planned.free,
            live_answers=planned.live,
            horizon_s=planned.horizon_s,
            answer_rate=planned.answer_rate,
            budget_left=allowed.left,
        )
        limits = "; ".join(part for part in (planned.why and f"one call per free agent: {planned.why}", cap) if part)
        return Decision(dial, planned.cancel, _sentence(dial, planned, counts, limits), planned.risk)

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


def _sentence(dial: int, planned: Outcome, counts: Counts, limits: str) -> str:
    """Return what a supervisor reads: what is done, and the forecast it rests on."""
    dropped = f", {len(planned.cancel)} cancelled" if len(planned.cancel) else ""
    return (
        f"{_calls(dial)}{dropped}: {planned.free:.1f} agents free within {planned.horizon_s:.0f} s, "
        f"{counts.under_way} calls in flight of which {planned.live:.1f} live by then, at {planned.answer_rate:.0%}; "
        f"risk {planned.risk:.1%}, {planned.theta:.1%} allowed{f'; {limits}' if limits else ''}."
    )


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
