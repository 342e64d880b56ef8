"""One chunk written: everything it says and how far the file has come, in a single short transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Table, bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.case_models import Suppression
from campaigns.imports.bulk import Records, by_keys, insert, records
from campaigns.imports.known import (
    ACCOUNT_FACTS,
    ACCOUNTS,
    CHANGES,
    DEBTOR_FACTS,
    DEBTORS,
    IMPORTS,
    LEADS,
    PHONES,
    STAGED,
    KnownLead,
)
from campaigns.imports.planning import Chunk, Target
from campaigns.models import DUE_AT_ONCE
from dialer.store import upsert
from dialer.types import InputError

SUPPRESSIONS: Table = Suppression.metadata.tables["suppressions"]

_debtor_facts, _account_facts = itemgetter(*DEBTOR_FACTS), itemgetter(*ACCOUNT_FACTS)
_DEBTOR_COLUMNS = ("id", "external_id", *DEBTOR_FACTS)
_PHONE_COLUMNS = ("id", "debtor_id", "e164", "rank", "kind", "retired_at", "retired_reason")
_ACCOUNT_COLUMNS = ("id", "debtor_id", "creditor", "product", "number", *ACCOUNT_FACTS)
_LEAD_COLUMNS = (
    "id", "campaign_id", "segment_id", "debtor_id", "state", "reason", "tries", "next_try_at", "account_ids",
    "import_id",
)  # fmt: skip
_SET_LEAD = (
    update(LEADS)
    .where(LEADS.c.id == bindparam("lead"))
    .values(segment_id=bindparam("segment"), account_ids=bindparam("accounts"), import_id=bindparam("import"))
)


class Overtaken(InputError):
    """Another process imports the same file."""

    error_id = "import-running"


@dataclass(frozen=True, slots=True)
class Ready:
    """A chunk, and its new rows in the order they are written, as the driver takes them."""

    chunk: Chunk
    new: Sequence[Records] = ()


def prepared(dialect: Dialect, target: Target, chunk: Chunk, now: datetime) -> Ready:
    """Make a chunk ready for the database: what need not be done within a transaction."""
    debtors = [(p.id, p.code, *_debtor_facts(p.facts)) for p in chunk.debtors]
    phones = [
        (id_, debtor, e164, rank, kind, now if waits else None, STAGED if waits else None)
        for id_, debtor, e164, rank, kind, waits in chunk.phones
    ]
    accounts = [(id_, debtor, *key, *_account_facts(a.facts)) for id_, debtor, key, a in chunk.accounts]
    leads = [_lead(target, person.id, lead) for person, lead in chunk.leads]
    new = (
        records(dialect, DEBTORS, _DEBTOR_COLUMNS, debtors),
        records(dialect, PHONES, _PHONE_COLUMNS, phones),
        records(dialect, ACCOUNTS, _ACCOUNT_COLUMNS, accounts),
        records(dialect, LEADS, _LEAD_COLUMNS, leads),
    )
    return Ready(chunk, new)


async def write(
    connection: AsyncConnection, target: Target, ready: Ready, progress: Mapping[str, Any], *, file: str, now: datetime
) -> None:
    """Write a chunk inside the caller's transaction; raises Overtaken when somebody else wrote it meanwhile.

    `progress` holds `before` and `after`, the rows done of the file, and `counts`, what the import came to so far.
    """
    await by_keys(connection)
    await _advance(connection, target.import_id, progress)
    for rows in ready.new:
        await insert(connection, rows)
    await _write_rest(connection, target, ready.chunk, file, now)


def _lead(target: Target, debtor_id: int, lead: KnownLead) -> tuple[Any, ...]:
    reason = "opted_out" if lead.state == "suppressed" else ""
    state = str(lead.state)
    accounts = lead.account_ids
    where = (lead.id, target.campaign_id, lead.segment_id, debtor_id)
    return (*where, state, reason, 0, DUE_AT_ONCE, accounts, target.import_id)


async def _advance(connection: AsyncConnection, import_id: int, progress: Mapping[str, Any]) -> None:
    moved = await connection.execute(
        update(IMPORTS)
        .where(IMPORTS.c.id == import_id, IMPORTS.c.rows_done == progress["before"], IMPORTS.c.state == "staging")
        .values(rows_done=progress["after"], counts=progress["counts"])
    )
    if moved.rowcount != 1:
        raise Overtaken("this file is being imported by another process; wait until that has ended")


async def _write_rest(connection: AsyncConnection, target: Target, chunk: Chunk, file: str, now: datetime) -> None:
    if chunk.loose_leads:
        rows = [
            {"lead": id_, "segment": lead.segment_id, "accounts": lead.account_ids, "import": target.import_id}
            for id_, lead in sorted(chunk.loose_leads.items())
        ]
        await connection.execute(_SET_LEAD, rows)
    if chunk.changes:
        statement = upsert(connection, CHANGES)
        statement = statement.on_conflict_do_update(
            index_elements=[CHANGES.c.import_id, CHANGES.c.target, CHANGES.c.row_id],
            set_={"facts": statement.excluded.facts},
        )
        await connection.execute(
            statement,
            [
                {"import_id": target.import_id, "target": table, "row_id": row_id, "facts": _plain(facts)}
                for (table, row_id), facts in sorted(chunk.changes.items())
            ],
        )
    if chunk.stops:
        await connection.execute(
            upsert(connection, SUPPRESSIONS).on_conflict_do_nothing(),
            [
                {
                    "key": f"person:{person}",
                    "kind": kind,
                    "since": now,
                    "by_name": "import",
                    "source": file[:120],
                    "note": f"line {line}",
                }
                for (person, kind), line in sorted(chunk.stops.items())
            ],
        )


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in facts.items()}
