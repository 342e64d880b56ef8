"""Chunk after chunk in the file's order: while one is written, the next is looked up and planned, and no more.

Two chunks that are about different people do not mind each other; where they share somebody, the later one waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from campaigns.imports.known import Known
from campaigns.imports.staging import Ready
from campaigns.lists.rows import Reject, Row
from dialer.types import Unavailable

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """Rows of a file from the row `before` on, what was known of their people, and what they change."""

    before: int
    rows: Sequence[Row | Reject]
    known: Known
    ready: Ready


class Work(Protocol):
    """What is done with rows."""

    async def look(self, rows: Sequence[Row | Reject]) -> Known:
        """Return what the books say of the rows' people."""
        ...

    async def plan(self, rows: Sequence[Row | Reject], known: Known) -> Ready:
        """Return what the rows change, ready to be written, letting the one who writes have a turn now and then."""
        ...

    async def write(self, draft: Draft) -> bool:
        """Write a chunk; False when somebody else changed its people since the look, and nothing was written."""
        ...


class Turns:
    """Brings chunks to the books one by one; its owner's tasks hold the one that is being written."""

    def __init__(self, work: Work, tasks: asyncio.TaskGroup) -> None:
        self._work, self._tasks = work, tasks
        self._last: Draft | None = None
        self._writing: asyncio.Task[bool] | None = None
        self._taken = 0

    async def take(self, rows: Sequence[Row | Reject]) -> None:
        """Plan the next rows while those before are written, and begin to write them; waits for those before.

        Raises Unavailable when others change the same people again and again.
        """
        known = await self._work.look(rows)
        apart = self._last is None or known.apart(self._last.known)
        draft = await self._draft(rows, known) if apart else None
        as_expected = await self.end()
        if draft is None or not as_expected:
            draft = await self._draft(rows, await self._work.look(rows))
        self._taken += len(rows)
        self._last, self._writing = draft, self._tasks.create_task(self._work.write(draft))

    async def end(self) -> bool:
        """Return when nothing is being written; False when the last chunk had to be planned once more."""
        if self._last is None or self._writing is None:
            return True
        last, as_expected = self._last, await self._writing
        written = as_expected
        for _ in range(_TRIES - 1):
            if written:
                break
            # Somebody else wrote one of these people between our look and our commit: look again.
            known = await self._work.look(last.rows)
            ready = await self._work.plan(last.rows, known)
            written = await self._work.write(Draft(last.before, last.rows, known, ready))
        if not written:
            raise Unavailable("other imports change the same people again and again; let them end first")
        self._last = self._writing = None
        return as_expected

    async def _draft(self, rows: Sequence[Row | Reject], known: Known) -> Draft:
        return Draft(self._taken, rows, known, await self._work.plan(rows, known))
