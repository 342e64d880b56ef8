"""How many rows go into one transaction: as many as take a fraction of the time a running engine may wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

WANTED_S = 0.05
WANTED_BESIDE_OTHERS_S = 0.07
"""Where rows are locked and not the whole database, nobody waits for a chunk: fewer and longer ones are quicker."""

LIMIT_S = 0.2
"""No chunk may take longer: an engine that wants to write waits as long."""

_FEWEST, _FIRST, _MOST = 20, 200, 1_500
_LATEST = 20_000


class Pace:
    """Measures the chunks and chooses their size; rests between them so that others come to write."""

    def __init__(self, rows: int = 0, wanted_s: float = WANTED_S, *, rests: bool = True) -> None:
        self.rows = rows or _FIRST
        self._wanted_s, self._rests = wanted_s, rests
        self.seconds: list[float] = []

    @classmethod
    def beside_others(cls) -> Self:
        """Return the pace where only rows are locked: nobody else is kept from writing, so nobody is let in between."""
        return cls(wanted_s=WANTED_BESIDE_OTHERS_S, rests=False)

    @contextmanager
    def timed(self, rows: int = 0) -> Iterator[None]:
        """Measure a chunk of so many rows (0: as many as wanted last), and let the next be larger or smaller."""
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        if len(self.seconds) < _LATEST:
            self.seconds.append(took)
        wanted = (rows or self.rows) * self._wanted_s / max(took, 0.001)
        # Half-way only: one slow chunk is no reason to crawl, one quick one none to leap.
        self.rows = int(min(max((self.rows + min(wanted, self.rows * 2)) / 2, _FEWEST), _MOST))

    async def rest(self) -> None:
        """Leave the database to others for a moment, the longer the longer we had it."""
        if not self._rests:
            return
        last = self.seconds[-1] if self.seconds else 0.0
        await asyncio.sleep(min(max(last / 10, 0.002), 0.02))

    def figures(self) -> dict[str, float]:
        """Return how long chunks took, in milliseconds."""
        ranked = sorted(self.seconds)
        if not ranked:
            return {"chunks": 0, "p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0}
        return {
            "chunks": len(ranked),
            "p50_ms": round(ranked[len(ranked) // 2] * 1000, 1),
            "p99_ms": round(ranked[min(int(len(ranked) * 0.99), len(ranked) - 1)] * 1000, 1),
            "max_ms": round(ranked[-1] * 1000, 1),
        }
