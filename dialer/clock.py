"""The clock of the running service; the only place that reads the machine's time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def _machine_time() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - the Clock itself


class SystemClock:
    """Business time equal to the machine's, for production and for tests on real servers."""

    speed = 1.0

    def now(self) -> datetime:
        """Return the machine's time, aware, in UTC."""
        return _machine_time()

    def monotonic(self) -> float:
        """Return unscaled seconds for deadlines."""
        return time.monotonic()


class ScaledClock:
    """Business time that runs `speed` times as fast as the machine's: `starts_at` is the moment of `anchor`.

    Every process that is given the same three values tells the same time. For a simulated Asterisk only.
    """

    def __init__(self, speed: float, starts_at: datetime, anchor: datetime) -> None:
        self.speed = speed
        self._starts_at = starts_at.astimezone(UTC)
        self._anchor = anchor.astimezone(UTC)

    def now(self) -> datetime:
        """Return the business time of this moment, aware, in UTC."""
        return self._starts_at + (_machine_time() - self._anchor) * self.speed

    def monotonic(self) -> float:
        """Return unscaled seconds for deadlines."""
        return time.monotonic()
