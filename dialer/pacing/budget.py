"""How much risk a decision may take: theta, and whether the abandonment budget allows more than a call per agent."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, sqrt

from dialer.pacing.policy import PacingPolicy
from dialer.pacing.snapshot import Budget

USUAL_ANSWERS, USUAL_PER_AGENT = 400.0, 20.0
"""The live answers of a campaign day whose size nobody told, and those for each agent of a large team."""
CREDIT = 0.3
"""The part of the answers still expected that may be drawn on before they are there."""
MOST_CREDIT, MOST_CREDIT_PER_AGENT = 4.0, 0.08
"""Abandoned calls that may be drawn on at most, however large the day will be: it may end early."""
BASE = 1.45
"""Theta for one of target, when nothing is known: the marginal call risks more than the average one."""
GAIN = 0.0005
FLOOR, SPREADS = 10.0, 0.8
"""A budget that is off its target by `FLOOR + SPREADS * sqrt(live)` calls changes theta by a factor of e."""
EASE, EASE_PER_AGENT, MOST_EASE, PAY_BACK = 3.0, 0.2, 14.0, 0.15
"""Theta eases off while the limit bears only so many more abandoned calls, down to `PAY_BACK` of it.

`EASE` of them for nobody, more for each agent, `MOST_EASE` at most. A large team loses several at once: it begins
earlier, so that it hardly ever comes to one call per free agent, which costs it a fifth of its time.
"""
SLOWEST, FASTEST = 0.4, 2.5
"""Bounds of the slow factor and of the budget's."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`theta` is the risk a marginal call may run; `left` the abandoned calls that the tightest budget still bears.

    The less it bears, the less is theta; once it is exceeded, `tight` says so, and only one call
    per free agent is allowed.
    """

    theta: float
    left: float
    tight: str


class Control:
    """Turns the abandonment so far into theta: nearly constant, because utilisation is concave in it."""

    def __init__(self) -> None:
        self._live = 0
        self._abandoned = 0
        self._drift = 0.0

    def answered(self, policy: PacingPolicy, *, abandoned: bool) -> None:
        """Count a live answer that was joined or abandoned, and let theta drift towards the target."""
        self._live += 1
        self._abandoned += abandoned
        target = max(policy.abandon_target, 1e-4)
        self._drift = min(max(self._drift + GAIN * (1 - abandoned / target), -1.0), 1.0)

    def allowance(self, policy: PacingPolicy, budgets: tuple[Budget, ...], lost: float, agents: int = 0) -> Allowance:
        """Return what the tightest budget allows; `lost` are the waiting who will hardly find one of the `agents`.

        Without budgets the Pacer's own count of this run stands.
        """
        told = budgets or (Budget("this run", self._live, self._abandoned, policy.abandon_limit),)
        slack = min(_slack(policy, budget) for budget in told)
        left, spent = min(((_left(policy, budget, lost, agents), budget) for budget in told), key=lambda pair: pair[0])
        theta = policy.abandon_target * BASE * exp(self._drift) * min(max(exp(slack), SLOWEST), FASTEST)
        theta *= min(max(left / min(EASE + EASE_PER_AGENT * agents, MOST_EASE), PAY_BACK), 1.0)
        return Allowance(min(theta, 0.5), left, "" if left >= 0 else _why(policy, spent))


def _slack(policy: PacingPolicy, budget: Budget) -> float:
    """Return how far a budget is below the target, in units that do not shrink with its size."""
    live, abandoned = budget.live, budget.abandoned
    if not (isfinite(live) and isfinite(abandoned) and live >= 0):
        return 0.0
    target = min(policy.abandon_target, _limit(policy, budget))
    return (target * live - abandoned) / (FLOOR + SPREADS * sqrt(live))


def _left(policy: PacingPolicy, budget: Budget, lost: float, agents: int) -> float:
    """Return how many more abandoned calls a budget bears; less than 1 means not one."""
    live, abandoned = budget.live, budget.abandoned + lost
    if not (isfinite(live) and isfinite(abandoned) and live >= 0):
        return 0.0
    limit = _limit(policy, budget)
    usual = max(USUAL_ANSWERS, USUAL_PER_AGENT * agents)
    size = usual if policy.expected_live_answers is None else policy.expected_live_answers
    most = max(MOST_CREDIT, MOST_CREDIT_PER_AGENT * agents)
    left = limit * live + min(limit * CREDIT * max(size - live, 0.0), most) - abandoned
    # The first of a window always may: else no window could ever begin.
    return max(left, 1.0) if abandoned == 0 and limit > 0 else left


def _limit(policy: PacingPolicy, budget: Budget) -> float:
    return min(policy.abandon_limit, budget.limit) if isfinite(budget.limit) else 0.0


def _why(policy: PacingPolicy, budget: Budget) -> str:
    return (
        f"{budget.abandoned:g} of {budget.live:g} live answers abandoned in {budget.window}, "
        f"the limit is {_limit(policy, budget):.1%}"
    )
