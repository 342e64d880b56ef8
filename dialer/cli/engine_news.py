"""A word to the running engine that there is news in the books; it would find out by itself a moment later."""

from __future__ import annotations

from contextlib import suppress

from dialer.app.redis import open_redis
from dialer.config import Config
from dialer.queues.beat import EngineBeat
from dialer.queues.bus import CommandBus
from dialer.types import Unavailable

_ANSWER_S = 5.0


async def tell_engine(config: Config) -> None:
    """Let a running engine look at once; nothing depends on it."""
    with suppress(Unavailable):
        async with open_redis(config) as redis:
            if await EngineBeat(redis).read() is not None:
                await CommandBus(redis).request("leads.imported", {}, _ANSWER_S)
