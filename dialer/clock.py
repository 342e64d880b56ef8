"""The clock of the running service; the only place that reads the machine's time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """Business time equal to the machine's, for production and for tests on real servers."""

    speed = 1.0

    def now(self) -> datetime:
        """Return the machine's time, aware, in UTC."""
        return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - the Clock itself

    def monotonic(self) -> float:
        """Return unscaled seconds for deadlines."""
        return time.monotonic()
