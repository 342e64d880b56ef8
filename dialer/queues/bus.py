"""Requests from the command line to the engine, each executed at most once and answered exactly once."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from dialer.queues.connection import TAG, RedisLink
from dialer.queues.outage import Outage
from dialer.types import ConfigError, DialerError, InputError, Unavailable

_REQUESTS = f"{TAG}:requests"
_REPLY = f"{TAG}:reply:"
_KEEP = 1000
"""Unread requests kept at most; older ones nobody waits for."""

_REPLY_KEPT_S = 60
_BLOCK_S = 1.0
_AT_ONCE = 32
"""Requests handled at the same time: one that waits for a softphone must not hold up the others."""

Handler = Callable[[str, dict[str, Any]], Awaitable[Mapping[str, Any]]]

log = structlog.get_logger(__name__)


class CommandBus:
    """Carries requests over a Redis stream; `request` asks, `serve` answers."""

    def __init__(self, redis: RedisLink) -> None:
        """Use this Redis."""
        self._redis = redis

    async def request(self, kind: str, payload: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Ask the engine and return its answer; after `timeout_s` it will not be executed any more.

        Raises the engine's refusal with its error id: InputError when what was asked is wrong, else DialerError;
        Unavailable when nobody answers in time.
        """
        ticket = uuid.uuid4().hex
        body = ("ticket", ticket, "kind", kind, "payload", json.dumps(dict(payload)), "timeout_s", str(timeout_s))
        await self._redis.call("XADD", _REQUESTS, "MAXLEN", "~", _KEEP, "*", *body)
        answer = await self._redis.call("BLPOP", _REPLY + ticket, timeout_s, wait_s=timeout_s)
        if answer is None:
            raise Unavailable(
                f"the engine did not answer {kind!r} within {timeout_s:g} s; "
                "is it running? Start it with 'dialer engine' or look at its log"
            )
        return _opened(answer[1])

    async def serve(self, handler: Handler) -> None:
        """Answer requests until cancelled; Redis away is waited out, said once, and said again when over.

        A request older than its own time limit is dropped: whoever asked has been told that it failed.
        A handler's DialerError goes back to whoever asked; any other exception ends `serve`.
        """
        last = "0-0"
        outage = Outage("requests to the engine")
        free = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as handlers:
            while True:
                try:
                    entries = await self._next(last)
                    outage.over()
                except Unavailable as exc:
                    outage.begins(str(exc))
                    await asyncio.sleep(_BLOCK_S)
                    continue
                for entry_id, body in entries:
                    last = entry_id
                    await free.acquire()
                    handlers.create_task(self._handled(entry_id, body, handler, free))

    async def _next(self, last: str) -> list[tuple[str, dict[str, str]]]:
        command = ("XREAD", "COUNT", _AT_ONCE, "BLOCK", int(_BLOCK_S * 1000), "STREAMS", _REQUESTS, last)
        streams = await self._redis.call(*command, wait_s=_BLOCK_S)
        return [(entry_id, body) for _, entries in streams or () for entry_id, body in entries]

    async def _handled(self, entry_id: str, body: Mapping[str, str], handler: Handler, free: asyncio.Semaphore) -> None:
        try:
            if (request := await self._claimed(entry_id, body)) is not None:
                await self._execute(request, handler)
        except Unavailable as exc:
            log.warning("command_unanswered", entry=entry_id, detail=str(exc))
        finally:
            free.release()

    async def _claimed(self, entry_id: str, body: Mapping[str, str]) -> _Request | None:
        """Return the request if it is ours to execute: only one reader deletes it, and not after its time."""
        deleted, (seconds, microseconds) = await self._redis.together([("XDEL", _REQUESTS, entry_id), ("TIME",)])
        request = _read(body)
        waited_s = int(seconds) + int(microseconds) / 1e6 - int(entry_id.partition("-")[0]) / 1000
        if not deleted:
            return None
        if request is None or waited_s > request.timeout_s:
            log.warning("command_dropped", entry=entry_id, kind=body.get("kind"), waited_s=round(waited_s, 3))
            return None
        return request

    async def _execute(self, request: _Request, handler: Handler) -> None:
        try:
            answer = {"ok": dict(await handler(request.kind, request.payload))}
        except DialerError as exc:
            answer = _refusal(exc.error_id, str(exc), asker=isinstance(exc, InputError | ConfigError))
        except Exception:
            # A bug: whoever asked must not wait in vain, and the engine must still hear of it.
            await self._reply(request, _refusal("internal", f"the engine failed at {request.kind!r}; see its log"))
            raise
        await self._reply(request, answer)

    async def _reply(self, request: _Request, answer: Mapping[str, Any]) -> None:
        key = _REPLY + request.ticket
        await self._redis.together([("RPUSH", key, json.dumps(answer)), ("EXPIRE", key, _REPLY_KEPT_S)])


@dataclass(frozen=True, slots=True)
class _Request:
    ticket: str
    kind: str
    payload: dict[str, Any]
    timeout_s: float


def _read(body: Mapping[str, str]) -> _Request | None:
    """Return the request an entry holds; None for an entry that is not one (another version's, a stranger's)."""
    try:
        payload = dict(json.loads(body["payload"]))
        return _Request(body["ticket"], body["kind"], payload, float(body["timeout_s"]))
    except (KeyError, ValueError, TypeError):
        return None


def _refusal(error_id: str, message: str, *, asker: bool = False) -> dict[str, Any]:
    """Return a refusal to be sent; `asker` means that what was asked is wrong, and asking again will not help."""
    return {"error": {"error_id": error_id, "message": message, "asker": asker}}


def _opened(text: str) -> dict[str, Any]:
    answer: dict[str, dict[str, Any]] = json.loads(text)
    if (error := answer.get("error")) is not None:
        kind = InputError if error.get("asker") else DialerError
        raise kind(error["message"], error_id=error["error_id"])
    return answer["ok"]
