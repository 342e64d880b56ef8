"""Do-not-call lists: a file of numbers becomes a list in force, in short steps beside a running engine.

A new edition of a list is told apart from the old one by its content: new numbers are stopped as they are read, and
those that are gone are lifted when all has been read. A break in between leaves more numbers stopped, never fewer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select, update

from campaigns.compliance import phone_key
from campaigns.finding import number_of
from campaigns.stops import OWN_KINDS
from campaigns.suppression import SUPPRESSIONS
from dialer.store import Store, upsert
from dialer.types import InputError

REFRESH = timedelta(days=30)
"""After this long an edition is old: AR-03 asks for a new one every 30 days, and no other law allows longer."""

CHUNK = 2000
"""Numbers in one transaction: below 200 ms, so that an engine never waits long for SQLite."""

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_CELL = re.compile(r"[;,\t|]")
_EXAMPLES = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a list that is in force: when it was read, by whom, from which file, how many numbers."""

    name: str
    at: datetime
    by: str
    file: str
    numbers: int

    def is_old(self, now: datetime) -> bool:
        """Whether it is time for a newer one."""
        return now - self.at > REFRESH


@dataclass(frozen=True, slots=True)
class Imported:
    """What reading a list came to; `unusable` lines are told by their number, the first few with their text."""

    numbers: int
    added: int
    lifted: int
    unusable: int
    examples: tuple[str, ...]


class DoNotCallLists:
    """The lists of an installation; every step is a short transaction."""

    def __init__(self, store: Store, chunk: int = CHUNK) -> None:
        self._store = store
        self._chunk = chunk

    async def editions(self) -> list[Edition]:
        """Return the lists in force by name."""
        query = select(SUPPRESSIONS).where(SUPPRESSIONS.c.key.like("list:%"), SUPPRESSIONS.c.lifted_at.is_(None))
        async with self._store.snapshot() as session:
            rows = (await session.execute(query.order_by(SUPPRESSIONS.c.kind))).all()
        return [
            Edition(row.kind, row.since, row.by_name, row.source, int(json.loads(row.note)["numbers"])) for row in rows
        ]

    async def load(
        self,
        name: str,
        path: Path,
        *,
        by: str,
        now: datetime,
        country: str = "",
        progress: Callable[[int], None] | None = None,
    ) -> Imported:
        """Put a file of numbers in force as the newest edition of a list; the same file twice changes nothing.

        One number a line, in the first cell, with + or as typed in `country`; a first line without digits is a
        heading. Raises InputError for a file without a number, and for a name that is one of our own kinds.
        """
        _check(name)
        edition = f"{name}:{_content_hash(path)}"
        reading = _Reading(path, country)
        added = numbers = 0
        for chunk in _chunks(reading.numbers(), self._chunk):
            numbers += len(chunk)
            added += await self._stop(name, edition, chunk, by, now)
            if progress is not None:
                progress(len(chunk))
        if not numbers:
            raise InputError(f"{path}: no number in it; give one a line, with + or with --country")
        lifted = await self._lift_others(name, edition, by, now)
        await self._mark(name, path, numbers, by, now)
        return Imported(numbers, added, lifted, reading.unusable, tuple(reading.examples))

    async def _stop(self, name: str, edition: str, phones: list[str], by: str, now: datetime) -> int:
        told = {"kind": name, "since": now, "by_name": by, "source": edition, "note": ""}
        rows = [{"key": phone_key(phone), **told} for phone in dict.fromkeys(phones)]
        async with self._store.transaction() as session:
            connection = await session.connection()
            known = select(SUPPRESSIONS.c.key, SUPPRESSIONS.c.source).where(
                SUPPRESSIONS.c.key.in_([row["key"] for row in rows]),
                SUPPRESSIONS.c.kind == name,
                SUPPRESSIONS.c.lifted_at.is_(None),
            )
            sources = {row.key: row.source for row in await connection.execute(known)}
            fresh = [row for row in rows if row["key"] not in sources]
            if fresh:
                await connection.execute(upsert(connection, SUPPRESSIONS).on_conflict_do_nothing(), fresh)
            older = [key for key, source in sources.items() if source != edition]
            if older:
                standing = SUPPRESSIONS.c.key.in_(older) & (SUPPRESSIONS.c.kind == name)
                renewed = update(SUPPRESSIONS).where(standing, SUPPRESSIONS.c.lifted_at.is_(None))
                await connection.execute(renewed.values(source=edition))
        return len(fresh)

    async def _lift_others(self, name: str, edition: str, by: str, now: datetime) -> int:
        """Lift what the new edition does not have, along the ids: every step looks at a bounded number of rows."""
        async with self._store.snapshot() as session:
            last = await session.scalar(select(func.max(SUPPRESSIONS.c.id))) or 0
        lifted, step = 0, 10 * self._chunk
        for first in range(0, last + 1, step):
            between = SUPPRESSIONS.c.id.between(first, first + step - 1)
            older = (SUPPRESSIONS.c.kind == name) & (SUPPRESSIONS.c.source != edition)
            gone = between & older & SUPPRESSIONS.c.lifted_at.is_(None) & SUPPRESSIONS.c.key.like("phone:%")
            async with self._store.snapshot() as session:
                any_gone = await session.scalar(select(SUPPRESSIONS.c.id).where(gone).limit(1))
            if any_gone is not None:
                lifted += await self._lift(gone, by, now)
        return lifted

    async def _lift(self, gone: Any, by: str, now: datetime) -> int:
        lifted = 0
        while True:
            chosen = select(SUPPRESSIONS.c.id).where(gone).limit(self._chunk)
            async with self._store.transaction() as session:
                done = update(SUPPRESSIONS).where(SUPPRESSIONS.c.id.in_(chosen)).values(lifted_at=now, lifted_by=by)
                count = int(getattr(await session.execute(done), "rowcount", 0))
            lifted += count
            if count < self._chunk:
                return lifted

    async def _mark(self, name: str, path: Path, numbers: int, by: str, now: datetime) -> None:
        """Keep when the list was read; reading the same edition again makes it new as well."""
        key = f"list:{name}"[:40]
        standing = (SUPPRESSIONS.c.key == key) & (SUPPRESSIONS.c.kind == name) & SUPPRESSIONS.c.lifted_at.is_(None)
        row = {"key": key, "kind": name, "since": now, "by_name": by, "source": path.name[:120]}
        async with self._store.transaction() as session:
            await session.execute(update(SUPPRESSIONS).where(standing).values(lifted_at=now, lifted_by=by))
            connection = await session.connection()
            await connection.execute(
                upsert(connection, SUPPRESSIONS), [{**row, "note": json.dumps({"numbers": numbers})}]
            )


class _Reading:
    """Reads the numbers of a file and remembers the lines that hold none."""

    def __init__(self, path: Path, country: str) -> None:
        self._path = path
        self._country = country
        self.unusable = 0
        self.examples: list[str] = []

    def numbers(self) -> Iterator[str]:
        with self._path.open(encoding="utf-8-sig", errors="replace") as file:
            for number, line in enumerate(file, 1):
                cell = _CELL.split(line, maxsplit=1)[0].strip().strip("\"'").strip()
                phone = cell if _E164.fullmatch(cell) else number_of(cell, self._country) if cell else None
                if phone is not None:
                    yield phone
                elif cell and (number > 1 or any(character.isdigit() for character in cell)):
                    self._reject(number, cell)

    def _reject(self, number: int, cell: str) -> None:
        self.unusable += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"line {number}: {cell[:40]!r}")


def _check(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > 35:
        raise InputError(f"list {name!r}: use up to 35 small letters, digits and _, as the profile names it")
    if name in OWN_KINDS:
        raise InputError(f"{name} is no list; write single orders with: dialer leads suppress")


def _content_hash(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as exc:
        raise InputError(f"{path}: cannot be read: {exc.strerror}") from exc
    return digest.hexdigest()[:32]


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
