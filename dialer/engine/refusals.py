"""Decisions not to call, on their way into the audit: kept in memory for a moment, written in groups, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from campaigns.audit import Decision
from dialer.types import Unavailable

log = structlog.get_logger("dialer.refusals")

MOST = 20_000
"""Decisions waiting for the database; calls are not placed while it is away, so there is little to decide."""


class Refusals:
    """The refusals that no transaction of a call carries."""

    def __init__(self, record: Callable[[Sequence[Decision]], Awaitable[None]]) -> None:
        self._record = record
        self._waiting: deque[Decision] = deque()

    def keep(self, decision: Decision) -> None:
        """Take a decision; beyond the bound it is said in the log instead."""
        if len(self._waiting) >= MOST:
            log.error("decision not kept", call_id=decision.call_id, verdict=decision.verdict)
        else:
            self._waiting.append(decision)

    async def flush(self) -> None:
        """Write what waits; what the database does not take now is written later. Raises Unavailable."""
        group = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not group:
            return
        try:
            await self._record(group)
        except Unavailable:
            self._waiting.extendleft(reversed(group))
            raise
