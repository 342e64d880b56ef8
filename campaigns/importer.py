"""Bring a list into a campaign: read, staged in short transactions, published in one step; the same file twice is free.

Killed anywhere, it goes on where it was when it is started again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Dialect, exc, select, update

from campaigns.case_models import ImportState
from campaigns.effective import effective
from campaigns.imports import publishing, staging
from campaigns.imports.bulk import Ids
from campaigns.imports.known import IMPORTS, Known, looked_up
from campaigns.imports.pace import Pace
from campaigns.imports.planning import Planner, Target, needed
from campaigns.imports.tally import Tally
from campaigns.imports.turns import Draft, Turns
from campaigns.lists.columns import Columns
from campaigns.lists.mapping import Mapping as ListMapping
from campaigns.lists.memory import Memory
from campaigns.lists.parsing import collecting_seldom, parsed
from campaigns.lists.reading import Source, content_hash, opened
from campaigns.lists.report import Report
from campaigns.lists.rows import Plan, Reject, Row, SegmentRule
from campaigns.lists.scan import columns_of, scanned
from campaigns.models import Campaign
from campaigns.repository import Campaigns
from campaigns.segments.rules import Between, OneOf, Rule, Test
from dialer.config import CampaignConfig
from dialer.store import Store
from dialer.types import InputError

FORM = "1"
"""Raised when rows are read otherwise than before: the same file is then another import."""

_DRY_CHUNK = 20_000
_AT_A_TIME = 25
_COLLISIONS = (exc.IntegrityError, asyncpg.IntegrityConstraintViolationError)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import came to; `new` and `changed` count rows per table and are empty when nothing changed.

    `columns` are the file's names with what they stand for; `segments` counts people; `repeated_from` says when the
    same file was imported before (nothing was done then); `chunks` says how long transactions took.
    """

    rows: int
    imported: int
    rejected: int
    remarks: int
    rejects_file: Path | None
    first_rejects: tuple[Reject, ...]
    form: str
    identity: str
    columns: tuple[tuple[str, str], ...]
    ignored_columns: tuple[str, ...]
    decimal: str
    dates: str
    new: Mapping[str, int]
    changed: Mapping[str, int]
    segments: Mapping[str, int]
    repairs: Mapping[str, int]
    repeated_from: datetime | None = None
    resumed_at: int = 0
    dry_run: bool = False
    chunks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Job:
    """One file for one campaign, and how it is read."""

    source: Source
    mapping: ListMapping
    columns: Columns
    plan: Plan
    rows: int
    target: Target
    done: int
    counts: Mapping[str, Any]
    dialect: Dialect


async def import_list(
    store: Store,
    path: Path,
    campaign: str,
    now: datetime,
    *,
    mapping: ListMapping | None = None,
    dry_run: bool = False,
    again: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a list into a campaign; `progress` hears rows done and rows in all.

    What was refused goes to `<path>.rejects.csv`. `dry_run` writes nothing but says what would happen; `again` reads
    a file anew that was imported before. Raises InputError for a file that is not a list (nothing is imported then),
    for columns in doubt, and for an unknown campaign.
    """
    mapping = mapping or ListMapping()
    found, rules, config = await _campaign(store, campaign)
    country = mapping.formats.country or config.country
    source = opened(path, mapping.formats)
    asked = [field for rule in rules if rule.where for field in _custom_fields(rule.where)]
    columns = columns_of(source, mapping, country, frozenset(name for name, _ in asked))
    _check_segments(path, columns, rules)
    numbers = frozenset(name for name, number in asked if number)
    findings = scanned(source, columns, mapping, numbers)
    plan = Plan(
        columns,
        country,
        config.language,
        config.time_zone,
        findings.decimal,
        findings.order,
        rules,
        numbers,
        now.date(),
    )
    pace = Pace() if store.dialect == "sqlite" else Pace.beside_others()
    if not dry_run:
        await publishing.tidy_all(store, pace)
    mark = mapping.fingerprint(FORM, found.definition, repr(rules))
    begun = await _begin(store, found.id, source, mark, now, again=again) if not dry_run else None
    segments = await _segments(store, found.id)
    target = Target(found.id, begun["id"] if begun else 0, config.language, segments)
    job = _Job(
        source, mapping, columns, plan, findings.rows, target, begun["rows_done"] if begun else 0,
        dict(begun["counts"]) if begun else {}, await _dialect(store),
    )  # fmt: skip
    if begun is not None and begun["state"] != ImportState.STAGING:
        return _repeated(job, begun)
    with collecting_seldom():
        return await _Import(store, job, pace, now, dry_run=dry_run, progress=progress).run()


async def _campaign(store: Store, name: str) -> tuple[Campaign, tuple[SegmentRule, ...], CampaignConfig]:
    async with store.snapshot() as session:
        campaign = await Campaigns(session).get(name)
        config = effective(campaign, await Campaigns(session).segments(campaign.id))
        rules = tuple(SegmentRule(each.name, each.priority, each.where) for each in config.segments)
    return campaign, rules, config


async def _segments(store: Store, campaign_id: int) -> dict[str, tuple[int, int]]:
    async with store.snapshot() as session:
        return {each.name: (each.id, each.priority) for each in await Campaigns(session).segments(campaign_id)}


async def _dialect(store: Store) -> Dialect:
    async with store.snapshot() as session:
        return (await session.connection()).dialect


def _custom_fields(rule: Rule) -> list[tuple[str, bool]]:
    """Return the list's own columns that a rule asks about, and whether it takes them for numbers."""
    tests: Sequence[Test] = rule.tests
    found = [(t.field.name, t.field.number and isinstance(t, Between | OneOf)) for t in tests if t.field.custom]
    return found + [name for group in rule.alternatives for each in group for name in _custom_fields(each)]


def _check_segments(path: Path, columns: Columns, rules: Sequence[SegmentRule]) -> None:
    if "segment" not in columns.at and all(rule.where is None for rule in rules):
        names = ", ".join(rule.name for rule in rules)
        raise InputError(
            f"{path}: line 1: missing columns segment: no column names a segment ({names}) and no segment has a rule; "
            "add the column, name it in a mapping, or give the campaign's segments a `where`"
        )


async def _begin(
    store: Store, campaign_id: int, source: Source, mark: str, now: datetime, *, again: bool
) -> dict[str, Any]:
    """Return the import's row: that of an earlier try, or a new one."""
    fingerprint = content_hash(source.path)
    query = select(IMPORTS).where(
        IMPORTS.c.campaign_id == campaign_id, IMPORTS.c.file_hash == fingerprint, IMPORTS.c.mapping_hash == mark
    )
    async with store.transaction() as session:
        row = (await session.execute(query)).mappings().first()
        if row is None:
            facts = {"campaign_id": campaign_id, "file_hash": fingerprint, "mapping_hash": mark, "counts": {}}
            facts |= {"file_name": source.path.name[:255], "state": ImportState.STAGING.value}
            facts |= {"started_at": now, "rows_done": 0, "rows_rejected": 0}
            await session.execute(IMPORTS.insert().values(facts))
            row = (await session.execute(query)).mappings().one()
        elif again and row["state"] == ImportState.DONE:
            anew = {"state": ImportState.STAGING.value, "rows_done": 0, "rows_rejected": 0, "counts": {}}
            await session.execute(update(IMPORTS).where(IMPORTS.c.id == row["id"]).values(anew | {"started_at": now}))
            return {**row, **anew}
        return dict(row)


def _repeated(job: _Job, begun: Mapping[str, Any]) -> ImportReport:
    rejects = job.source.path.with_name(job.source.path.name + ".rejects.csv")
    counts = begun["counts"]
    return ImportReport(
        **_told(job),
        imported=counts.get("imported", 0),
        rejected=begun["rows_rejected"],
        remarks=counts.get("remarks", 0),
        rejects_file=rejects if rejects.exists() else None,
        first_rejects=(),
        new={},
        changed={},
        segments=counts.get("segments", {}),
        repairs=counts.get("repairs", {}),
        repeated_from=begun["published_at"],
    )


def _told(job: _Job) -> dict[str, Any]:
    return {
        "rows": job.rows,
        "form": job.source.form,
        "identity": job.columns.header(job.columns.identity),
        "columns": tuple(job.columns.shown()),
        "ignored_columns": job.columns.unread,
        "decimal": job.plan.decimal,
        "dates": job.plan.order,
    }


class _Import:
    """Carries one import from its first row, or the one it got stuck at, to its publication."""

    def __init__(
        self, store: Store, job: _Job, pace: Pace, now: datetime, *, dry_run: bool, progress: Progress | None
    ) -> None:
        self._store, self._job, self._pace, self._now = store, job, pace, now
        self._dry_run, self._progress = dry_run, progress
        self._memory, self._ids, self._tally = Memory(), Ids(), Tally(job.counts)
        self._report = Report(job.source.path, write=not dry_run)

    async def run(self) -> ImportReport:
        """Import every row, publish, tidy."""
        report = self._report
        with report:
            await self._carried()
            if not self._dry_run:
                counts = self._tally.counts() | {"rejected": report.rejected, "remarks": report.remarks}
                await publishing.publish(self._store, self._job.target.import_id, counts, self._now)
        if not self._dry_run:
            await publishing.tidy(self._store, self._job.target.import_id, self._pace)
        return self._told()

    async def _carried(self) -> None:
        try:
            async with aclosing(self._chunks()) as chunks, asyncio.TaskGroup() as tasks:
                turns = Turns(self, tasks)
                async for rows in chunks:
                    await turns.take(rows)
                await turns.end()
        except BaseExceptionGroup as failures:
            # What failed first ended the rest: whoever asked for the import is told that, not of the group.
            raise failures.exceptions[0] from failures.exceptions[0].__cause__

    async def _chunks(self) -> AsyncGenerator[list[Row | Reject]]:
        """Yield rows in the sizes the database takes well; none reaches over the point where an earlier try ended."""
        rows = islice(self._job.source.rows(), 1, None)
        waiting: list[Row | Reject] = []
        taken = 0
        async with aclosing(parsed(rows, self._job.plan, self._job.rows)) as batches:
            async for batch in batches:
                waiting += batch
                while len(waiting) >= (size := self._size(taken)):
                    yield waiting[:size]
                    waiting, taken = waiting[size:], taken + size
        while waiting:
            size = self._size(taken)
            yield waiting[:size]
            waiting, taken = waiting[size:], taken + size

    def _size(self, taken: int) -> int:
        if self._dry_run:
            return _DRY_CHUNK
        left = self._job.done - taken
        return min(left, _DRY_CHUNK) if left > 0 else self._pace.rows

    async def look(self, rows: Sequence[Row | Reject]) -> Known:
        """Return what the books say of the rows' people."""
        usable = [row for row in rows if isinstance(row, Row)]
        target = self._job.target
        async with self._store.snapshot() as session:
            connection = await session.connection()
            await self._ids.provide(connection, needed(rows))
            return await looked_up(connection, target.campaign_id, target.import_id, usable)

    async def plan(self, rows: Sequence[Row | Reject], known: Known) -> staging.Ready:
        """Return what the rows change, ready to be written, letting the one who writes have a turn now and then."""
        planner = Planner(self._job.target, self._job.columns, known, self._memory, self._ids)
        for first in range(0, len(rows), _AT_A_TIME):
            planner.plan(rows[first : first + _AT_A_TIME])
            await asyncio.sleep(0)
        if self._dry_run:
            return staging.Ready(planner.chunk)
        return staging.prepared(self._job.dialect, self._job.target, planner.chunk, self._now)

    async def write(self, draft: Draft) -> bool:
        """Write a chunk; False when somebody else changed its people since the look, and nothing was written."""
        chunk = draft.ready.chunk
        done = draft.before + len(draft.rows)
        if self._dry_run:
            self._tally.add(chunk)
        elif draft.before >= self._job.done:
            tally = Tally(self._tally.counts()).add(chunk)
            try:
                await self._committed(draft.ready, {"before": draft.before, "after": done, "counts": tally.counts()})
            except _COLLISIONS:
                return False
            self._tally = tally
            await self._pace.rest()
        for key, line in chunk.learned.items():
            self._memory.put(key, line)
        self._report.add(chunk.rejects)
        if self._progress is not None:
            self._progress(done, self._job.rows)
        return True

    async def _committed(self, ready: staging.Ready, progress: Mapping[str, Any]) -> None:
        target, name = self._job.target, self._job.source.path.name
        async with self._store.transaction() as session:
            connection = await session.connection()
            with self._pace.timed(progress["after"] - progress["before"]):
                await staging.write(connection, target, ready, progress, file=name, now=self._now)
                await session.commit()

    def _told(self) -> ImportReport:
        report, tally = self._report, self._tally
        return ImportReport(
            **_told(self._job),
            imported=tally.imported,
            rejected=report.rejected,
            remarks=report.remarks,
            rejects_file=report.where,
            first_rejects=tuple(report.first),
            new=dict(+tally.new),
            changed=dict(+tally.changed),
            segments=dict(+tally.segments),
            repairs=dict(+tally.repairs),
            resumed_at=self._job.done,
            dry_run=self._dry_run,
            chunks=self._pace.figures(),
        )
