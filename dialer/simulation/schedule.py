"""When things happen on the simulated node: by the event loop, or in a time of its own that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from dialer.simulation.ports import Timer
from dialer.types import Clock

Action = Callable[[], None]


class LoopScheduler:
    """Runs on the event loop; a business second takes 1 / `clock.speed` of a real one."""

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop

    def now(self) -> datetime:
        """Return business time."""
        return self._clock.now()

    def later(self, seconds: float, action: Action) -> Timer:
        """Do something after so many business seconds."""
        if seconds <= 0:
            return self._loop.call_soon(action)
        return self._loop.call_later(seconds / self._clock.speed, action)


@dataclass(slots=True, eq=False)
class _Planned:
    action: Action
    cancelled: bool = field(default=False)

    def cancel(self) -> None:
        self.cancelled = True


class VirtualScheduler:
    """A time that only moves when told: everything due happens at once, in order, without waiting."""

    def __init__(self, start: datetime = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._planned: list[tuple[datetime, int, _Planned]] = []
        self._serial = 0

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._now

    def later(self, seconds: float, action: Action) -> Timer:
        """Do something when time has moved so far."""
        self._serial += 1
        planned = _Planned(action)
        heappush(self._planned, (self._now + timedelta(seconds=max(0.0, seconds)), self._serial, planned))
        return planned

    def forward(self, seconds: float = 0.0) -> None:
        """Move time on; what falls due on the way happens at its moment."""
        end = self._now + timedelta(seconds=seconds)
        while self._planned and self._planned[0][0] <= end:
            at, _, planned = heappop(self._planned)
            self._now = at
            if not planned.cancelled:
                planned.action()
        self._now = end
