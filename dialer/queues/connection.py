"""The one door to Redis: every call under a deadline, every failure a sentence with its remedy."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from redis import exceptions as redis_errors
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from dialer.types import ConfigError, Unavailable

TAG = "{dialer}"
"""Hash tag of every key: all of them live in one slot, so that scripts stay possible on a Cluster."""

MAX_CONNECTIONS = 32
"""Bound of one process's connections; a few of them hold a blocking read."""

Command = Sequence[str | int | float | bytes]

_REFUSALS = ("MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "UNKILLABLE", "BUSY")
"""Server-side refusals that mean "not now" rather than "wrong command"."""


class RedisLink:
    """A Redis that either answers in time or raises `Unavailable`; it works again by itself when Redis is back."""

    def __init__(self, client: Redis, address: str, timeout_s: float) -> None:
        """Wrap a client; `address` is what errors show and holds no password."""
        # Any: redis-py leaves the raw command door untyped.
        self._client: Any = client
        self.address = address
        self.timeout_s = timeout_s

    async def call(self, *command: str | int | float | bytes, wait_s: float = 0.0) -> Any:
        """Run one command; `wait_s` is added to the deadline for commands that block on purpose."""
        async with self._deadline(wait_s):
            return await self._client.execute_command(*command)

    async def together(self, commands: Sequence[Command], *, atomic: bool = True) -> list[Any]:
        """Run commands in one round trip; `atomic`: all of them or none, even if Redis dies in the middle."""
        async with self._deadline(), self._client.pipeline(transaction=atomic) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            # Errors as Redis said them: the library would put its own words in front of those we look for.
            answers = list(await pipeline.execute(raise_on_error=False))
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers

    async def run(self, script: LuaScript, keys: Sequence[str], arguments: Command) -> Any:
        """Run a Lua script by its digest, loading it where Redis does not know it (first use, restart)."""
        async with self._deadline():
            try:
                return await self._client.execute_command("EVALSHA", script.sha, len(keys), *keys, *arguments)
            except redis_errors.NoScriptError:
                return await self._client.execute_command("EVAL", script.text, len(keys), *keys, *arguments)

    async def run_each(self, script: LuaScript, calls: Sequence[tuple[Sequence[str], Command]]) -> list[Any]:
        """Run a script once for each of these keys and arguments, in order and one round trip; return every answer.

        Each run is atomic, all of them are not. A script that may not run twice on the same arguments has no place
        here: where Redis does not know it yet, all are run again.
        """
        commands: list[Command] = [("EVALSHA", script.sha, len(keys), *keys, *rest) for keys, rest in calls]
        try:
            return await self.together(commands, atomic=False)
        except redis_errors.NoScriptError:
            await self.call("SCRIPT", "LOAD", script.text)
            return await self.together(commands, atomic=False)

    async def close(self) -> None:
        """Close the connections; safe to call twice."""
        async with asyncio.timeout(self.timeout_s):
            await self._client.aclose()

    async def __aenter__(self) -> Self:
        """Return the link itself."""
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Close the connections."""
        await self.close()

    @asynccontextmanager
    async def _deadline(self, wait_s: float = 0.0) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.timeout_s + wait_s):
                yield
        except (TimeoutError, redis_errors.TimeoutError) as exc:
            raise self._unavailable(f"no answer within {self.timeout_s + wait_s:g} s") from exc
        except (redis_errors.ConnectionError, OSError) as exc:
            raise self._unavailable(str(exc) or type(exc).__name__) from exc
        except redis_errors.ResponseError as exc:
            if isinstance(exc, (redis_errors.OutOfMemoryError, redis_errors.ReadOnlyError)) or str(exc).startswith(
                _REFUSALS
            ):
                raise self._unavailable(str(exc)) from exc
            raise

    def _unavailable(self, why: str) -> Unavailable:
        return Unavailable(
            f"Redis at {self.address}: {why}. No new call is placed until it answers; "
            "check that it runs and that redis.url is right (empty = a private redis-server)"
        )


class LuaScript:
    """A script and the digest Redis knows it by."""

    def __init__(self, text: str) -> None:
        """Compute the digest once."""
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def script(*names: str) -> LuaScript:
    """Return the script of these files of `lua/`, read one after the other."""
    folder = files("dialer.queues").joinpath("lua")
    return LuaScript("\n".join(folder.joinpath(f"{name}.lua").read_text(encoding="utf-8") for name in names))


def redis_link(url: str, timeout_s: float) -> RedisLink:
    """Return a link without asking Redis anything yet; raises ConfigError when the url is not one."""
    try:
        pool = BlockingConnectionPool.from_url(url, **_pool_options(timeout_s))
    except (ValueError, TypeError) as exc:
        raise ConfigError(
            f"redis.url {_address(url)!r}: {exc}; write redis://host:6379/0, rediss://... or unix:///path/to/redis.sock"
        ) from exc
    return RedisLink(Redis.from_pool(pool), _address(url), timeout_s)


async def connect(url: str, timeout_s: float) -> RedisLink:
    """Return a link that has answered once; raises Unavailable naming the address and the remedy."""
    link = redis_link(url, timeout_s)
    try:
        await link.call("PING")
    except BaseException:
        await link.close()
        raise
    return link


def _pool_options(timeout_s: float) -> dict[str, Any]:
    return {
        "max_connections": MAX_CONNECTIONS,
        "timeout": timeout_s,
        "decode_responses": True,
        "protocol": 2,
        "socket_connect_timeout": timeout_s,
        # Our own deadline covers each call; a socket deadline would cut blocking reads.
        "socket_timeout": None,
        # Never sent again by the library: a lease or an XADD may already have happened.
        "retry": Retry(NoBackoff(), 0),
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return unquote(parts.path)
    host = parts.netloc.rpartition("@")[2]
    return f"{host}{parts.path}" if host else url
