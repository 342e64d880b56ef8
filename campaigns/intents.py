"""Intents to dial, written as a group: who is refused and why, one attempt per try, one count per phone and day.

Every function works on a connection inside the journal's transaction and needs few statements whatever the size of
the group. Statements are made once: making one costs more than carrying it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Table, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.audit import DialEvidence
from campaigns.compliance import day_ends, zone_of
from campaigns.models import DUE_AT_ONCE, Attempt, AttemptState, Debtor, Lead, LeadState, Phone, PhoneDay
from campaigns.stops import RULE as SUPPRESSED
from campaigns.stops import Callee, held_back
from campaigns.suppression import accounts_of, in_force
from dialer.store import upsert_in
from dialer.types import AttemptRecord, Refused

ATTEMPTS: Table = Attempt.metadata.tables["attempts"]
LEADS: Table = Lead.metadata.tables["leads"]
PHONES: Table = Phone.metadata.tables["phones"]
PHONE_DAYS: Table = PhoneDay.metadata.tables["phone_days"]
DEBTORS: Table = Debtor.metadata.tables["debtors"]

_INTENT_FIELDS = (
    "call_id",
    "seq",
    "campaign_id",
    "campaign",
    "segment",
    "lead_id",
    "debtor_id",
    "debtor",
    "phone_id",
    "phone",
    "try_no",
    "node",
    "trunk",
    "incarnation",
    "time_zone",
    "intent_at",
)
_CALLEES = (
    select(LEADS, PHONES.c.id.label("phone"), DEBTORS.c.opted_out_at, PHONES.c.retired_at)
    .join_from(LEADS, DEBTORS, DEBTORS.c.id == LEADS.c.debtor_id)
    .join(PHONES, PHONES.c.debtor_id == DEBTORS.c.id)
    .where(LEADS.c.id.in_(bindparam("leads", expanding=True)), PHONES.c.id.in_(bindparam("phones", expanding=True)))
)
_PARK = update(LEADS).where(LEADS.c.id == bindparam("lead")).values(next_try_at=bindparam("until"))

Refusals = dict[str, Refused]


@dataclass(frozen=True, slots=True)
class Intent:
    """One call about to be placed: its record, the debtor's local day, and the phone's limit for that day.

    `lists` are the do-not-call lists that hold for it (None: every list there is), `evidence` is what was known when
    it was allowed.
    """

    record: AttemptRecord
    day: date
    max_per_day: int
    lists: frozenset[str] | None = None
    evidence: DialEvidence | None = None


async def refuse(connection: AsyncConnection, intents: Sequence[Intent]) -> Refusals:
    """Return who may not be called at all: opted out, suppressed, phone retired, lead closed or unknown."""
    records = [intent.record for intent in intents]
    asked = {"leads": [record.lead_id for record in records], "phones": [record.phone_id for record in records]}
    known = {(lead.id, lead.phone): lead for lead in await connection.execute(_CALLEES, asked)}
    refusals = await _suppressed(connection, intents, known)
    for record in records:
        refusal = _standing(known.get((record.lead_id, record.phone_id)), refusals.get(record.call_id))
        if refusal is not None:
            refusals[record.call_id] = refusal
    return refusals


async def _suppressed(
    connection: AsyncConnection, intents: Sequence[Intent], known: Mapping[tuple[int, int], Row[Any]]
) -> Refusals:
    """Return who is held back by a suppression in force now, also one written after the lead was queued."""
    untold = {lead.debtor_id for lead in known.values() if not lead.account_ids}
    accounts = await accounts_of(connection, untold)
    callees: dict[str, Callee] = {}
    for record in (intent.record for intent in intents):
        lead = known.get((record.lead_id, record.phone_id))
        debts = (lead.account_ids or accounts.get(lead.debtor_id, ())) if lead is not None else ()
        callees[record.call_id] = Callee(record.phone, record.debtor_id, record.accounts or tuple(debts))
    now = max((intent.record.intent_at for intent in intents), default=DUE_AT_ONCE)
    stops = await in_force(connection, {key for callee in callees.values() for key in callee.keys}, now)
    if not stops:
        return {}
    held = {i.record.call_id: held_back(stops, callees[i.record.call_id], i.lists) for i in intents}
    return {call_id: refused for call_id, refused in held.items() if refused is not None}


def _standing(lead: Row[Any] | None, held: Refused | None) -> Refused | None:
    if lead is None:
        return Refused("unknown_lead")
    if lead.opted_out_at is not None:
        return Refused("opted_out")
    if held is not None:
        return held
    if lead.state == LeadState.SUPPRESSED:
        return Refused(SUPPRESSED, detail=lead.reason)
    if lead.retired_at is not None:
        return Refused("phone_retired")
    # Whoever found a staged lead found it in a published import.
    return None if lead.state in (LeadState.OPEN, LeadState.STAGED) else Refused("lead_closed", detail=lead.state)


async def insert(connection: AsyncConnection, intents: Sequence[Intent]) -> Refusals:
    """Write the attempts; a try that was made before, or a debtor in another call, is refused."""
    if not intents:
        return {}
    # In one order everywhere: two engines inserting the same tries wait for each other, never in a circle.
    rows = sorted((_row(intent) for intent in intents), key=lambda row: str(row["call_id"]))
    written = set((await connection.execute(_new_attempts(connection.dialect.name), rows)).scalars())
    refused = [intent.record for intent in intents if intent.record.call_id not in written]
    return await _why_not_written(connection, refused) if refused else {}


@lru_cache
def _new_attempts(dialect: str) -> Any:
    return upsert_in(dialect, ATTEMPTS).on_conflict_do_nothing().returning(ATTEMPTS.c.call_id)


def _row(intent: Intent) -> dict[str, object]:
    row = {name: getattr(intent.record, name) for name in _INTENT_FIELDS}
    return {**row, "state": AttemptState.OPEN.value, "day": intent.day, **_lists(intent.record)}


def _lists(record: AttemptRecord) -> dict[str, list[Any]]:
    return {"flags": list(record.flags), "accounts": list(record.accounts), "place": list(record.place)}


async def _why_not_written(connection: AsyncConnection, records: Sequence[AttemptRecord]) -> Refusals:
    tried = select(ATTEMPTS.c.campaign_id, ATTEMPTS.c.debtor_id, ATTEMPTS.c.try_no).where(
        ATTEMPTS.c.debtor_id.in_([record.debtor_id for record in records]),
        ATTEMPTS.c.campaign_id.in_({record.campaign_id for record in records}),
    )
    known = {tuple(row) for row in await connection.execute(tried)}
    return {
        record.call_id: Refused(
            "already_tried" if (record.campaign_id, record.debtor_id, record.try_no) in known else "in_call",
            detail=f"try {record.try_no} of debtor {record.debtor}",
        )
        for record in records
    }


async def reserve(connection: AsyncConnection, intents: Sequence[Intent]) -> Refusals:
    """Count a try for every phone and day; one beyond the limit leaves no attempt and its lead rests until tomorrow."""
    refused: list[Intent] = []
    waiting = sorted(intents, key=lambda intent: (intent.record.phone, intent.day))
    while waiting:
        once, waiting = _once_per_phone(waiting)
        reserved = await _count(connection, once)
        refused += [intent for intent in once if (intent.record.phone, intent.day) not in reserved]
    if refused:
        await _withdraw(connection, refused)
    return {
        intent.record.call_id: Refused(
            "phone_day_limit",
            detail=f"{intent.record.phone} had {intent.max_per_day} tries on {intent.day}",
            until=_tomorrow(intent),
        )
        for intent in refused
    }


def _once_per_phone(intents: Sequence[Intent]) -> tuple[list[Intent], list[Intent]]:
    """Split off one intent per phone and day: PostgreSQL touches a row once per statement."""
    once: dict[tuple[str, date], Intent] = {}
    later = []
    for intent in intents:
        key = (intent.record.phone, intent.day)
        if key in once:
            later.append(intent)
        else:
            once[key] = intent
    return list(once.values()), later


async def _count(connection: AsyncConnection, intents: Sequence[Intent]) -> set[tuple[str, date]]:
    statement = _one_more_try(connection.dialect.name)
    rows = [{"phone": i.record.phone, "day": i.day, "tries": 1, "allowed": i.max_per_day} for i in intents]
    return {(phone, day) for phone, day in await connection.execute(statement, rows)}


@lru_cache
def _one_more_try(dialect: str) -> Any:
    statement = upsert_in(dialect, PHONE_DAYS)
    return statement.on_conflict_do_update(
        index_elements=[PHONE_DAYS.c.phone, PHONE_DAYS.c.day],
        set_={"tries": PHONE_DAYS.c.tries + 1, "allowed": statement.excluded.allowed},
        where=PHONE_DAYS.c.tries < statement.excluded.allowed,
    ).returning(PHONE_DAYS.c.phone, PHONE_DAYS.c.day)


async def _withdraw(connection: AsyncConnection, refused: Sequence[Intent]) -> None:
    calls = [intent.record.call_id for intent in refused]
    await connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.call_id.in_(calls)))
    parked = [{"lead": i.record.lead_id, "until": _tomorrow(i)} for i in refused if _tomorrow(i) is not None]
    if parked:
        await connection.execute(_PARK, sorted(parked, key=lambda row: int(str(row["lead"]))))


def _tomorrow(intent: Intent) -> datetime | None:
    return day_ends(intent.record.time_zone, intent.day) if zone_of(intent.record.time_zone) else None


def by_position(intents: Sequence[Intent]) -> tuple[list[Intent], Mapping[int, Refused]]:
    """Split off intents whose call_id came earlier in the same group: the second one was already tried."""
    seen: set[str] = set()
    unique, repeated = [], {}
    for position, intent in enumerate(intents):
        if intent.record.call_id in seen:
            repeated[position] = Refused("already_tried", detail="twice in one group")
        else:
            seen.add(intent.record.call_id)
            unique.append(intent)
    return unique, repeated
