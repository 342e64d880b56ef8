"""Predictive: as many calls as the risk allows that the next live answer finds no agent, and a few cancelled in time.

After the old art of weighing every busy agent by the chance to be free within a window (EIS, 1990s, expired) and of
cancelling calls when agents run short (ITC, 1994, expired); here the balance of both is a distribution, not a mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from dialer.pacing.budget import Allowance
from dialer.pacing.learning import Learning
from dialer.pacing.lines import Counts, largeness
from dialer.pacing.outlook import MIDDLE, NEAR, QUANTILES
from dialer.pacing.policy import PacingPolicy
from dialer.pacing.shortage import shortage
from dialer.pacing.snapshot import Floats, Indexes, Snapshot, Stage

CANCEL_RISK, CANCEL_RISK_OF_LARGE = 0.1, 0.15
"""Calls are cancelled while the near risk is above this, in a small team and in a large one.

A ringing call is worth more than a new one.
"""
CAUTION = 0.2
"""Standard deviations of the answer rate by which it is taken higher than it looks."""
UNSURE = 2.0
"""Answers feared beside those known: a rate seen in a few answers is no rate for hundreds of calls."""
FEWEST_KNOWN = 5.0
"""Live answers to be seen before more than one call per free agent is placed."""
ANSWERS_A_LINE = 6.0
"""Each so many live answers seen allow one more call in flight for an agent who will be free soon."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What the forecast says: calls to place, calls to cancel, and the figures behind both.

    `risk` is that of the marginal live answer after the calls placed; `free` and `live` are agents and answers
    expected within `horizon_s`.
    """

    dial: int
    cancel: Indexes
    risk: float
    theta: float
    free: float
    live: float
    horizon_s: float
    answer_rate: float
    why: str


NOTHING: Indexes = np.empty(0, dtype=np.int64)


def plan(seen: Snapshot, policy: PacingPolicy, counts: Counts, learned: Learning, allowed: Allowance) -> Outcome:
    """Return how many calls to place and which to cancel; caps are the caller's."""
    caution = _caution(learned.known)
    agents = learned.release.chances(seen)
    calls = learned.outlook.chances(seen, np.minimum(learned.odds(seen.call_answer_odds) * caution, 0.97))
    spare = counts.ready - counts.waiting
    balance = shortage(agents[:, :QUANTILES], calls[:, :QUANTILES], spare)
    fresh = learned.outlook.fresh[:QUANTILES]
    free = counts.ready + float(agents[:, MIDDLE].sum())
    limit, why = _most(counts, free, learned, allowed)
    odds = np.minimum(_next_odds(seen, learned, limit) * caution, 0.97)
    dial, risk = balance.fill(odds[:, None] * fresh, allowed.theta)
    near = slice(NEAR, NEAR + 1)
    bearable = CANCEL_RISK + (CANCEL_RISK_OF_LARGE - CANCEL_RISK) * largeness(counts.logged_in)
    chances = agents[:, near], calls[:, near], spare
    cancel = _cancelled(seen, policy, chances, bearable) if dial == 0 else NOTHING
    return Outcome(
        dial=dial,
        cancel=cancel,
        risk=risk,
        theta=allowed.theta,
        free=free,
        live=counts.waiting + float(calls[:, MIDDLE].sum()),
        horizon_s=float(learned.outlook.horizons_s[MIDDLE]),
        answer_rate=learned.answer_rate,
        why=why,
    )


def _caution(known: float) -> float:
    """Return the factor by which answers are expected above the rate, as long as few are known."""
    known = max(known, 1.0)
    return 1 + CAUTION / sqrt(known) + UNSURE / known


def _most(counts: Counts, free_soon: float, learned: Learning, allowed: Allowance) -> tuple[int, str]:
    """Return the most calls of this decision, and why it is only one per free agent where it is."""
    one_each = max(counts.free - counts.under_way, 0)
    if allowed.tight:
        return one_each, allowed.tight
    if learned.known < FEWEST_KNOWN:
        return one_each, "the answer rate is not known yet"
    # A rate seen in a few answers is not to be trusted with hundreds of calls.
    trusted = int(free_soon * (1 + learned.known / ANSWERS_A_LINE)) - counts.under_way
    return max(one_each, min(trusted, 2 * counts.logged_in + 8)), ""


def _next_odds(seen: Snapshot, learned: Learning, calls: int) -> Floats:
    """Return the odds of the leads of the next calls; beyond those told they are unknown."""
    odds = np.full(calls, learned.answer_rate)
    told = seen.next_answer_odds[:calls]
    odds[: told.size] = learned.odds(told)
    return odds


def _cancelled(seen: Snapshot, policy: PacingPolicy, near: tuple[Floats, Floats, int], bearable: float) -> Indexes:
    """Return the calls to cancel, so that those left are not too many for the near future: the longest ringing go."""
    agents, calls, spare = near
    rung = seen.now - seen.call_stage_since
    ringing = (seen.call_stage == Stage.RINGING) & (rung >= policy.min_ring_s) & np.isfinite(seen.call_stage_since)
    candidates = np.flatnonzero(ringing)
    if candidates.size == 0 or float(shortage(agents, calls, spare).risk()[0]) <= bearable:
        return NOTHING
    candidates = candidates[np.argsort(rung[candidates], kind="stable")]
    kept = np.ones(len(calls), dtype=np.bool_)
    kept[candidates] = False
    room, risk = shortage(agents, calls[kept], spare).fill(calls[candidates], bearable)
    # The last one added is the one too many.
    return candidates[max(room - (risk > bearable), 0) :]
