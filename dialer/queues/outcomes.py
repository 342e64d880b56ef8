"""The outcome stream: what became of each call, kept in Redis until the database has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import ResponseError

from dialer import metrics
from dialer.queues.connection import TAG, Command, RedisLink
from dialer.types import AttemptRecord, InboundRecord, Unavailable

_STREAM = f"{TAG}:outcomes"
_DEAD = f"{TAG}:outcomes:dead"
_GROUP = "store"
_READER = "store"  # one name for every incarnation: what a dead one had read is ours to finish
_DEAD_KEPT = 10_000

Record = AttemptRecord | InboundRecord
Apply = Callable[[list[Record]], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: records not yet in the database, records nobody can read, and whether it is too many."""

    pending: int
    dead: int
    too_long: bool


class OutcomeStream:
    """At-least-once delivery of records to the database; it applies them by `call_id` and `seq`, so twice is once."""

    def __init__(self, redis: RedisLink, *, alarm_at: int = 10_000) -> None:
        """`alarm_at`: records waiting above which an alarm is raised; none is ever thrown away."""
        self._redis = redis
        self._alarm_at = alarm_at
        self._alarmed = False

    async def append(self, records: Sequence[Record]) -> None:
        """Keep records, all or none, in one round trip; raises Unavailable when Redis did not take them."""
        if not records:
            return
        commands: list[Command] = [("XADD", _STREAM, "*", "kind", _kind(r), "record", r.to_json()) for r in records]
        *_, length = await self._redis.together([*commands, ("XLEN", _STREAM)])
        self._watch(int(length))

    async def step(self, apply: Apply, batch: int = 200, *, block_s: float = 0.0) -> int:
        """Apply one batch and forget it; return how many records were applied.

        What an earlier reader took and did not finish comes first. If `apply` raises Unavailable, the batch stays.
        Any other error is a record's own fault: it goes to the dead letters, the others are applied.
        """
        entries = await self._read("0", batch) or await self._read(">", batch, block_s=block_s)
        readable, dead = _sorted(entries)
        try:
            if readable:
                await apply([record for _, record in readable])
        except Unavailable:
            raise
        except Exception:
            log.exception("outcomes_applied_one_by_one", count=len(readable))
            dead += await _one_by_one(apply, readable)
        await self._forget([entry_id for entry_id, _ in entries], dead)
        return len(readable)

    async def pending(self) -> int:
        """Return how many records are not in the database yet."""
        return int(await self._redis.call("XLEN", _STREAM))

    async def backlog(self) -> Backlog:
        """Return what waits and what nobody can read."""
        pending, dead = await self._redis.together([("XLEN", _STREAM), ("XLEN", _DEAD)])
        return Backlog(int(pending), int(dead), too_long=int(pending) > self._alarm_at)

    async def _read(self, start: str, batch: int, *, block_s: float = 0.0) -> list[tuple[str, dict[str, str] | None]]:
        block = ("BLOCK", int(block_s * 1000)) if block_s else ()
        command = ("XREADGROUP", "GROUP", _GROUP, _READER, "COUNT", batch, *block, "STREAMS", _STREAM, start)
        try:
            streams = await self._redis.call(*command, wait_s=block_s)
        except ResponseError as exc:
            if not str(exc).startswith("NOGROUP"):
                raise
            await self._create_group()
            streams = await self._redis.call(*command, wait_s=block_s)
        return [(entry_id, body) for _, entries in streams or () for entry_id, body in entries]

    async def _create_group(self) -> None:
        try:
            await self._redis.call("XGROUP", "CREATE", _STREAM, _GROUP, "0", "MKSTREAM")
        except ResponseError as exc:
            if not str(exc).startswith("BUSYGROUP"):  # another reader made it first
                raise

    async def _forget(self, entry_ids: Sequence[str], dead: Sequence[tuple[str, Command]]) -> None:
        if not entry_ids:
            return
        commands: list[Command] = [
            ("XADD", _DEAD, "MAXLEN", "~", _DEAD_KEPT, "*", "entry", entry_id, *fields) for entry_id, fields in dead
        ]
        commands += [("XACK", _STREAM, _GROUP, *entry_ids), ("XDEL", _STREAM, *entry_ids), ("XLEN", _STREAM)]
        *_, length = await self._redis.together(commands)
        for entry_id, _ in dead:
            log.error("outcome_unreadable", entry=entry_id, kept_in=_DEAD)
        metrics.OUTCOMES_DEAD.inc(len(dead))
        self._watch(int(length))

    def _watch(self, length: int) -> None:
        metrics.OUTCOMES_WAITING.set(length)
        if length > self._alarm_at and not self._alarmed:
            log.error("outcomes_pile_up", waiting=length, alarm_at=self._alarm_at)
        self._alarmed = length > self._alarm_at


async def _one_by_one(apply: Apply, readable: Sequence[tuple[str, Record]]) -> list[tuple[str, Command]]:
    """Apply each record by itself and return those that cannot be: one bad record must not stop the books."""
    refused: list[tuple[str, Command]] = []
    for entry_id, record in readable:
        try:
            await apply([record])
        except Unavailable:
            raise
        except Exception as exc:
            fields = ("kind", _kind(record), "record", record.to_json(), "error", f"{type(exc).__name__}: {exc}"[:500])
            refused.append((entry_id, fields))
            log.exception("outcome_refused", entry=entry_id, call_id=record.call_id)
    return refused


def _kind(record: Record) -> str:
    return "attempt" if isinstance(record, AttemptRecord) else "inbound"


def _sorted(
    entries: Sequence[tuple[str, dict[str, str] | None]],
) -> tuple[list[tuple[str, Record]], list[tuple[str, Command]]]:
    """Split entries into readable records and what goes to the dead letters; deleted entries are neither."""
    readable: list[tuple[str, Record]] = []
    dead: list[tuple[str, Command]] = []
    for entry_id, body in entries:
        if not body:
            continue
        try:
            readable.append((entry_id, _record(body)))
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            fields = [part for pair in body.items() for part in pair]
            dead.append((entry_id, (*fields, "error", f"{type(exc).__name__}: {exc}")))
    return readable, dead


def _record(body: dict[str, Any]) -> Record:
    kinds: dict[str, type[AttemptRecord] | type[InboundRecord]] = {"attempt": AttemptRecord, "inbound": InboundRecord}
    return kinds[body["kind"]].from_json(body["record"])
