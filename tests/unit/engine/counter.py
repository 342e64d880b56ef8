"""The ledger in memory: the same answers as Redis gives, and a lawyer who uses it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from campaigns.approvals import Standing, State
from campaigns.compliance import Happening, Kind, Library, Limit, Tally
from dialer.engine.counsel import Counsel
from dialer.engine.keeper import Part
from dialer.queues.ledger import LEDGER_UNKNOWN, Attempt, Ending, Over, Reserved
from dialer.types import Refused, Unavailable


class PaperLedger:
    """Counts in memory. `settled` and `withdrawn` are the calls that were ended, in order."""

    def __init__(self, *, complete: bool = True) -> None:
        self.complete = complete
        self.away = False
        self.events: defaultdict[tuple[Kind, str], dict[str, datetime]] = defaultdict(dict)
        self.reserved: dict[str, tuple[str, ...]] = {}
        self.settled: list[str] = []
        self.withdrawn: list[str] = []
        self.prior = 0
        self.rebuilds = 0

    async def reserve(
        self, call_id: str, at: datetime, keys: Sequence[str], limits: Sequence[Limit]
    ) -> Reserved | Over | Refused:
        self._here()
        if not self.complete:
            return LEDGER_UNKNOWN
        counted = tuple(self._tally(limit) for limit in limits)
        if any(tally.full for tally in counted):
            return Over(tuple(tally for tally in counted if tally.full), counted)
        for key in keys:
            self.events[Kind.ATTEMPT, key][call_id] = at
        self.reserved[call_id] = tuple(keys)
        return Reserved(counted)

    async def reserve_each(self, attempts: Sequence[Attempt]) -> list[Reserved | Over | Refused]:
        return [await self.reserve(each.call_id, each.at, each.keys, each.limits) for each in attempts]

    async def count(self, limits: Sequence[Limit]) -> list[Tally]:
        self._here()
        return [self._tally(limit) for limit in limits]

    async def settle(self, call_id: str, happenings: Sequence[Happening], *, released: bool) -> None:
        self._here()
        (self.withdrawn if released else self.settled).append(call_id)
        for key in self.reserved.pop(call_id, ()) if released else ():
            self.events[Kind.ATTEMPT, key].pop(call_id, None)
        await self.load(happenings)

    async def settle_each(self, endings: Sequence[Ending]) -> None:
        for each in endings:
            await self.settle(each.call_id, each.happenings, released=each.released)

    async def note(self, happenings: Sequence[Happening]) -> None:
        await self.load(happenings)

    async def load(self, happenings: Iterable[Happening]) -> int:
        self._here()
        listed = list(happenings)
        for event in listed:
            self.events[event.kind, event.key][event.call_id] = event.at
        return len(listed)

    async def is_ready(self) -> bool:
        self._here()
        return self.complete

    async def begin_rebuild(self) -> str:
        self._here()
        self.rebuilds += 1
        return str(self.rebuilds)

    async def mark_ready(self, generation: str) -> bool:
        self._here()
        self.complete = True
        return True

    async def prior_seen(self) -> int:
        self._here()
        return self.prior

    async def saw_prior(self, last: int) -> None:
        self._here()
        self.prior = last

    def _here(self) -> None:
        if self.away:
            raise Unavailable("away")

    def _tally(self, limit: Limit) -> Tally:
        inside = sorted(at for at in self.events[limit.kind, limit.key].values() if at >= limit.since)
        leaves = inside[len(inside) - limit.most] if len(inside) >= limit.most else None
        return Tally(limit, len(inside), leaves)


def a_counsel(ledger: PaperLedger | None = None, part: Part | None = None) -> Counsel:
    """Return a lawyer with the shipped rules, all approved, for phones that ring 47 s at most."""
    counsel = Counsel(Library.shipped, ledger or PaperLedger(), part or Part("ledger"), 47.0)
    counsel.standings = {name: Standing(State.APPROVED) for name in Library.shipped().profiles}
    return counsel


class PaperRules:
    """The shipped rules, which never change."""

    library = Library.shipped()

    def look_again(self) -> None:
        return None
