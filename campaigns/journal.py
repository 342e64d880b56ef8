"""The journal: an intent is committed before it is dialled; an outcome is written once, however often it is told.

The database's own constraints make the promises: one attempt per try, one open attempt per debtor, a daily limit
per phone. Rows are always locked in one order (attempts, phones, phone days, debtors, leads), so that two
engines on one database wait for each other and never for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns import audit, following, settling
from campaigns import intents as booking
from campaigns.cadence import CALLBACK_DISPOSITION, OPT_OUT_DISPOSITION, PROMISE_DISPOSITION, Rates
from campaigns.intents import ATTEMPTS, PHONES, Intent
from campaigns.models import InboundCall
from campaigns.repository import attempt_is_open
from dialer.store import Store, upsert
from dialer.types import Allowed, AttemptRecord, InboundRecord, Outcome, Verdict

__all__ = ["Applied", "Intent", "Journal"]

_INBOUND = InboundCall.metadata.tables["inbound_calls"]
_INBOUND_FIELDS = tuple(field.name for field in fields(InboundRecord))
_RECORD_FIELDS = tuple(field.name for field in fields(AttemptRecord))


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch came to: calls `updated`, records `stale` (known better already), ids `unknown` to the books."""

    updated: int
    stale: int
    unknown: tuple[str, ...] = ()


class Journal:
    """What the engine may dial and what came of it, safe to call from several processes at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._laws: frozenset[str] = frozenset()
        self._rates: dict[int, Rates] = {}

    def learn(self, campaign_id: int, rates: Rates) -> None:
        """Choose the hours of a campaign's next tries by what it has lived through."""
        self._rates[campaign_id] = rates

    async def commit_intents(self, intents: Sequence[Intent]) -> list[Verdict]:
        """Book the calls of one moment in one transaction; dial only those `Allowed`, in the order given.

        Every decision goes into the audit with them. Refuses with `already_tried`, `in_call` (another campaign's call
        to the same debtor), `phone_day_limit`, `opted_out`, `suppressed`, `phone_retired`, `lead_closed` or
        `unknown_lead`. When it raises Unavailable nothing may be
        dialled; what was booked all the same is found by `open_attempts`.
        """
        if not intents:
            return []
        unique, repeated = booking.by_position(intents)
        async with self._store.transaction() as session:
            connection = await session.connection()
            refusals = await booking.refuse(connection, unique)
            refusals |= await booking.insert(connection, _left(unique, refusals))
            refusals |= await booking.reserve(connection, _left(unique, refusals))
            decisions = [audit.decision_of(i.record, i.evidence, refusals.get(i.record.call_id)) for i in unique]
            laws = await audit.append(connection, decisions, self._laws)
        self._laws = laws
        return [
            repeated.get(position) or refusals.get(intent.record.call_id) or Allowed()
            for position, intent in enumerate(intents)
        ]

    async def apply(self, records: Iterable[AttemptRecord]) -> Applied:
        """Write records into the books; replays, late arrivals and several records of one call are harmless.

        The first outcome told closes the attempt and decides what follows for the debtor; later records only add
        facts (wrap-up, disposition, recording).
        """
        told = settling.newest(records)
        if not told:
            return Applied(0, 0)
        async with self._store.transaction() as session:
            connection = await session.connection()
            booked = await self._booked(connection, told)
            fresh = [told[call_id] for call_id, row in booked.items() if told[call_id].seq > row.seq]
            await _write(connection, fresh, booked, self._rates)
        unknown = tuple(call_id for call_id in told if call_id not in booked)
        return Applied(len(fresh), len(booked) - len(fresh), unknown)

    async def open_attempts(self, node: str | None = None) -> list[AttemptRecord]:
        """Return the attempts without an outcome, oldest first, of one Asterisk node or of all."""
        query = select(ATTEMPTS).where(attempt_is_open()).order_by(ATTEMPTS.c.intent_at)
        if node is not None:
            query = query.where(ATTEMPTS.c.node == node)
        async with self._store.snapshot() as session:
            return [_record(row) for row in await session.execute(query)]

    async def attempts(self, call_ids: Collection[str]) -> list[AttemptRecord]:
        """Return what is known of these calls; ids unknown to the books are left out."""
        async with self._store.snapshot() as session:
            query = select(ATTEMPTS).where(ATTEMPTS.c.call_id.in_(list(call_ids)))
            return [_record(row) for row in await session.execute(query)]

    async def attempts_after(self, call_id: str, since: datetime, limit: int) -> list[AttemptRecord]:
        """Return up to `limit` attempts since a moment, in the order of their ids, those after one id."""
        chosen = (ATTEMPTS.c.call_id > call_id, ATTEMPTS.c.intent_at >= since)
        query = select(ATTEMPTS).where(*chosen).order_by(ATTEMPTS.c.call_id).limit(limit)
        async with self._store.snapshot() as session:
            return [_record(row) for row in await session.execute(query)]

    async def apply_inbound(self, records: Iterable[InboundRecord]) -> None:
        """Keep inbound calls; the record with the highest `seq` of a call stands."""
        last: dict[str, InboundRecord] = {}
        for record in records:
            if record.call_id not in last or record.seq > last[record.call_id].seq:
                last[record.call_id] = record
        rows = [_inbound_row(last[call_id]) for call_id in sorted(last)]
        if rows:
            async with self._store.transaction() as session:
                connection = await session.connection()
                statement = upsert(connection, _INBOUND)
                told = {name: statement.excluded[name] for name in _INBOUND_FIELDS if name != "call_id"}
                # Where the audio lies is told beside the record, perhaps before its last version.
                told["recording"] = func.coalesce(statement.excluded.recording, _INBOUND.c.recording)
                newer = _INBOUND.c.seq < statement.excluded.seq
                await connection.execute(
                    statement.on_conflict_do_update(index_elements=["call_id"], set_=told, where=newer), rows
                )

    async def opt_out(self, now: datetime, *, phone: str | None = None, debtor_id: int | None = None) -> int:
        """Never call these people again: the debtor, or everybody with this number; returns how many people.

        In force with the next group of intents, for calls already queued too.
        """
        whose = select(PHONES.c.debtor_id).where(PHONES.c.e164 == phone)
        async with self._store.transaction() as session:
            found = set((await session.execute(whose)).scalars()) if phone is not None else set()
            people = sorted(found | ({debtor_id} if debtor_id is not None else set()))
            await settling.suppress(await session.connection(), people, now)
        return len(people)

    async def _booked(self, connection: AsyncConnection, told: Iterable[str]) -> dict[str, Row[Any]]:
        return {row.call_id: row for row in await connection.execute(_locked(told))}


def _left(intents: Sequence[Intent], refusals: booking.Refusals) -> list[Intent]:
    return [intent for intent in intents if intent.record.call_id not in refusals]


def _locked(call_ids: Iterable[str]) -> Any:
    columns = (ATTEMPTS.c.call_id, ATTEMPTS.c.seq, ATTEMPTS.c.outcome, ATTEMPTS.c.disposition, ATTEMPTS.c.day)
    chosen = ATTEMPTS.c.call_id.in_(list(call_ids))
    return select(*columns).where(chosen).order_by(ATTEMPTS.c.call_id).with_for_update()


async def _write(
    connection: AsyncConnection,
    fresh: Sequence[AttemptRecord],
    booked: dict[str, Row[Any]],
    rates: Mapping[int, Rates],
) -> None:
    if not fresh:
        return
    before = {record.call_id: booked[record.call_id] for record in fresh}
    closed = {record.call_id: bool(record.outcome or before[record.call_id].outcome) for record in fresh}
    await settling.write_attempts(connection, fresh, closed)
    closing = [record for record in fresh if record.outcome and before[record.call_id].outcome is None]
    await settling.settle(connection, closing, {call_id: row.day for call_id, row in before.items()})
    promised = [
        # The first outcome stands.
        replace(record, outcome=Outcome(before[record.call_id].outcome))
        for record in fresh
        if _reopens(before[record.call_id].outcome, record.disposition, before[record.call_id].disposition)
    ]
    await following.plan_leads(connection, closing + promised, rates)
    await settling.opt_out(connection, [r for r in fresh if r.disposition == OPT_OUT_DISPOSITION])
    told = [r for r in fresh if r.disposition and r.disposition != before[r.call_id].disposition]
    await settling.stop_calls(connection, told)


def _reopens(outcome: str | None, disposition: str | None, before: str | None) -> bool:
    """Tell whether something was just promised in a closed call, or is promised no more."""
    promises = {CALLBACK_DISPOSITION, PROMISE_DISPOSITION}
    changed = disposition is not None and disposition != before
    return changed and outcome in (Outcome.ANSWERED, Outcome.ABANDONED) and bool(promises & {disposition, before})


def _inbound_row(record: InboundRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _INBOUND_FIELDS} | {"accounts": list(record.accounts)}


def _record(row: Row[Any]) -> AttemptRecord:
    facts = {name: getattr(row, name) for name in _RECORD_FIELDS}
    facts["outcome"] = Outcome(facts["outcome"]) if facts["outcome"] else None
    facts |= {name: tuple(facts[name]) for name in ("flags", "accounts", "place")}
    return AttemptRecord(**facts)
