"""Bring a list into a campaign: read, staged in short transactions, published in one step; the same file twice is free.

Killed anywhere, it goes on where it was when it is started again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import exc, select, update

from campaigns.case_models import ImportState
from campaigns.effective import effective
from campaigns.imports import publishing, staging
from campaigns.imports.bulk import Ids
from campaigns.imports.known import IMPORTS, looked_up
from campaigns.imports.pace import WANTED_BESIDE_OTHERS_S, WANTED_S, Pace
from campaigns.imports.planning import Chunk, Planner, Target, needed
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
from dialer.types import InputError, Unavailable

FORM = "1"
"""Raised when rows are read otherwise than before: the same file is then another import."""

_DRY_CHUNK = 20_000
_TRIES = 5
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
    pace = Pace(wanted_s=WANTED_S if store.dialect == "sqlite" else WANTED_BESIDE_OTHERS_S)
    if not dry_run:
        await publishing.tidy_all(store, pace)
    mark = mapping.fingerprint(FORM, found.definition, repr(rules))
    begun = await _begin(store, found.id, source, mark, now, again=again) if not dry_run else None
    segments = await _segments(store, found.id)
    target = Target(found.id, begun["id"] if begun else 0, config.language, segments)
    job = _Job(
        source, mapping, columns, plan, findings.rows, target, begun["rows_done"] if begun else 0,
        dict(begun["counts"]) if begun else {},
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
        self._memory, self._ids = Memory(), Ids()
        self._rows_seen = 0
        counts = job.counts
        self._new, self._changed = Counter(counts.get("new", {})), Counter(counts.get("changed", {}))
        self._segments, self._repairs = Counter(counts.get("segments", {})), Counter(counts.get("repairs", {}))
        self._imported = int(counts.get("imported", 0))

    async def run(self) -> ImportReport:
        """Import every row, publish, tidy."""
        with Report(self._job.source.path, write=not self._dry_run) as report:
            async with aclosing(self._chunks()) as chunks:
                async for rows in chunks:
                    await self._chunk(rows, report)
            if not self._dry_run:
                counts = self._counts() | {"rejected": report.rejected, "remarks": report.remarks}
                await publishing.publish(self._store, self._job.target.import_id, counts, self._now)
        if not self._dry_run:
            await publishing.tidy(self._store, self._job.target.import_id, self._pace)
        return self._report(report)

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

    async def _chunk(self, rows: list[Row | Reject], report: Report) -> None:
        before = self._rows_seen
        written = self._dry_run or before < self._job.done
        chunk = await self._planned(rows) if written else await self._written(rows, before)
        for key, line in chunk.learned.items():
            self._memory.put(key, line)
        if self._dry_run:
            self._count(chunk)
        report.add(chunk.rejects)
        self._rows_seen = before + len(rows)
        if self._progress is not None:
            self._progress(self._rows_seen, self._job.rows)
        if not written:
            await self._pace.rest()

    async def _planned(self, rows: list[Row | Reject]) -> Chunk:
        usable = [row for row in rows if isinstance(row, Row)]
        target = self._job.target
        async with self._store.snapshot() as session:
            connection = await session.connection()
            known = await looked_up(connection, target.campaign_id, target.import_id, usable)
            await self._ids.provide(connection, needed(rows))
        return Planner(target, self._job.columns, known, self._memory, self._ids).plan(rows)

    async def _written(self, rows: list[Row | Reject], before: int) -> Chunk:
        for _ in range(_TRIES):
            chunk = await self._planned(rows)
            counted = self._counts_with(chunk)
            progress = {"before": before, "after": before + len(rows), "counts": counted}
            try:
                async with self._store.transaction() as session:
                    connection = await session.connection()
                    with self._pace.timed():
                        name = self._job.source.path.name
                        await staging.write(connection, self._job.target, chunk, progress, file=name, now=self._now)
                        await session.commit()
            except _COLLISIONS:
                # Somebody else wrote one of these people between our look and our commit: look again.
                continue
            self._count(chunk)
            return chunk
        raise Unavailable("other imports change the same people again and again; let them end first")

    def _counts_with(self, chunk: Chunk) -> dict[str, Any]:
        counts = self._counts()
        return {
            "new": dict(self._new + chunk.new),
            "changed": dict(self._changed + chunk.changed),
            "segments": dict(_sum(self._segments, chunk.segments)),
            "repairs": dict(self._repairs + chunk.repairs),
            "imported": counts["imported"] + chunk.imported,
        }

    def _counts(self) -> dict[str, Any]:
        return {
            "new": dict(self._new),
            "changed": dict(self._changed),
            "segments": dict(self._segments),
            "repairs": dict(self._repairs),
            "imported": self._imported,
        }

    def _count(self, chunk: Chunk) -> None:
        self._new += chunk.new
        self._changed += chunk.changed
        self._segments = _sum(self._segments, chunk.segments)
        self._repairs += chunk.repairs
        self._imported += chunk.imported

    def _report(self, report: Report) -> ImportReport:
        return ImportReport(
            **_told(self._job),
            imported=self._imported,
            rejected=report.rejected,
            remarks=report.remarks,
            rejects_file=report.where,
            first_rejects=tuple(report.first),
            new=dict(+self._new),
            changed=dict(+self._changed),
            segments=dict(+self._segments),
            repairs=dict(+self._repairs),
            resumed_at=self._job.done,
            dry_run=self._dry_run,
            chunks=self._pace.figures(),
        )


def _sum(one: Counter[str], other: Counter[str]) -> Counter[str]:
    """Add counters in which something may be taken back."""
    both = Counter(one)
    both.update(other)
    return both
