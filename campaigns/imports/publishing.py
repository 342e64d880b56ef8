"""From staged to dialled: one short step for everybody to see, then tidied up in short chunks, however often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.case_models import ImportState
from campaigns.imports.bulk import by_keys
from campaigns.imports.known import ACCOUNTS, CHANGES, DEBTORS, IMPORTS, LEADS, PHONES, revived
from campaigns.imports.pace import Pace
from dialer.store import Store

_TARGETS: Mapping[str, Table] = {"debtors": DEBTORS, "phones": PHONES, "accounts": ACCOUNTS, "leads": LEADS}
_OPEN = text(
    "UPDATE leads SET state = CASE WHEN EXISTS (SELECT 1 FROM debtors d WHERE d.id = leads.debtor_id "
    "AND d.opted_out_at IS NOT NULL) THEN 'suppressed' ELSE 'open' END "
    "WHERE id IN (SELECT id FROM leads WHERE state = 'staged' AND import_id = :import "
    "ORDER BY segment_id, id LIMIT :rows) AND state = 'staged'"
)


async def publish(store: Store, import_id: int, counts: Mapping[str, Any], now: datetime) -> None:
    """Let everybody see the import: one row changes, whatever the list's length."""
    async with store.transaction() as session:
        await session.execute(
            update(IMPORTS)
            .where(IMPORTS.c.id == import_id, IMPORTS.c.state == ImportState.STAGING.value)
            .values(
                state=ImportState.PUBLISHED.value,
                published_at=now,
                rows_rejected=counts.get("rejected", 0),
                counts=dict(counts),
            )
        )


async def tidy_all(store: Store, pace: Pace) -> None:
    """Finish every import that was published and left so by a process that ended."""
    async with store.snapshot() as session:
        query = select(IMPORTS.c.id).where(IMPORTS.c.state == ImportState.PUBLISHED.value).order_by(IMPORTS.c.id)
        waiting = list((await session.execute(query)).scalars())
    for import_id in waiting:
        await tidy(store, import_id, pace)


async def tidy(store: Store, import_id: int, pace: Pace) -> None:
    """Write what a published import says otherwise than the books, and make its leads plainly open."""

    async def apply(connection: AsyncConnection, rows: int) -> int:
        return await _apply(connection, import_id, rows)

    async def opened(connection: AsyncConnection, rows: int) -> int:
        return (await connection.execute(_OPEN, {"import": import_id, "rows": rows})).rowcount

    await _in_chunks(store, pace, apply)
    await _in_chunks(store, pace, opened)
    async with store.transaction() as session:
        done = update(IMPORTS).where(IMPORTS.c.id == import_id, IMPORTS.c.state == ImportState.PUBLISHED.value)
        await session.execute(done.values(state=ImportState.DONE.value))


async def _in_chunks(store: Store, pace: Pace, work: Callable[[AsyncConnection, int], Awaitable[int]]) -> None:
    while True:
        async with store.transaction() as session:
            connection = await session.connection()
            with pace.timed():
                await by_keys(connection)
                found = await work(connection, pace.rows)
                await session.commit()
        if not found:
            return
        await pace.rest()


async def _apply(connection: AsyncConnection, import_id: int, rows: int) -> int:
    """Write some changes and forget them, in one transaction; return how many there were."""
    query = (
        select(CHANGES.c.target, CHANGES.c.row_id, CHANGES.c.facts)
        .where(CHANGES.c.import_id == import_id)
        .order_by(CHANGES.c.target, CHANGES.c.row_id)
        .limit(rows)
    )
    found = (await connection.execute(query)).all()
    groups: defaultdict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
    for target, row_id, facts in found:
        bound = {f"new_{name}": value for name, value in revived(facts).items()}
        groups[target, tuple(sorted(facts))].append({"row": row_id, **bound})
    for (target, names), changes in groups.items():
        table = _TARGETS[target]
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        await connection.execute(update(table).where(table.c.id == bindparam("row")).values(values), changes)
    if found:
        last = (found[-1].target, found[-1].row_id)
        await connection.execute(
            delete(CHANGES).where(CHANGES.c.import_id == import_id, tuple_(CHANGES.c.target, CHANGES.c.row_id) <= last)
        )
    return len(found)
