"""Bring a list into a campaign in short transactions, with a report of bad rows; the same file twice is free."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, TypeVar

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.intents import DEBTORS, LEADS, PHONES, upsert
from campaigns.listfile import ListFile
from campaigns.models import DUE_AT_ONCE, Account, LeadState
from campaigns.repository import Campaigns
from campaigns.rows import Judge, Reject, Row
from dialer.config import parse_campaign
from dialer.store import Store
from dialer.types import InputError

ACCOUNTS: Table = Account.metadata.tables["accounts"]
_CHUNK_ROWS = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import came to; `new` and `changed` count rows per table, and are empty when nothing changed."""

    rows: int
    imported: int
    rejected: int
    rejects_file: Path | None
    new: Mapping[str, int]
    changed: Mapping[str, int]
    ignored_columns: tuple[str, ...]


async def import_csv(
    store: Store, path: Path, campaign: str, *, progress: Callable[[int], None] | None = None
) -> ImportReport:
    """Import a list into a campaign; `progress` hears the number of rows of each chunk.

    Rejected rows go to `<path>.rejects.csv` with line, column, value and reason. Raises InputError for a file that
    is not a list (nothing is imported then) and for an unknown campaign.
    """
    file = ListFile.checked(path)
    target = await _target(store, campaign)
    new: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    with _RejectsFile(path) as rejects:
        for chunk in _chunks(file.lines(), _CHUNK_ROWS):
            rows = list(rejects.sorted_out(target.judge.judge(line) for line in chunk))
            async with store.transaction() as session:
                writer = _Writer(await session.connection(), target, new, changed)
                await writer.write(rows)
            if progress is not None:
                progress(len(chunk))
    where = rejects.path if rejects.count else None
    return ImportReport(file.rows, file.rows - rejects.count, rejects.count, where, +new, +changed, file.ignored)


@dataclass(frozen=True, slots=True)
class _Target:
    campaign_id: int
    segments: Mapping[str, int]
    judge: Judge


async def _target(store: Store, name: str) -> _Target:
    async with store.snapshot() as session:
        campaign = await Campaigns(session).get(name)
        segments = {segment.name: segment.id for segment in await Campaigns(session).segments(campaign.id)}
    return _Target(campaign.id, segments, Judge(parse_campaign(campaign.definition, f"campaign {name}")))


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


class _RejectsFile:
    """The report of rejected rows; it exists only when there are some."""

    def __init__(self, source: Path) -> None:
        self.path = source.with_name(source.name + ".rejects.csv")
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be replaced: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def sorted_out(self, judged: Iterable[Row | Reject]) -> Iterator[Row]:
        """Yield the usable rows and write down the others."""
        for each in judged:
            if isinstance(each, Row):
                yield each
            else:
                self._write(each)

    def _write(self, reject: Reject) -> None:
        if self._file is None:
            self._file = self._opened()
        csv.writer(self._file).writerow([reject.line, reject.column, reject.value, reject.reason])
        self.count += 1

    def _opened(self) -> TextIO:
        try:
            file = self.path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {error.strerror}") from error
        csv.writer(file).writerow([field.name for field in fields(Reject)])
        return file


class _Writer:
    """Writes one chunk; only what differs from the books is written at all."""

    def __init__(self, connection: AsyncConnection, target: _Target, new: Counter[str], changed: Counter[str]) -> None:
        self._connection = connection
        self._target = target
        self._new = new
        self._changed = changed

    async def write(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        ids, opted_out = await self._debtors(rows)
        await self._phones(rows, ids)
        await self._accounts([row for row in rows if row.has_account], ids)
        await self._leads([row for row in rows if row.first], ids, opted_out)

    async def _debtors(self, rows: Sequence[Row]) -> tuple[dict[str, int], set[int]]:
        told = {
            row.debtor: {"name": row.name, "language": row.language, "time_zone": row.time_zone}
            for row in rows
            if row.first
        }
        query = select(DEBTORS).where(DEBTORS.c.external_id.in_({row.debtor for row in rows}))
        known = {row.external_id: row for row in await self._connection.execute(query)}
        fresh = [{"external_id": name, **facts} for name, facts in told.items() if name not in known]
        await self._insert(DEBTORS, fresh)
        await self._update(DEBTORS, [_difference(known[name], told[name]) for name in told if name in known])
        if fresh:
            known = {row.external_id: row for row in await self._connection.execute(query)}
        return (
            {name: row.id for name, row in known.items()},
            {row.id for row in known.values() if row.opted_out_at is not None},
        )

    async def _phones(self, rows: Sequence[Row], ids: Mapping[str, int]) -> None:
        query = select(PHONES.c.debtor_id, PHONES.c.e164, PHONES.c.rank).where(PHONES.c.debtor_id.in_(ids.values()))
        known, last_rank = set(), Counter[int]()
        for debtor_id, e164, rank in await self._connection.execute(query):
            known.add((debtor_id, e164))
            last_rank[debtor_id] = max(last_rank[debtor_id], rank + 1)
        fresh = []
        for row in rows:
            debtor_id = ids[row.debtor]
            if (debtor_id, row.phone) not in known:
                fresh.append({"debtor_id": debtor_id, "e164": row.phone, "rank": last_rank[debtor_id]})
                last_rank[debtor_id] += 1
        await self._insert(PHONES, fresh)

    async def _accounts(self, rows: Sequence[Row], ids: Mapping[str, int]) -> None:
        told = {(ids[row.debtor], row.creditor, row.product): row for row in rows}
        query = select(ACCOUNTS).where(ACCOUNTS.c.debtor_id.in_({debtor_id for debtor_id, _, _ in told}))
        known = {(row.debtor_id, row.creditor, row.product): row for row in await self._connection.execute(query)}
        fresh, differing = [], []
        for key, row in told.items():
            facts = {"balance": row.balance, "currency": row.currency, "days_overdue": row.days_overdue}
            if key in known:
                differing.append(_difference(known[key], {k: v for k, v in facts.items() if v is not None}))
            else:
                fresh.append(dict(zip(("debtor_id", "creditor", "product"), key, strict=True)) | facts)
        await self._insert(ACCOUNTS, fresh)
        await self._update(ACCOUNTS, differing)

    async def _leads(self, rows: Sequence[Row], ids: Mapping[str, int], opted_out: set[int]) -> None:
        told = {ids[row.debtor]: {"segment_id": self._target.segments[row.segment]} for row in rows}
        query = select(LEADS).where(LEADS.c.campaign_id == self._target.campaign_id, LEADS.c.debtor_id.in_(told))
        known = {row.debtor_id: row for row in await self._connection.execute(query)}
        fresh = [
            {
                "campaign_id": self._target.campaign_id,
                "debtor_id": debtor_id,
                "state": LeadState.SUPPRESSED.value if debtor_id in opted_out else LeadState.OPEN.value,
                "reason": "opted_out" if debtor_id in opted_out else "",
                "tries": 0,
                "next_try_at": DUE_AT_ONCE,
                **facts,
            }
            for debtor_id, facts in told.items()
            if debtor_id not in known
        ]
        await self._insert(LEADS, fresh)
        await self._update(LEADS, [_difference(known[debtor], told[debtor]) for debtor in told if debtor in known])

    async def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            # Another import may have been quicker with the same debtor.
            await self._connection.execute(upsert(self._connection, table).on_conflict_do_nothing(), rows)
            self._new[table.name] += len(rows)

    async def _update(self, table: Table, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            if len(row) > 1:
                facts = {name: value for name, value in row.items() if name != "id"}
                await self._connection.execute(
                    update(table).where(table.c.id == bindparam("row_id")).values(facts), {"row_id": row["id"]}
                )
                self._changed[table.name] += 1


def _difference(known: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the id and what the list says otherwise than the books; an empty cell says nothing."""
    facts = {name: value for name, value in told.items() if value != "" and getattr(known, name) != value}
    return {"id": known.id, **facts}
