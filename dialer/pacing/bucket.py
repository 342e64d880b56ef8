"""How fast a trunk, or a campaign, may place calls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import floor, inf, isfinite, isnan

from dialer.types import DialerError


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """At most `rate` calls a second and `burst` at once; fractions are kept, so 0.3 a second means 3 in 10 s.

    Never hands out more than rate x t + burst over any t seconds, however it is asked.
    """

    rate: float
    burst: float
    level: float = field(default=inf)
    at: float = field(default=-inf)

    def __post_init__(self) -> None:
        """Start full; raises DialerError for a rate or burst that is negative or not a number."""
        if isnan(self.rate) or isnan(self.burst) or self.rate < 0 or self.burst < 0:
            raise DialerError(f"rate {self.rate!r} and burst {self.burst!r} must be 0 or more", error_id="rate")
        object.__setattr__(self, "level", min(self.level, self.burst))

    def take(self, n: int, now: float) -> tuple[int, TokenBucket]:
        """Return how many of n calls may be placed at `now` (seconds), and the bucket after them.

        A clock that jumps back adds nothing and goes on from there; a jump ahead never adds more than the burst.
        """
        if not isfinite(now):
            return 0, self
        level = self._level(now)
        granted = max(n, 0) if level == inf else min(max(n, 0), floor(level))
        return granted, replace(self, level=level - granted, at=now)

    def give_back(self, n: int) -> TokenBucket:
        """Return the bucket after n calls that were granted and not placed."""
        return replace(self, level=self.level + max(n, 0))

    def _level(self, now: float) -> float:
        elapsed = now - self.at
        if not isfinite(elapsed):  # the first call ever
            return self.level
        earned = self.rate * elapsed if elapsed > 0 else 0.0
        return min(self.burst, self.level + earned)
