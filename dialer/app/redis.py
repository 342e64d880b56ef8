"""The running service's Redis, for one command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dialer.config import Config
from dialer.queues import embedded
from dialer.queues.connection import RedisLink, connect
from dialer.types import Unavailable


@asynccontextmanager
async def open_redis(config: Config) -> AsyncIterator[RedisLink]:
    """Return the running service's Redis; raises Unavailable when there is none (single commands start nothing)."""
    url = config.redis.url or await embedded.find(config.home)
    if url is None:
        raise Unavailable(
            f"no dialer is running in {config.home}: start it with 'dialer run', "
            "or point DIALER_HOME at the running one's state directory",
            error_id="engine-away",
        )
    async with await connect(url, config.redis.timeout_s) as link:
        yield link
