"""The suppressions in the books: written, lifted, and asked for in the very transaction that books a call.

An order is never changed: a longer one lifts the shorter and takes its place, so that the past stays readable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, bindparam, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.case_models import Suppression
from campaigns.compliance import debt_key, person_key, phone_key
from campaigns.models import Account, Debtor, Lead, LeadState, Phone
from campaigns.stops import BY_DISPOSITION, OWN_KINDS, Callee, Scope, Stop, StopKind, Stops, held_back
from dialer.store import Store, upsert
from dialer.types import AttemptRecord

SUPPRESSIONS: Table = Suppression.metadata.tables["suppressions"]
ACCOUNTS: Table = Account.metadata.tables["accounts"]
DEBTORS: Table = Debtor.metadata.tables["debtors"]
LEADS: Table = Lead.metadata.tables["leads"]
PHONES: Table = Phone.metadata.tables["phones"]

OPTED_OUT = "opted_out"
"""Reason of a lead closed by the key a debtor pressed."""

_PEOPLE = 200
"""People whose leads are looked at in one transaction: a running engine is never held up."""

# Asked for every group of calls: made once, because making a statement costs more than carrying it out.
_IN_FORCE = (
    select(SUPPRESSIONS)
    .where(
        SUPPRESSIONS.c.key.in_(bindparam("keys", expanding=True)),
        # Whatever its `since`: the clocks of two machines differ, and an order counts from the moment it is written.
        SUPPRESSIONS.c.lifted_at.is_(None),
        or_(SUPPRESSIONS.c.until.is_(None), SUPPRESSIONS.c.until > bindparam("now")),
    )
    .order_by(SUPPRESSIONS.c.id)
)
_DEBTS = (
    select(ACCOUNTS.c.debtor_id, ACCOUNTS.c.id)
    .where(ACCOUNTS.c.debtor_id.in_(bindparam("people", expanding=True)))
    .order_by(ACCOUNTS.c.id)
)
_LIFT = (
    update(SUPPRESSIONS)
    .where(SUPPRESSIONS.c.id == bindparam("stop"))
    .values(lifted_at=bindparam("at", type_=SUPPRESSIONS.c.lifted_at.type), lifted_by=bindparam("who"))
)
_MOVE_LEAD = (
    update(LEADS)
    .where(LEADS.c.id == bindparam("lead"), LEADS.c.state == bindparam("was"))
    .values(state=bindparam("to"), reason=bindparam("why"))
)
_REST = (
    update(LEADS)
    .where(LEADS.c.id == bindparam("lead"), LEADS.c.next_try_at < bindparam("at", type_=LEADS.c.next_try_at.type))
    .values(next_try_at=bindparam("at", type_=LEADS.c.next_try_at.type))
)
_RETIRE = (
    update(PHONES)
    .where(PHONES.c.id == bindparam("phone"))
    .values(retired_at=bindparam("at", type_=PHONES.c.retired_at.type), retired_reason=bindparam("why"))
)


@dataclass(frozen=True, slots=True)
class Order:
    """Somebody's word that nobody may be called: `key` as in `campaigns.compliance`, `until` None for good."""

    key: str
    kind: str
    by: str
    source: str = ""
    note: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What an order changed: suppressions written or lifted, and whose calls it touches."""

    changed: int
    debtor_ids: tuple[int, ...]


async def in_force(connection: AsyncConnection, keys: Collection[str], now: datetime) -> Stops:
    """Return the suppressions by key that hold now: one look at the index, however many keys."""
    if not keys:
        return {}
    found: defaultdict[str, list[Stop]] = defaultdict(list)
    for row in await connection.execute(_IN_FORCE, {"keys": list(keys), "now": now}):
        found[row.key].append(Stop(row.key, row.kind, row.until, row.by_name, row.since))
    return found


async def write(connection: AsyncConnection, orders: Sequence[Order], now: datetime) -> int:
    """Write orders that say more than what is in force; return how many do. Repeating them changes nothing."""
    wanted = _longest(orders)
    standing = {(row.key, row.kind): row for row in await connection.execute(_standing(wanted))}
    fresh = [order for place, order in wanted.items() if _says_more(order, standing.get(place), now)]
    replaced = [standing[order.key, order.kind] for order in fresh if (order.key, order.kind) in standing]
    await _lift(connection, [(row, _ended(row, now)) for row in replaced])
    if fresh:
        rows = [_row(order, now) for order in sorted(fresh, key=lambda order: (order.key, order.kind))]
        await connection.execute(upsert(connection, SUPPRESSIONS).on_conflict_do_nothing(), rows)
    return len(fresh)


def _longest(orders: Iterable[Order]) -> dict[tuple[str, str], Order]:
    """Return one order per key and kind, the one that lasts longest."""
    wanted: dict[tuple[str, str], Order] = {}
    for order in orders:
        known = wanted.get((order.key, order.kind))
        if known is None or (known.until is not None and (order.until is None or order.until > known.until)):
            wanted[order.key, order.kind] = order
    return wanted


def _standing(wanted: Collection[tuple[str, str]]) -> Any:
    keys = {key for key, _ in wanted}
    pairs = tuple_(SUPPRESSIONS.c.key, SUPPRESSIONS.c.kind).in_(wanted)
    return select(SUPPRESSIONS).where(SUPPRESSIONS.c.key.in_(keys), SUPPRESSIONS.c.lifted_at.is_(None), pairs)


def _says_more(order: Order, standing: Row[Any] | None, now: datetime) -> bool:
    if standing is None:
        return True
    if standing.until is None:
        return False
    return standing.until <= now or order.until is None or order.until > standing.until


def _ended(row: Row[Any], now: datetime) -> tuple[datetime, str]:
    """Return when and by whom an order that is replaced came to its end: by its own time, or by the newer one."""
    return (row.until, "its time") if row.until is not None and row.until <= now else (now, "a longer one")


async def _lift(connection: AsyncConnection, rows: Sequence[tuple[Row[Any], tuple[datetime, str]]]) -> None:
    if rows:
        await connection.execute(_LIFT, [{"stop": row.id, "at": at, "who": who} for row, (at, who) in rows])


def _row(order: Order, now: datetime) -> dict[str, Any]:
    told = {"by_name": order.by, "source": order.source, "note": order.note}
    return {"key": order.key, "kind": order.kind, "since": now, "until": order.until, **told}


async def lift(connection: AsyncConnection, keys: Collection[str], kind: str | None, by: str, now: datetime) -> int:
    """Lift what holds at these keys, of one kind or of every kind; return how many. The rows stay as evidence."""
    query = select(SUPPRESSIONS).where(SUPPRESSIONS.c.key.in_(keys), SUPPRESSIONS.c.lifted_at.is_(None))
    rows = (await connection.execute(query.where(SUPPRESSIONS.c.kind == kind) if kind else query)).all()
    await _lift(connection, [(row, (now, by)) for row in rows])
    asked_for_calls = [
        int(row.key.removeprefix("person:"))
        for row in rows
        if row.kind == StopKind.CEASE_REQUEST and row.key.startswith("person:")
    ]
    if asked_for_calls:
        chosen = DEBTORS.c.id.in_(asked_for_calls)
        await connection.execute(update(DEBTORS).where(chosen).values(opted_out_at=None))
    return len(rows)


async def people(connection: AsyncConnection, keys: Collection[str]) -> list[int]:
    """Return the debtors whom these keys are about: by themselves, by a number of theirs, by a debt."""
    of: dict[str, list[str]] = {"person": [], "phone": [], "debt": []}
    for key in keys:
        scope, _, value = key.partition(":")
        of[scope].append(value)
    found = set(map(int, of["person"]))
    if of["phone"]:
        query = select(PHONES.c.debtor_id).where(PHONES.c.e164.in_(of["phone"]))
        found.update((await connection.execute(query)).scalars())
    if of["debt"]:
        query = select(ACCOUNTS.c.debtor_id).where(ACCOUNTS.c.id.in_(map(int, of["debt"])))
        found.update((await connection.execute(query)).scalars())
    return sorted(found)


async def accounts_of(connection: AsyncConnection, debtor_ids: Collection[int]) -> dict[int, list[int]]:
    """Return the debts of these people, the oldest first."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    if debtor_ids:
        for debtor_id, account_id in await connection.execute(_DEBTS, {"people": list(debtor_ids)}):
            found[debtor_id].append(account_id)
    return found


async def numbers_of(connection: AsyncConnection, debtor_ids: Collection[int]) -> list[str]:
    """Return every number of these people, in use or not."""
    query = select(PHONES.c.e164).where(PHONES.c.debtor_id.in_(debtor_ids)).distinct().order_by(PHONES.c.e164)
    return list((await connection.execute(query)).scalars()) if debtor_ids else []


async def restate(connection: AsyncConnection, debtor_ids: Collection[int], now: datetime) -> None:
    """Let leads and phones of these people follow from what is in force: closed, at rest, or open again.

    Only our own kinds count here: whether a do-not-call list holds depends on the profiles and is judged call by call.
    """
    if not debtor_ids:
        return
    accounts = await accounts_of(connection, debtor_ids)
    chosen = LEADS.c.debtor_id.in_(debtor_ids) & LEADS.c.state.in_([LeadState.OPEN.value, LeadState.SUPPRESSED.value])
    opted_out = select(LEADS, DEBTORS.c.opted_out_at).join_from(LEADS, DEBTORS, DEBTORS.c.id == LEADS.c.debtor_id)
    leads = (await connection.execute(opted_out.where(chosen).order_by(LEADS.c.id))).all()
    phones = (await connection.execute(select(PHONES).where(PHONES.c.debtor_id.in_(debtor_ids)))).all()
    keys = {phone_key(phone.e164) for phone in phones} | {person_key(debtor) for debtor in debtor_ids}
    keys |= {debt_key(debt) for debts in accounts.values() for debt in debts}
    stops = await in_force(connection, keys, now)
    await _restate_phones(connection, phones, stops, now)
    await _restate_leads(connection, leads, stops, accounts)


async def _restate_phones(connection: AsyncConnection, phones: Sequence[Row[Any]], stops: Stops, now: datetime) -> None:
    """Retire numbers that are stopped for good, and take back those that are stopped no more."""
    rows: list[dict[str, Any]] = []
    for phone in phones:
        found = stops.get(phone_key(phone.e164), ())
        kind = next((stop.kind for stop in found if stop.kind in OWN_KINDS and stop.until is None), None)
        if kind is not None and phone.retired_at is None:
            rows.append({"phone": phone.id, "at": now, "why": kind})
        if kind is None and phone.retired_reason in OWN_KINDS:
            rows.append({"phone": phone.id, "at": None, "why": None})
    if rows:
        await connection.execute(_RETIRE, sorted(rows, key=lambda row: int(row["phone"])))


async def _restate_leads(
    connection: AsyncConnection, leads: Sequence[Row[Any]], stops: Stops, accounts: dict[int, list[int]]
) -> None:
    moved: list[dict[str, Any]] = []
    resting: list[dict[str, Any]] = []
    for lead in leads:
        debts = tuple(lead.account_ids or accounts.get(lead.debtor_id, ()))
        # No phone: a stopped number is retired, and the next one takes its place.
        held = held_back(stops, Callee("", lead.debtor_id, debts), frozenset())
        if held is not None and held.until is None and lead.state == LeadState.OPEN:
            why = held.detail.partition(" ")[0]
            moved.append({"lead": lead.id, "was": lead.state, "to": LeadState.SUPPRESSED.value, "why": why})
        elif held is not None and held.until is not None:
            resting.append({"lead": lead.id, "at": held.until})
        if (held is None or held.until is not None) and _may_reopen(lead):
            moved.append({"lead": lead.id, "was": lead.state, "to": LeadState.OPEN.value, "why": ""})
    for statement, rows in ((_MOVE_LEAD, moved), (_REST, resting)):
        if rows:
            await connection.execute(statement, rows)


def _may_reopen(lead: Row[Any]) -> bool:
    closed_by_us = lead.state == LeadState.SUPPRESSED and lead.reason in {*OWN_KINDS, OPTED_OUT}
    return bool(closed_by_us and lead.opted_out_at is None)


def cease_requests(debtor_ids: Iterable[int]) -> list[Order]:
    """Return the orders of people who pressed the key for no more calls."""
    return [
        Order(person_key(debtor), StopKind.CEASE_REQUEST, by="debtor", source="key pressed in the menu")
        for debtor in sorted(debtor_ids)
    ]


async def by_disposition(connection: AsyncConnection, told: Sequence[tuple[AttemptRecord, datetime]]) -> None:
    """Suppress what agents' dispositions say, each from the end of its call; other dispositions change nothing."""
    for record, at in sorted(told, key=lambda each: each[0].debtor_id):
        meant = BY_DISPOSITION.get(record.disposition or "")
        if meant is None:
            continue
        kind, scope = meant
        keys = await _keys(connection, record, scope)
        source = f"disposition {record.disposition} of call {record.call_id}"
        await write(connection, [Order(key, kind, record.agent or "agent", source) for key in keys], at)
        await restate(connection, await people(connection, keys), at)


async def _keys(connection: AsyncConnection, record: AttemptRecord, scope: Scope) -> list[str]:
    match scope:
        case "phone":
            return [phone_key(record.phone)]
        case "person":
            return [person_key(record.debtor_id)]
        case "debt":
            spoken_of = await connection.scalar(select(LEADS.c.account_ids).where(LEADS.c.id == record.lead_id))
            debts = (
                record.accounts
                or spoken_of
                or (await accounts_of(connection, [record.debtor_id])).get(record.debtor_id, [])
            )
            # A dispute about a debt nobody wrote down is the person's.
            return [debt_key(debt) for debt in debts] or [person_key(record.debtor_id)]


class Suppressions:
    """Who must not be called, for people who give and lift such orders. Each call ends in short transactions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, orders: Sequence[Order], now: datetime) -> Change:
        """Put orders in force for every call that is not placed yet, queued ones too."""
        keys = {order.key for order in orders}
        async with self._store.transaction() as session:
            connection = await session.connection()
            changed = await write(connection, orders, now)
            touched = await people(connection, keys)
        return await self._restated(Change(changed, tuple(touched)), now)

    async def lift(self, keys: Collection[str], kind: str | None, *, by: str, now: datetime) -> Change:
        """Lift what holds at these keys (of one kind, or all); their leads may be called again at once."""
        async with self._store.transaction() as session:
            connection = await session.connection()
            changed = await lift(connection, keys, kind, by, now)
            touched = await people(connection, keys)
        return await self._restated(Change(changed, tuple(touched)), now)

    async def _restated(self, change: Change, now: datetime) -> Change:
        for start in range(0, len(change.debtor_ids), _PEOPLE):
            async with self._store.transaction() as session:
                await restate(await session.connection(), change.debtor_ids[start : start + _PEOPLE], now)
        return change

    async def listed(
        self, keys: Collection[str] = (), *, kind: str = "", past: bool = False, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Return orders, the newest first: those in force, or with `past` the lifted ones too."""
        query = select(SUPPRESSIONS).order_by(SUPPRESSIONS.c.id.desc()).limit(limit)
        query = query.where(SUPPRESSIONS.c.key.in_(keys)) if keys else query
        query = query.where(SUPPRESSIONS.c.kind == kind) if kind else query
        query = query if past else query.where(SUPPRESSIONS.c.lifted_at.is_(None))
        async with self._store.snapshot() as session:
            return [dict(row) for row in (await session.execute(query)).mappings()]
