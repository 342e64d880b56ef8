"""The risk that a live answer finds no agent: P(agents free <= calls live), at several horizons at once."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dialer.pacing.poisson_binomial import MOST_EXACT, WINDOW, at_most, distribution
from dialer.pacing.snapshot import Floats

BUNDLE = 12


class Shortage(Protocol):
    """The balance of agents over calls, to which calls can be added."""

    def risk(self) -> Floats:
        """Return for each horizon the probability that nobody is left for one more live answer."""

    def fill(self, chances: Floats, allowed: float) -> tuple[int, float]:
        """Add calls in order (one row each: live within each horizon) while the mean risk before each is allowed.

        Return how many were added, and the mean risk after them.
        """


class Exact:
    """Poisson-binomial, exactly; for up to MOST_EXACT agents and calls together."""

    def __init__(self, agents: Floats, calls: Floats, spare: int) -> None:
        """Begin with the chances of agents to be free and of calls to be live; `spare` are free agents for nobody."""
        self._probabilities, first = distribution(np.vstack([agents, 1 - calls]))
        # Balance <= 0 means: agents free, and calls not live, number at most this.
        self._last = len(calls) - spare - first
        self._none = np.arange(WINDOW) <= self._last[:, None]

    def risk(self) -> Floats:
        """Return the lower tail of the balance."""
        tail: Floats = np.where(self._none, self._probabilities, 0.0).sum(axis=1)
        return tail

    def fill(self, chances: Floats, allowed: float) -> tuple[int, float]:
        """Add calls one by one."""
        added, risk = 0, float(self.risk().mean())
        while added < len(chances) and risk <= allowed:
            self._add(chances[added])
            added, risk = added + 1, float(self.risk().mean())
        return added, risk

    def _add(self, chance: Floats) -> None:
        """Move the balance down by one with this chance; what would leave the window stays at its end."""
        moving = self._probabilities * chance[:, None]
        self._probabilities -= moving
        self._probabilities[:, :-1] += moving[:, 1:]
        self._probabilities[:, 0] += moving[:, 0]


class Near:
    """Normal with the skew corrected; for large teams."""

    def __init__(self, agents: Floats, calls: Floats, spare: int) -> None:
        self._mean = spare + agents.sum(axis=0) - calls.sum(axis=0)
        self._variance = _variance(agents).sum(axis=0) + _variance(calls).sum(axis=0)
        self._third = _third(agents).sum(axis=0) - _third(calls).sum(axis=0)

    def risk(self) -> Floats:
        """Return the lower tail of the balance."""
        return at_most(0.0, self._mean, self._variance, self._third)

    def fill(self, chances: Floats, allowed: float) -> tuple[int, float]:
        """Add calls a bundle at a time: the first of a bundle whose risk is too high ends it."""
        added, risk = 0, float(self.risk().mean())
        while added < len(chances) and risk <= allowed:
            bundle = chances[added : added + BUNDLE]
            means = self._mean - np.cumsum(bundle, axis=0)
            variances = self._variance + np.cumsum(_variance(bundle), axis=0)
            thirds = self._third - np.cumsum(_third(bundle), axis=0)
            risks = at_most(0.0, means, variances, thirds).mean(axis=1)
            taken = min(int(np.argmax(risks > allowed)) + 1 if risks[-1] > allowed else len(bundle), len(bundle))
            self._mean, self._variance, self._third = means[taken - 1], variances[taken - 1], thirds[taken - 1]
            added, risk = added + taken, float(risks[taken - 1])
        return added, risk


def shortage(agents: Floats, calls: Floats, spare: int) -> Shortage:
    """Return the balance, exactly where that is quick; the choice never depends on who is free now."""
    if len(agents) + len(calls) <= MOST_EXACT:
        return Exact(agents, calls, spare)
    return Near(agents, calls, spare)


def _variance(chance: Floats) -> Floats:
    return chance * (1 - chance)


def _third(chance: Floats) -> Floats:
    return chance * (1 - chance) * (1 - 2 * chance)
