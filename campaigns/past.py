"""What happened to a few people before a moment, read from the books: what the ledger counts, for any moment at all."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.case_models import PriorEvent
from campaigns.compliance import Ended, Happening, Kind, Limit, Tally, happenings, inbound_happenings
from campaigns.models import Attempt, Campaign, InboundCall, Phone
from dialer.types import AttemptRecord, Outcome

HORIZON = timedelta(days=40)
"""No rule looks further back."""

_ATTEMPTS: Table = Attempt.metadata.tables["attempts"]
_INBOUND: Table = InboundCall.metadata.tables["inbound_calls"]
_FIELDS = tuple(each.name for each in fields(AttemptRecord))


@dataclass(frozen=True, slots=True)
class Past:
    """Moments at which something happened, by kind and key, in order."""

    moments: Mapping[tuple[Kind, str], Sequence[datetime]] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Happening], until: datetime) -> Past:
        """Return the past as it was at a moment."""
        found: defaultdict[tuple[Kind, str], set[tuple[datetime, str]]] = defaultdict(set)
        for event in events:
            if event.at <= until:
                found[event.kind, event.key].add((event.at, event.call_id))
        moments = {place: [at for at, _ in sorted(each)] for place, each in found.items()}
        return cls(moments)

    def count(self, limits: Iterable[Limit]) -> list[Tally]:
        """Return what each limit has, as the ledger tells it."""
        return [self._tally(limit) for limit in limits]

    def _tally(self, limit: Limit) -> Tally:
        moments = self.moments.get((limit.kind, limit.key), ())
        first = bisect_left(moments, limit.since)
        count = len(moments) - first
        return Tally(limit, count, moments[len(moments) - limit.most] if count >= limit.most else None)


async def past_of(
    session: AsyncSession, debtor_ids: Collection[int], keys: Collection[str], counts: Collection[str], at: datetime
) -> Past:
    """Return what happened at these keys, to these people and to whoever shares a number with them.

    `counts` says which outcomes are attempts, as the rulebook's `attempt_counts`.
    """
    numbers = [key.removeprefix("phone:") for key in keys if key.startswith("phone:")]
    people = {*debtor_ids, *await session.scalars(select(Phone.debtor_id).where(Phone.e164.in_(numbers)))}
    events = [
        *await _calls(session, people, counts, at),
        *await _inbound(session, people, at),
        *await _prior(session, keys, at),
    ]
    return Past.of(events, at)


async def _calls(
    session: AsyncSession, people: Collection[int], counts: Collection[str], at: datetime
) -> list[Happening]:
    campaigns = list(await session.scalars(select(Campaign.id)))
    # Campaign first: that is how the index of tries begins.
    mine = (_ATTEMPTS.c.campaign_id.in_(campaigns), _ATTEMPTS.c.debtor_id.in_(people))
    query = select(_ATTEMPTS).where(*mine, _ATTEMPTS.c.intent_at.between(at - HORIZON, at))
    rows = (await session.execute(query)).all()
    found: list[Happening] = []
    for row in rows:
        record = _record(row)
        found += happenings(Ended.of(record, record.accounts), counts)
    return found


def _record(row: Row[Any]) -> AttemptRecord:
    facts = {name: getattr(row, name) for name in _FIELDS}
    facts["outcome"] = Outcome(row.outcome) if row.outcome else None
    facts |= {name: tuple(facts[name]) for name in ("flags", "accounts", "place")}
    return AttemptRecord(**facts)


async def _inbound(session: AsyncSession, people: Collection[int], at: datetime) -> list[Happening]:
    mine = (_INBOUND.c.debtor_id.in_(people), _INBOUND.c.arrived_at.between(at - HORIZON, at))
    rows = (await session.execute(select(_INBOUND).where(*mine))).all()
    found: list[Happening] = []
    for row in rows:
        ended, joined = row.ended_at or row.arrived_at, row.bridged_at is not None
        found += inbound_happenings(row.call_id, row.phone, row.debtor_id, tuple(row.accounts), ended, joined=joined)
    return found


async def _prior(session: AsyncSession, keys: Collection[str], at: datetime) -> list[Happening]:
    columns = (PriorEvent.id, PriorEvent.kind, PriorEvent.key, PriorEvent.at)
    query = select(*columns).where(PriorEvent.key.in_(keys), PriorEvent.at.between(at - HORIZON, at))
    return [Happening(Kind(row.kind), row.key, row.at, f"prior:{row.id}") for row in await session.execute(query)]
