"""The engine's sign of life: a key that vanishes by itself when the engine does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from dialer.queues.connection import TAG, RedisLink
from dialer.queues.outage import Outage
from dialer.types import Unavailable

_BEAT = f"{TAG}:engine"

EVERY_S = 1.0
KEPT_S = 4
"""Network time: three beats may be lost before the engine counts as gone."""


class EngineBeat:
    """Status of the running engine, as JSON, renewed each second."""

    def __init__(self, redis: RedisLink) -> None:
        """Use this Redis."""
        self._redis = redis

    async def beat(self, status: Mapping[str, Any]) -> None:
        """Say that the engine lives, and how it is."""
        await self._redis.call("SET", _BEAT, json.dumps(dict(status)), "EX", KEPT_S)

    async def read(self) -> dict[str, Any] | None:
        """Return the status of the running engine; None when none has beaten for some seconds."""
        text = await self._redis.call("GET", _BEAT)
        return None if text is None else dict(json.loads(text))

    async def stop(self) -> None:
        """Say that the engine has ended, without waiting for the key to vanish."""
        await self._redis.call("DEL", _BEAT)

    async def run(self, status: Callable[[], Mapping[str, Any]]) -> None:
        """Beat until cancelled; Redis away is said once, and said again when over."""
        outage = Outage("heartbeat")
        while True:
            try:
                await self.beat(status())
                outage.over()
            except Unavailable as exc:
                outage.begins(str(exc))
            await asyncio.sleep(EVERY_S)
