"""Timers of the engine: named, replaceable, all ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

from dialer.types import Clock


class Timers:
    """Call back after business seconds; a timer started again under the same key replaces the old one."""

    def __init__(self, clock: Clock) -> None:
        self._speed = clock.speed
        self._handles: dict[Hashable, asyncio.TimerHandle] = {}

    def start(self, key: Hashable, seconds: float, fire: Callable[[], object]) -> None:
        """Call `fire` once, `seconds` of business time from now."""
        self.cancel(key)
        loop = asyncio.get_running_loop()
        self._handles[key] = loop.call_later(seconds / self._speed, self._fire, key, fire)

    def cancel(self, key: Hashable) -> None:
        """Forget a timer; unknown keys are fine."""
        if handle := self._handles.pop(key, None):
            handle.cancel()

    def close(self) -> None:
        """Forget all timers."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _fire(self, key: Hashable, fire: Callable[[], object]) -> None:
        self._handles.pop(key, None)
        fire()
