"""What must not be lost: records go to the outcome stream at once and from there into SQL; leases are released after.

Redis or the database away: nothing is dropped, the backlog waits in memory and in the stream, and dialling stops.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from campaigns.journal import Applied
from dialer import metrics
from dialer.call import Call
from dialer.types import AttemptRecord, InboundRecord, Unavailable

log = structlog.get_logger("dialer.keeper")

FLUSH_S = 0.2
RETRY_S = 0.5
MAX_BACKLOG = 20_000
BATCH = 500
BLOCK_S = 1.0

StreamRecord = AttemptRecord | InboundRecord


class Stream(Protocol):
    """The durable outcome stream."""

    async def append(self, records: Sequence[StreamRecord]) -> None:
        """Keep records; raises Unavailable."""
        ...


class Leases(Protocol):
    """Who frees leads."""

    async def release(self, calls: Iterable[str]) -> object:
        """Free debtor and phone of ended calls; raises Unavailable."""
        ...


class Settling(Protocol):
    """Who counts what calls came to."""

    async def settle(self, calls: Iterable[tuple[str, AttemptRecord | None]]) -> None:
        """Count ended calls; one without a record was never placed and gives its room back. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Release:
    """A lease that ends; `record` is the call it became, None for a call that was never placed."""

    call_id: str
    record: AttemptRecord | None = None


class Part:
    """The health of one part: says once that it failed and once that it came back."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.detail: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the part works, as far as its last use tells."""
        return self.detail is None

    def failed(self, detail: str) -> None:
        """Note a failure; the log hears of the first one only."""
        if self.detail is None:
            log.error("degraded", part=self.name, detail=detail)
        self.detail = detail
        metrics.PART_UP.labels(self.name).set(0)

    def works(self) -> None:
        """Note a success; the log hears of the recovery."""
        if self.detail is not None:
            log.info("recovered", part=self.name)
        self.detail = None
        metrics.PART_UP.labels(self.name).set(1)


class Keeper:
    """The outbox of the engine. `save` and `finish` never wait; `run` carries them out of the house."""

    def __init__(self, stream: Stream, leases: Leases, settling: Settling, redis: Part) -> None:
        self._stream = stream
        self._leases = leases
        self._settling = settling
        self._redis = redis
        self._outbox: dict[str, StreamRecord] = {}
        self._released: deque[Release] = deque()
        self._wake = asyncio.Event()
        self.on_recording: Callable[[Call, int | None], None] = lambda call, size: None

    @property
    def backlog(self) -> int:
        """Return how many records wait in memory."""
        return len(self._outbox)

    @property
    def full(self) -> bool:
        """Whether no new call may be placed, because what it brings could not be kept."""
        return len(self._outbox) >= MAX_BACKLOG

    def save(self, record: StreamRecord) -> None:
        """Keep the newest version of a record."""
        self._outbox[record.call_id] = record
        self._wake.set()

    def keep_recording(self, call: Call, size: int | None) -> None:
        """Hand the audio of an ended conversation to the recorder."""
        self.on_recording(call, size)

    def finish(self, call: Call) -> None:
        """Release the lease of an ended call, after its record is safe."""
        self._released.append(Release(call.call_id, call.record))
        self._wake.set()

    def release(self, call_ids: list[str]) -> None:
        """Release leases that never became calls."""
        self._released.extend(Release(call_id) for call_id in call_ids)
        self._wake.set()

    async def run(self) -> None:
        """Flush for ever, some records at a time."""
        while True:
            await self._wake.wait()
            if not await self.flush():
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(FLUSH_S)

    async def flush(self) -> bool:
        """Write what waits; return False when Redis is away and all of it still waits."""
        self._wake.clear()
        records, released = dict(self._outbox), list(self._released)
        try:
            if records:
                await self._stream.append(list(records.values()))
                self._forget(records)
            await self._release(released)
        except Unavailable as exc:
            self._redis.failed(str(exc))
            self._wake.set()
            return False
        if records or released:
            self._redis.works()
        metrics.BACKLOG.set(len(self._outbox))
        return True

    async def _release(self, released: Sequence[Release]) -> None:
        """Count first, free then: killed in between, a lease is left, and never a call that nobody counted."""
        if released:
            await self._settling.settle([(each.call_id, each.record) for each in released])
            await self._leases.release([each.call_id for each in released])
            for _ in released:
                self._released.popleft()

    def _forget(self, written: dict[str, StreamRecord]) -> None:
        for call_id, record in written.items():
            if self._outbox.get(call_id) is record:
                del self._outbox[call_id]


class Consumed(Protocol):
    """The durable outcome stream, read side."""

    async def step(
        self, apply: Callable[[list[StreamRecord]], Awaitable[None]], batch: int = BATCH, *, block_s: float = 0.0
    ) -> int:
        """Apply one batch and forget it; return how many."""
        ...


class Bookkeeper:
    """Moves the outcome stream into SQL, at least once and idempotently."""

    def __init__(
        self,
        stream: Consumed,
        attempts: Callable[[list[AttemptRecord]], Awaitable[Applied]],
        inbound: Callable[[list[InboundRecord]], Awaitable[object]],
        database: Part,
        redis: Part,
    ) -> None:
        self._stream = stream
        self._attempts = attempts
        self._inbound = inbound
        self._database = database
        self._redis = redis
        self.on_stored: Callable[[list[AttemptRecord]], None] = lambda records: None
        self.on_inbound: Callable[[list[InboundRecord]], Awaitable[None]] = _nobody_counts

    async def run(self) -> None:
        """Apply for ever; wait out Redis and the database."""
        while True:
            try:
                await self._stream.step(self._apply, BATCH, block_s=BLOCK_S)
                self._redis.works()
            except DatabaseAway as exc:
                self._database.failed(str(exc))
                await asyncio.sleep(RETRY_S)
            except Unavailable as exc:
                self._redis.failed(str(exc))
                await asyncio.sleep(RETRY_S)

    async def drain(self) -> None:
        """Apply all that waits, before anything new begins; raises Unavailable."""
        while await self._stream.step(self._apply, BATCH):
            pass

    async def _apply(self, records: list[StreamRecord]) -> None:
        inbound = [record for record in records if isinstance(record, InboundRecord)]
        try:
            if attempts := [record for record in records if isinstance(record, AttemptRecord)]:
                applied = await self._attempts(attempts)
                self.on_stored(attempts)
                if applied.unknown:
                    log.error("records of calls the books never had", call_ids=list(applied.unknown))
            if inbound:
                await self._inbound(inbound)
        except Unavailable as exc:
            raise DatabaseAway(str(exc)) from exc
        self._database.works()
        if inbound:
            # Before the stream forgets them: what somebody said to us is counted at least once, and once is enough.
            await self.on_inbound(inbound)


async def _nobody_counts(_: list[InboundRecord]) -> None:
    """Leave calls from debtors uncounted, where there is no ledger."""


class DatabaseAway(Unavailable):
    """SQL does not answer; the stream keeps what waits."""

    error_id = "database-away"
