"""The answer rate of now: live answers seen against those expected, remembered for a while, forgotten at a change."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

SLOW_S, SLOW_ANSWERS = 2400.0, 200.0
"""The rate is that of the last `SLOW_ANSWERS` expected answers, and at most that long."""
FAST_S, FAST_ANSWERS = 150.0, 30.0
RISEN, FALLEN = 2.8, 3.2
"""Standard deviations between the fast and the slow memory that mean a change; a rise is the dangerous one."""
SETTLED_S = 300.0
"""Before that, and after a change, the way of calls is learned yet: what looks like a change is not one."""
FEWEST = 5.0
"""Expected answers below which the fast memory says nothing."""


@dataclass(slots=True)
class Memory:
    """Live answers `seen` and `expected`, fading by time and by how much is known."""

    over_s: float
    most: float
    seen: float = 0.0
    expected: float = 0.0

    def passed(self, for_s: float, expected: float) -> None:
        """Let time pass in which so many answers were expected."""
        keep = exp(-for_s / self.over_s)
        if self.expected * keep > self.most:
            keep = self.most / self.expected
        self.seen *= keep
        self.expected = self.expected * keep + expected


class AnswerRate:
    """A factor on what was expected of each call: 1.2 means that a fifth more answer than the reference says.

    Exposure is delay-corrected by the caller: a call expects its answer only as the time passes in which calls like
    it are answered.
    """

    def __init__(self, weight: float) -> None:
        """Begin at 1, worth `weight` expected answers."""
        self._weight = weight
        self._slow, self._fast = Memory(SLOW_S, SLOW_ANSWERS), Memory(FAST_S, FAST_ANSWERS)
        self._settled_s = 0.0

    @property
    def factor(self) -> float:
        """The factor of now."""
        return (self._slow.seen + self._weight) / (self._slow.expected + self._weight)

    @property
    def seen(self) -> float:
        """The live answers that the factor rests on."""
        return self._slow.seen

    def answered(self) -> None:
        """Count a live answer."""
        self._slow.seen += 1
        self._fast.seen += 1

    def passed(self, for_s: float, expected: float) -> None:
        """Let time pass in which so many answers were expected at factor 1."""
        self._slow.passed(for_s, expected)
        self._fast.passed(for_s, expected)
        self._settled_s += for_s
        if self._changed():
            self._slow.seen, self._slow.expected = self._fast.seen, self._fast.expected
            self._weight = self._settled_s = 0.0

    def _changed(self) -> bool:
        expected = self.factor * self._fast.expected
        if expected < FEWEST or self._settled_s < SETTLED_S or self._slow.expected < 2 * self._fast.expected:
            return False
        # Fading halves the variance of a count; the slow memory is uncertain, too.
        spread = sqrt(expected / 2 * (1 + self._fast.expected / self._slow.expected))
        surprise = (self._fast.seen - expected) / spread
        return surprise > RISEN or surprise < -FALLEN
