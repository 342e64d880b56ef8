"""What a told outcome changes in the books: the attempt, its phone, the day's count, the debtor and the lead.

Every function works on a connection inside the journal's transaction, in the order in which rows are locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, bindparam, case, func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns import suppression
from campaigns.following import ended
from campaigns.intents import ATTEMPTS, DEBTORS, LEADS, PHONE_DAYS, PHONES
from campaigns.models import AttemptState, LeadState
from dialer.types import UNCOUNTED_OUTCOMES, AttemptRecord, Outcome

# A fact once told is never unlearned: a later record without it (a restarted engine's) leaves it as it is.
_KEPT_FACTS = (
    "dialled_at",
    "ringing_at",
    "answered_at",
    "classified_at",
    "bridged_at",
    "ended_at",
    "wrap_ended_at",
    "cause",
    "tech_cause",
    "agent",
    "recording",
    "disposition",
)
_PLAIN_FACTS = ("seq", "node", "trunk", "incarnation", "flags")
_RETRACTED_BY_A_DEAD_LEG = ("agent", "bridged_at")
"""What was taken for a conversation never was one: the agent's leg was dead, and the record says so by its flag."""


def _told(name: str) -> Any:
    return bindparam(f"new_{name}", type_=ATTEMPTS.c[name].type)


def _kept(name: str) -> Any:
    kept = func.coalesce(_told(name), ATTEMPTS.c[name])
    if name not in _RETRACTED_BY_A_DEAD_LEG:
        return kept
    return case((bindparam("new_retracted", type_=Boolean), _told(name)), else_=kept)


_UPDATE_ATTEMPT = (
    update(ATTEMPTS)
    .where(ATTEMPTS.c.call_id == _told("call_id"), ATTEMPTS.c.seq < _told("seq"))
    .values(
        {name: _kept(name) for name in _KEPT_FACTS}
        | {name: _told(name) for name in _PLAIN_FACTS}
        # The first outcome stands: the lead, the phone and the day's count already follow from it.
        | {"outcome": func.coalesce(ATTEMPTS.c.outcome, _told("outcome")), "state": _told("state")}
    )
)
_RELEASE_DAY = (
    update(PHONE_DAYS)
    .where(
        PHONE_DAYS.c.phone == bindparam("at_phone"),
        PHONE_DAYS.c.day == bindparam("at_day"),
        PHONE_DAYS.c.tries > 0,
    )
    .values(tries=PHONE_DAYS.c.tries - 1)
)
_RETIRE = (
    update(PHONES)
    .where(PHONES.c.id == bindparam("phone"), PHONES.c.retired_at.is_(None))
    .values(retired_at=bindparam("at"), retired_reason=bindparam("why"))
)
_LAST_AGENT = update(DEBTORS).where(DEBTORS.c.id == bindparam("debtor")).values(last_agent=bindparam("agent"))


def newest(records: Iterable[AttemptRecord]) -> dict[str, AttemptRecord]:
    """Keep the last record of every call: each tells all that is known by then."""
    last: dict[str, AttemptRecord] = {}
    for record in records:
        if record.call_id not in last or record.seq > last[record.call_id].seq:
            last[record.call_id] = record
    return last


async def write_attempts(
    connection: AsyncConnection, records: Sequence[AttemptRecord], closed: Mapping[str, bool]
) -> None:
    """Write what the records tell over what was known; `closed` says which attempts have an outcome by now."""
    rows = []
    for record in records:
        state = AttemptState.CLOSED if closed[record.call_id] else AttemptState.OPEN
        row: dict[str, object] = {f"new_{name}": getattr(record, name) for name in (*_KEPT_FACTS, *_PLAIN_FACTS)}
        row |= {"new_call_id": record.call_id, "new_flags": list(record.flags)}
        row |= {"new_retracted": "dead_leg" in record.flags and record.bridged_at is None}
        row |= {"new_outcome": record.outcome and record.outcome.value, "new_state": state.value}
        rows.append(row)
    await connection.execute(_UPDATE_ATTEMPT, rows)


async def settle(connection: AsyncConnection, closing: Sequence[AttemptRecord], days: Mapping[str, Any]) -> None:
    """Let phones, days and debtors follow from the outcomes of attempts that have just closed; leads come after."""
    await _many(
        connection,
        _RETIRE,
        sorted(
            ({"phone": r.phone_id, "at": ended(r), "why": "invalid"} for r in closing if r.outcome is Outcome.INVALID),
            key=lambda row: row["phone"],
        ),
    )
    released = ((r.phone, days[r.call_id]) for r in closing if r.outcome in UNCOUNTED_OUTCOMES)
    await _many(connection, _RELEASE_DAY, [{"at_phone": phone, "at_day": day} for phone, day in sorted(released)])
    spoke = {r.debtor_id: r.agent for r in closing if r.outcome is Outcome.ANSWERED and r.agent}
    await _many(connection, _LAST_AGENT, [{"debtor": debtor, "agent": spoke[debtor]} for debtor in sorted(spoke)])


async def opt_out(connection: AsyncConnection, records: Sequence[AttemptRecord]) -> None:
    """Never call again whoever asked for it during a call."""
    for record in sorted(records, key=lambda record: record.debtor_id):
        await suppress(connection, [record.debtor_id], ended(record))


async def suppress(connection: AsyncConnection, debtor_ids: Sequence[int], now: datetime) -> None:
    """Close every lead of these people, in every campaign, and remember since when."""
    if not debtor_ids:
        return
    await connection.execute(
        update(DEBTORS).where(DEBTORS.c.id.in_(debtor_ids), DEBTORS.c.opted_out_at.is_(None)).values(opted_out_at=now)
    )
    await connection.execute(
        update(LEADS)
        .where(LEADS.c.debtor_id.in_(debtor_ids))
        .values(state=LeadState.SUPPRESSED.value, reason=suppression.OPTED_OUT)
    )
    await suppression.write(connection, suppression.cease_requests(debtor_ids), now)


async def stop_calls(connection: AsyncConnection, records: Sequence[AttemptRecord]) -> None:
    """Suppress the number, the person or the debts where an agent's disposition says so."""
    await suppression.by_disposition(connection, [(record, ended(record)) for record in records])


async def _many(connection: AsyncConnection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await connection.execute(statement, rows)
