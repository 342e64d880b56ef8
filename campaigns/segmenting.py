"""Segments of a campaign that exists: counted before they are saved, added, changed and removed, with their leads.

Leads move in short transactions, so that a running engine is never held up; interrupted, the same order finishes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Integer, case, cast, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.effective import Source, effective, segment_of
from campaigns.models import Campaign, Lead, Segment
from campaigns.repository import Campaigns
from campaigns.segment_conditions import candidates, condition
from campaigns.segments import Rule
from dialer.config import CampaignConfig, SegmentConfig
from dialer.store import Store
from dialer.types import InputError

CHUNK: Final = 500
"""Leads moved in one transaction."""

COUNTING_S: Final = 120.0
"""A rule over a million debts takes a while to count; nobody waits for it but the one who asked."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Nothing was saved: the rule matches `count` leads, and somebody must say that this is meant."""

    count: int


@dataclass(frozen=True, slots=True)
class Saved:
    """The segment is in force: its rule matches `count` leads (None: it has no rule), `moved` changed their segment."""

    count: int | None
    moved: int


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment as it is in force, who said so, and how many leads are in it."""

    config: SegmentConfig
    source: str
    leads: int


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    source: str
    definition: Mapping[str, Any]


class Segments:
    """A campaign's segments, for supervisors. Every method raises InputError for an unknown campaign or segment."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, campaign: str) -> list[SegmentView]:
        """Return the segments in force, the highest priority first."""
        async with self._store.snapshot(COUNTING_S) as session:
            found, rows = await _stored(session, campaign)
            config = effective(found, rows)
            counted = select(Lead.segment_id, func.count()).where(Lead.campaign_id == found.id)
            leads = {each: count for each, count in await session.execute(counted.group_by(Lead.segment_id))}
        stored = {row.name: row for row in rows}
        return [
            SegmentView(each, stored[each.name].source, leads.get(stored[each.name].id, 0)) for each in _ranked(config)
        ]

    async def count(self, campaign: str, rule: Rule) -> int:
        """Return how many of the campaign's leads a rule matches; one with several debts counts once."""
        async with self._store.snapshot(COUNTING_S) as session:
            found = await Campaigns(session).get(campaign)
            matching = candidates(found.id).where(condition(rule)).distinct().subquery()
            return await session.scalar(select(func.count()).select_from(matching)) or 0

    async def add(
        self, campaign: str, name: str, table: Mapping[str, Any], *, confirmed: bool = False
    ) -> Saved | Unconfirmed:
        """Add a segment and move the leads that its rule matches into it.

        Raises InputError when there is one of that name, ConfigError naming a key that cannot be.
        """
        async with self._store.snapshot() as session:
            found, rows = await _stored(session, campaign)
        if any(row.name == name and row.source != Source.REMOVED for row in rows):
            raise InputError(f"campaign {campaign!r} has a segment {name!r} already; change it, or choose another name")
        return await self._save(found, name, table, rows, confirmed=confirmed)

    async def change(
        self, campaign: str, name: str, table: Mapping[str, Any], *, confirmed: bool = False
    ) -> Saved | Unconfirmed:
        """Change these keys of a segment, the file's or a later one, and move the leads concerned."""
        async with self._store.snapshot() as session:
            found, rows = await _stored(session, campaign)
        current = _named(effective(found, rows), name)
        said = current.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
        return await self._save(found, name, {**said, **table}, rows, confirmed=confirmed)

    async def remove(self, campaign: str, name: str, *, to: str | None = None) -> int:
        """Remove a segment; its leads go where a rule takes them, the others to the segment `to`. Returns how many.

        Raises InputError when leads are left that no rule takes and `to` is not said, or it is the last segment.
        """
        async with self._store.snapshot(COUNTING_S) as session:
            found, rows = await _stored(session, campaign)
            gone = [_Row(r.name, Source.REMOVED if r.name == name else r.source, r.definition) for r in rows]
            if all(row.source == Source.REMOVED for row in gone):
                raise InputError(f"{name!r} is the campaign's last segment; add another before you remove it")
            left = effective(found, gone)
            if name not in {row.name for row in rows}:
                _named(left, name)
            if to is not None:
                _named(left, to)
            strays = 0 if to else await _strays(session, found.id, next(r.id for r in rows if r.name == name), left)
        if strays:
            raise InputError(
                f"{strays} leads of segment {name!r} match no other segment's rule; say with --to where they go"
            )
        await self._write(found.id, name, Source.REMOVED, {}, 0)
        return await self._move(campaign, to)

    async def _save(
        self,
        campaign: Campaign,
        name: str,
        table: Mapping[str, Any],
        rows: Sequence[Segment],
        *,
        confirmed: bool,
    ) -> Saved | Unconfirmed:
        segment = segment_of(name, table)
        others = [_Row(row.name, row.source, row.definition) for row in rows if row.name != name]
        effective(campaign, [*others, _Row(name, Source.API, table)])
        count = None if segment.where is None else await self.count(campaign.name, segment.where)
        if count == 0 and not confirmed:
            return Unconfirmed(0)
        await self._write(campaign.id, name, Source.API, table, segment.priority)
        return Saved(count, await self._move(campaign.name))

    async def _write(
        self, campaign_id: int, name: str, source: Source, table: Mapping[str, Any], priority: int
    ) -> None:
        async with self._store.transaction() as session:
            mine = (Segment.campaign_id == campaign_id, Segment.name == name)
            row = (await session.scalars(select(Segment).where(*mine).with_for_update())).one_or_none()
            if row is None:
                row = Segment(campaign_id=campaign_id, name=name)
                session.add(row)
            row.source, row.definition, row.priority = source.value, dict(table), priority

    async def _move(self, campaign: str, fallback: str | None = None) -> int:
        """Bring every lead home, chunk by chunk; returns how many were elsewhere."""
        async with self._store.snapshot() as session:
            found, rows = await _stored(session, campaign)
        homes = _Homes.of(effective(found, rows), rows, fallback)
        moved, after = 0, 0
        while True:
            async with self._store.snapshot() as session:
                chunk = select(Lead.id).where(Lead.campaign_id == found.id, Lead.id > after).order_by(Lead.id)
                ids = (await session.scalars(chunk.limit(CHUNK))).all()
                away = await homes.away(session, found.id, ids) if ids else {}
            if not ids:
                return moved
            async with self._store.transaction() as session:
                for (was, to), leads in sorted(away.items()):
                    mine = update(Lead).where(Lead.id.in_(leads), Lead.segment_id == was)
                    await session.execute(mine.values(segment_id=to))
                    moved += len(leads)
            after = ids[-1]


@dataclass(frozen=True, slots=True)
class _Homes:
    """Where leads belong: segments in force by rank, their rows, and where leads of a removed one go."""

    ranked: Sequence[SegmentConfig]
    ids: Mapping[str, int]
    names: Mapping[int, str]
    fallback: str | None = None

    @classmethod
    def of(cls, config: CampaignConfig, rows: Sequence[Segment], fallback: str | None) -> _Homes:
        """Return the homes of a campaign's leads."""
        return cls(_ranked(config), {r.name: r.id for r in rows}, {r.id: r.name for r in rows}, fallback)

    async def away(self, session: AsyncSession, campaign_id: int, ids: Sequence[int]) -> dict[tuple[int, int], Any]:
        """Return those of these leads that belong elsewhere, by the segments they leave and enter."""
        query = candidates(campaign_id).add_columns(Lead.segment_id, best_match(self.ranked))
        best: dict[tuple[int, int], int | None] = {}
        for lead, segment, place in await session.execute(query.where(Lead.id.in_(ids))):
            known = best.get((lead, segment))
            best[lead, segment] = place if known is None else known if place is None else min(known, place)
        away: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for (lead, segment), place in best.items():
            home = self.home(self.names[segment], place)
            if home != self.names[segment]:
                away[segment, self.ids[home]].append(lead)
        return away

    def home(self, current: str, best: int | None) -> str:
        """Return where a lead belongs whose best match is the segment of this rank (None: no rule matches)."""
        place = next((rank for rank, each in enumerate(self.ranked) if each.name == current), None)
        if best is None:
            return (self.fallback or current) if place is None else current
        # Who is in a segment by name leaves it for a higher one alone; by rule, for the one that matches now.
        stays = place is not None and self.ranked[place].where is None and place < best
        return current if stays else self.ranked[best].name


def best_match(ranked: Sequence[SegmentConfig]) -> Any:
    """Return the rank of the first of these segments whose rule matches, NULL where none does."""
    rules = [(condition(each.where), literal(rank)) for rank, each in enumerate(ranked) if each.where is not None]
    return case(*rules, else_=None) if rules else cast(None, Integer)


async def _strays(session: AsyncSession, campaign_id: int, segment_id: int, left: CampaignConfig) -> int:
    """Return how many leads of a segment no rule of those left takes."""
    taken = candidates(campaign_id).where(best_match(_ranked(left)).is_not(None))
    mine = select(func.count()).select_from(Lead).where(Lead.segment_id == segment_id, Lead.id.not_in(taken))
    return await session.scalar(mine) or 0


async def _stored(session: AsyncSession, campaign: str) -> tuple[Campaign, Sequence[Segment]]:
    found = await Campaigns(session).get(campaign)
    query = select(Segment).where(Segment.campaign_id == found.id).order_by(Segment.id)
    return found, (await session.scalars(query)).all()


def _ranked(config: CampaignConfig) -> list[SegmentConfig]:
    return sorted(config.segments, key=lambda each: (-each.priority, each.name))


def _named(config: CampaignConfig, name: str) -> SegmentConfig:
    for each in config.segments:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in config.segments)
    raise InputError(f"campaign {config.name!r} has no segment {name!r}; known: {known}", error_id="segment-unknown")
