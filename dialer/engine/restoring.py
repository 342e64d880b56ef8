"""The ledger's memory: after a lost Redis its counters are read from the books again, and what others did is added."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from campaigns.compliance import Happening
from dialer.engine.counsel import left_by_caller
from dialer.engine.keeper import Part
from dialer.queues.ledger import HORIZON
from dialer.types import AttemptRecord, Clock, InboundRecord

log = structlog.get_logger("dialer.restoring")

CHUNK = 2000
"""Rows of the books read at a time: calls are up meanwhile."""


class Ledger(Protocol):
    """Where the past is counted."""

    async def is_ready(self) -> bool:
        """Say whether the counters are complete."""
        ...

    async def begin_rebuild(self) -> str:
        """Close the ledger and return the rebuild's generation."""
        ...

    async def mark_ready(self, generation: str) -> bool:
        """Open it again."""
        ...

    async def load(self, happenings: Iterable[Happening]) -> int:
        """Write events in chunks."""
        ...

    async def prior_seen(self) -> int:
        """Return the last prior event that is counted."""
        ...

    async def saw_prior(self, last: int) -> None:
        """Note the last prior event that is counted."""
        ...


class Settling(Protocol):
    """Who knows what a call counts as."""

    def left_by(self, record: AttemptRecord) -> Sequence[Happening]:
        """Return what a call leaves."""
        ...

    async def settle(self, calls: Iterable[tuple[str, AttemptRecord | None]]) -> None:
        """Count ended calls; one without a record was never placed and gives its room back."""
        ...


class Past(Protocol):
    """The books, as far as they know what happened to people."""

    async def attempts(self, call_ids: Collection[str]) -> list[AttemptRecord]:
        """Return what is known of these calls."""
        ...

    async def past_attempts(self, after: str, since: datetime, limit: int) -> list[AttemptRecord]:
        """Return attempts since a moment, by call id, those after one of them."""
        ...

    async def past_inbound(self, after: str, since: datetime, limit: int) -> list[InboundRecord]:
        """Return conversations of people who called, in the same way."""
        ...

    async def prior_events(self, after: int, limit: int) -> list[tuple[int, Happening]]:
        """Return what happened before this dialer, with its number."""
        ...


class Restorer:
    """Looks after the ledger of one engine; `part` is bad while the counters are not complete."""

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        past: Past,
        part: Part,
        settling: Settling,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._past = past
        self._part = part
        self._settling = settling

    async def account_for(self, late: Sequence[str]) -> None:
        """Count what became of calls whose lease ran out; one that never got into the books gives its room back."""
        known = {record.call_id: record for record in await self._past.attempts(late)}
        told = [(call_id, known.get(call_id)) for call_id in late]
        await self._settling.settle((call_id, record) for call_id, record in told if record is None or record.outcome)

    async def look_after(self) -> None:
        """Bring the ledger up to date; nobody is called before. Raises Unavailable."""
        if not await self._ledger.is_ready():
            self._part.failed("the counters of past calls are being read from the books; nobody is called before")
            if not await self._rebuild():
                return  # Redis was lost once more meanwhile
        await self._catch_up()
        self._part.works()

    async def _rebuild(self) -> bool:
        generation = await self._ledger.begin_rebuild()
        await self._ledger.saw_prior(0)
        since = self._clock.now() - HORIZON
        attempts, last = 0, ""
        while records := await self._past.past_attempts(last, since, CHUNK):
            await self._ledger.load(event for record in records for event in self._settling.left_by(record))
            attempts, last = attempts + len(records), records[-1].call_id
        last = ""
        while inbound := await self._past.past_inbound(last, since, CHUNK):
            await self._ledger.load(event for record in inbound for event in left_by_caller(record))
            last = inbound[-1].call_id
        await self._catch_up()
        complete = await self._ledger.mark_ready(generation)
        log.info("ledger rebuilt", attempts=attempts, complete=complete)
        return complete

    async def _catch_up(self) -> None:
        """Count what was loaded from other systems since the last look."""
        last = await self._ledger.prior_seen()
        while events := await self._past.prior_events(last, CHUNK):
            await self._ledger.load(event for _, event in events)
            last = events[-1][0]
            await self._ledger.saw_prior(last)
