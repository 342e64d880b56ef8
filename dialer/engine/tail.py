"""The ended attempts an engine remembers: for wrap-up, disposition and recording, and until the books hold them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from dialer.types import AttemptRecord

MOST: Final = 20_000
"""Ended attempts remembered at most; the oldest go first."""

GRACE: Final = timedelta(seconds=20)
"""How long after its end an attempt nobody talked in is remembered: late words of Asterisk, of SQL, of a snapshot."""


class Tail:
    """Records by `call_id`; those without a conversation leave once they are in the books."""

    def __init__(self, most: int = MOST) -> None:
        """Remember at most so many."""
        self._most = most
        self._records: OrderedDict[str, AttemptRecord] = OrderedDict()
        self._leaving: deque[str] = deque()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._records)

    def get(self, call_id: str) -> AttemptRecord | None:
        """Return the record of an ended call, None when it is forgotten."""
        return self._records.get(call_id)

    def keep(self, record: AttemptRecord) -> None:
        """Remember a record, or a newer version of it."""
        self._records[record.call_id] = record
        while len(self._records) > self._most:
            self._records.popitem(last=False)

    def stored(self, records: Iterable[AttemptRecord], now: datetime) -> None:
        """Learn that the books hold these versions; what nobody will speak of any more is forgotten."""
        self._leaving.extend(record.call_id for record in records if self._is_done(record))
        while self._leaving:
            kept = self._records.get(self._leaving[0])
            if kept is not None and kept.ended_at is not None and kept.ended_at > now - GRACE:
                break
            self._records.pop(self._leaving.popleft(), None)

    def _is_done(self, record: AttemptRecord) -> bool:
        kept = self._records.get(record.call_id)
        return kept is not None and kept.seq == record.seq and kept.ended_at is not None and kept.bridged_at is None
