"""Contacts made before this dialer, stored as events that every cap counts; a campaign starts only once they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.case_models import PriorEvent
from campaigns.compliance import Kind, debt_key, other_channels_key, person_key, phone_key
from campaigns.imports.bulk import among, listed
from campaigns.imports.pace import Pace
from campaigns.lists import dates
from campaigns.lists.contacts import Contact, ContactReader, understood
from campaigns.lists.mapping import Mapping
from campaigns.lists.reading import Source, opened
from campaigns.lists.report import Report
from campaigns.lists.rows import Reject
from campaigns.lists.scan import header_of
from campaigns.models import Campaign
from campaigns.past import HORIZON
from campaigns.repository import Campaigns
from dialer.config import CampaignConfig, parse_campaign
from dialer.store import Store, upsert
from dialer.types import InputError

PRIOR: Table = PriorEvent.metadata.tables["prior_events"]
CAMPAIGNS: Table = Campaign.metadata.tables["campaigns"]

NOBODY = "nobody in the books; counted only where the number is called"


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What a file of contacts came to; `declared` says whether the campaign may start now as far as history goes."""

    rows: int
    stored: int
    rejected: int
    strangers: int
    too_old: int
    rejects_file: Path | None
    columns: tuple[tuple[str, str], ...]
    ignored_columns: tuple[str, ...]
    events: int
    declared: bool


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    stored: int = 0
    strangers: int = 0
    too_old: int = 0
    events: int = 0


@dataclass(slots=True)
class _Whom:
    """People of a few contacts: ids by what tells of them, and their debts."""

    by_code: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_document: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_phone: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_number: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    debts: dict[int, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))


async def declare_none(store: Store, name: str, by: str, now: datetime) -> None:
    """Keep that somebody says there were no contacts before; raises InputError for an unknown campaign."""
    async with store.transaction() as session:
        campaign = await Campaigns(session).get(name)
        campaign.history_at, campaign.history_by, campaign.history_rows = now, by[:80], 0


async def load_history(
    store: Store,
    path: Path,
    name: str,
    now: datetime,
    *,
    by: str,
    mapping: Mapping | None = None,
    despite_rejects: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> HistoryReport:
    """Store a file of contacts; the same file again changes nothing, a killed one goes on.

    The campaign is told that its history is loaded only when every row could be read, or with `despite_rejects`.
    Raises InputError for a file that is none, and for an unknown campaign.
    """
    mapping = mapping or Mapping()
    async with store.snapshot() as session:
        campaign = await Campaigns(session).get(name)
    config = parse_campaign(campaign.definition, f"campaign {name}")
    source, reader, total = _examined(path, mapping, config, now)
    pace = Pace(rows=500)
    with Report(path) as report:
        storing = _Storing(store, campaign.id, path.name, reader, report, pace)
        rows = islice(source.rows(), 1, None)
        while batch := list(islice(rows, pace.rows)):
            await storing.add(batch)
            if progress is not None:
                progress(storing.tally.rows, total)
            await pace.rest()
    tally = storing.tally
    declared = not report.rejected or despite_rejects
    if declared:
        await _declare(store, campaign.id, by, tally.stored, now)
    columns = reader.columns
    shown = tuple((columns.headers[place], name) for name, place in sorted(columns.at.items(), key=lambda at: at[1]))
    return HistoryReport(
        tally.rows, tally.stored, report.rejected, tally.strangers, tally.too_old, report.where, shown, columns.unread,
        tally.events, declared,
    )  # fmt: skip


def _examined(path: Path, mapping: Mapping, config: CampaignConfig, now: datetime) -> tuple[Source, ContactReader, int]:
    """Look at the whole file once: its columns, its length, and the order of day and month it proves."""
    country = mapping.formats.country or config.country
    source = opened(path, mapping.formats)
    try:
        columns = understood(header_of(source, country), mapping, country)
    except InputError as error:
        raise InputError(f"{path}: {error}", error_id="history-columns") from error
    order: dates.Order = mapping.formats.date or "dmy"
    place, total = columns.at["at"], 0
    for line, cells in _below(source):
        total += 1
        proved = dates.order_proof(cells[place]) if place < len(cells) else None
        if proved is not None and proved != order:
            raise InputError(
                f"{path}: line {line}: {cells[place]} cannot be {order}; say in the mapping how dates are written: "
                f'[formats] date = "{proved}"'
            )
    if not total:
        raise InputError(f"{path}: no rows below the header; if there was no contact, say so: --none --by NAME")
    zone = ZoneInfo(config.time_zone) if config.time_zone else None
    return source, ContactReader(columns, country, order, zone, now), total


def _below(source: Source) -> Iterator[tuple[int, list[Any]]]:
    return islice(source.rows(), 1, None)


@dataclass(slots=True)
class _Storing:
    """Stores the contacts of one file, a few at a time."""

    store: Store
    campaign_id: int
    file: str
    reader: ContactReader
    report: Report
    pace: Pace
    tally: _Tally = field(default_factory=_Tally)

    async def add(self, batch: Sequence[tuple[int, list[Any]]]) -> None:
        """Read some rows and store what they count as, in one short transaction."""
        read = [self.reader.read(line, cells) for line, cells in batch]
        self.report.add(each for each in read if isinstance(each, Reject))
        contacts = [each for each in read if isinstance(each, Contact)]
        async with self.store.snapshot() as session:
            whom = await _whom(await session.connection(), contacts)
        events: set[tuple[str, Kind, datetime]] = set()
        for contact in contacts:
            events |= self._counted(contact, whom)
        self.tally.rows += len(batch)
        self.tally.events += len(events)
        await self._write(events)

    def _counted(self, contact: Contact, whom: _Whom) -> set[tuple[str, Kind, datetime]]:
        if contact.at < self.reader.now - HORIZON:
            self.tally.too_old += 1
            return set()
        if not _people(contact, whom):
            self.tally.strangers += 1
            value = contact.phone or contact.code or contact.document or contact.number
            self.report.add([Reject(contact.line, "", value, NOBODY, imported=True)])
        found = _events(contact, whom)
        self.tally.stored += bool(found)
        return found

    async def _write(self, events: set[tuple[str, Kind, datetime]]) -> None:
        rows = [
            {"campaign_id": self.campaign_id, "key": key, "kind": kind.value, "at": at, "source": self.file[:120]}
            for key, kind, at in sorted(events)
        ]
        if not rows:
            return
        async with self.store.transaction() as session:
            connection = await session.connection()
            with self.pace.timed():
                await connection.execute(upsert(connection, PRIOR).on_conflict_do_nothing(), rows)
                await session.commit()


def _people(contact: Contact, whom: _Whom) -> set[int]:
    """Return whom a contact was with: everybody it may have been, where only a shared phone tells."""
    for known, key in (
        (whom.by_code, contact.code),
        (whom.by_document, contact.document or ""),
        (whom.by_number, contact.number),
        (whom.by_phone, contact.phone),
    ):
        if key and known.get(key):
            return known[key]
    return set()


def _events(contact: Contact, whom: _Whom) -> set[tuple[str, Kind, datetime]]:
    people = _people(contact, whom)
    if not contact.by_phone:
        spoken = Kind.CONVERSATION in contact.kinds
        return {(other_channels_key(each), Kind.CONVERSATION, contact.at) for each in people} if spoken else set()
    keys = [phone_key(contact.phone)] if contact.phone else []
    for each in people:
        debts = whom.debts.get(each, {})
        # A contact that names no debt, or one we do not know, counts for all of them: the strict reading.
        named = [id_ for id_, number in debts.items() if contact.number and number == contact.number]
        keys += [person_key(each), *(debt_key(id_) for id_ in named or debts)]
    return {(key, kind, contact.at) for key in keys for kind in contact.kinds}


async def _whom(connection: AsyncConnection, contacts: Sequence[Contact]) -> _Whom:
    whom = _Whom()
    for column, known, keys in (
        ("SELECT d.external_id, d.id FROM debtors d WHERE {}", whom.by_code, {c.code for c in contacts}),
        ("SELECT d.document, d.id FROM debtors d WHERE {}", whom.by_document, {c.document or "" for c in contacts}),
        ("SELECT p.e164, p.debtor_id FROM phones p WHERE {}", whom.by_phone, {c.phone for c in contacts}),
        ("SELECT a.number, a.debtor_id FROM accounts a WHERE {}", whom.by_number, _only_numbers(contacts)),
    ):
        if wanted := keys - {""}:
            name = column.split()[1].rstrip(",")
            query = text(column.format(among(connection, name, "keys")))
            for key, id_ in await connection.execute(query, {"keys": listed(connection, wanted)}):
                known[key].add(id_)
    every = (whom.by_code, whom.by_document, whom.by_phone, whom.by_number)
    people = {id_ for known in every for ids in known.values() for id_ in ids}
    owners = among(connection, "debtor_id", "people", numbers=True)
    query = text(f"SELECT debtor_id, id, number FROM accounts WHERE {owners}")  # noqa: S608 - a name of a column
    for debtor_id, id_, number in await connection.execute(query, {"people": listed(connection, people)}):
        whom.debts[debtor_id][id_] = number
    return whom


def _only_numbers(contacts: Sequence[Contact]) -> set[str]:
    """Return the accounts nothing else tells the person of: looking for them reads all accounts."""
    return {c.number for c in contacts if not (c.code or c.document or c.phone)}


async def _declare(store: Store, campaign_id: int, by: str, rows: int, now: datetime) -> None:
    async with store.transaction() as session:
        known = select(func.coalesce(CAMPAIGNS.c.history_rows, 0)).where(CAMPAIGNS.c.id == campaign_id)
        before = await session.scalar(known) or 0
        said = {"history_at": now, "history_by": by[:80], "history_rows": max(before, rows)}
        await session.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign_id).values(said))
