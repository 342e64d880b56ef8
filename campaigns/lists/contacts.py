"""A file of contacts made before this dialer: whom, when, and what came of it; three languages, nothing guessed."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from campaigns.compliance import Kind
from campaigns.lists import dates, documents, phones
from campaigns.lists.cells import Cell, Unusable, folded, is_nothing, text_of
from campaigns.lists.columns import field_of
from campaigns.lists.mapping import Mapping
from campaigns.lists.rows import Reject
from dialer.types import InputError

WHOM = ("debtor", "document", "number", "phone")
_KINDS = {
    "attempt": frozenset({Kind.ATTEMPT}),
    "contact": frozenset({Kind.ATTEMPT, Kind.CONTACT}),
    "conversation": frozenset({Kind.ATTEMPT, Kind.CONTACT, Kind.CONVERSATION}),
    "inbound": frozenset({Kind.CONTACT, Kind.CONVERSATION}),
    "abandoned": frozenset({Kind.ATTEMPT, Kind.CONTACT, Kind.ABANDONED}),
    "machine": frozenset({Kind.ATTEMPT, Kind.MACHINE}),
    "nothing": frozenset[Kind](),
}


class Contact(NamedTuple):
    """One contact; `kinds` are what it counts as, `by_phone` is False for letters, messages and visits."""

    line: int
    code: str
    document: str | None
    number: str
    phone: str
    at: datetime
    kinds: frozenset[Kind]
    by_phone: bool


@dataclass(frozen=True, slots=True)
class ContactColumns:
    """Where each field stands in a file of contacts."""

    headers: tuple[str, ...]
    at: dict[str, int]

    @property
    def unread(self) -> tuple[str, ...]:
        """Return the columns nobody asked for."""
        return tuple(name for place, name in enumerate(self.headers) if place not in self.at.values() and name)


def understood(headers: Sequence[str], mapping: Mapping, country: str) -> ContactColumns:
    """Return what the columns stand for; raises InputError naming those in doubt or missing."""
    told = {folded(name): field for field, names in mapping.contacts.items() for name in names}
    ignored = {folded(name) for name in mapping.ignore}
    found: dict[str, int] = {}
    for place, header in enumerate(headers):
        field = told.get(folded(header)) or _field(header, country)
        by_itself = folded(header) not in told
        if field is None or folded(header) in ignored or (by_itself and field in mapping.contacts):
            continue
        if field in found:
            raise InputError(
                f"columns {headers[found[field]]!r} and {header!r} may both be {field}; say which in a mapping: "
                f'[contacts] {field} = "{header}"'
            )
        found[field] = place
    missing = [name for name in ("at", "kind") if name not in found]
    if missing or not set(WHOM) & set(found):
        raise InputError(
            f"columns: {', '.join(headers)}; needed are when (fecha), what came of it (resultado), and whom (teléfono, "
            "documento, debtor or cuenta); name them, or say in a mapping: [contacts] at = ..., kind = ..."
        )
    return ContactColumns(tuple(headers), found)


def _field(header: str, country: str) -> str | None:
    name = folded(header)
    for field, names in _vocabulary()["columns"].items():
        if name in names:
            return str(field)
    found = field_of(header, country)
    return found if found in WHOM else None


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, Any]:
    return tomllib.loads(files("campaigns.lists").joinpath("contacts.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _words() -> dict[str, str]:
    return {word: kind for kind, words in _vocabulary()["kinds"].items() for word in words}


@dataclass(frozen=True, slots=True)
class ContactReader:
    """Reads the rows of one file; `zone` is that of times that do not name theirs, None where nobody told."""

    columns: ContactColumns
    country: str
    order: dates.Order
    zone: tzinfo | None
    now: datetime

    def read(self, line: int, cells: Sequence[Cell]) -> Contact | Reject:
        """Return the contact, or the first reason against it."""
        try:
            return self._contact(line, cells)
        except Unusable as error:
            place = self.columns.at.get(error.field)
            known = place is not None and place < len(cells)
            header = self.columns.headers[place] if place is not None else error.field
            return Reject(line, header, text_of(cells[place]) if known and place is not None else "", error.reason)

    def _contact(self, line: int, cells: Sequence[Cell]) -> Contact:
        code, number, phone = (self._text(cells, name) for name in ("debtor", "number", "phone"))
        document = documents.document(self._text(cells, "document"), self.country)
        parts = list(phones.parts(phone))
        if len(parts) > 1:
            raise Unusable("phone", "several numbers; write which one was called")
        if not (code or document or number or parts):
            raise Unusable(next(name for name in WHOM if name in self.columns.at), "empty: whom was it?")
        return Contact(
            line=line,
            code=code,
            document=document,
            number=number,
            phone=phones.phone(parts[0], self.country).e164 if parts else "",
            at=self._moment(cells),
            kinds=_kinds(self._text(cells, "kind")),
            by_phone=_by_phone(self._text(cells, "channel")),
        )

    def _text(self, cells: Sequence[Cell], field: str) -> str:
        place = self.columns.at.get(field)
        text = text_of(cells[place]) if place is not None and place < len(cells) else ""
        return "" if is_nothing(text) else text

    def _moment(self, cells: Sequence[Cell]) -> datetime:
        place = self.columns.at["at"]
        cell = cells[place] if place < len(cells) else None
        moment = _instant(cell, self._text(cells, "time"), self.order)
        if moment.tzinfo is None:
            if self.zone is None:
                raise Unusable("at", "says no zone, and the campaign has no time_zone")
            moment = moment.replace(tzinfo=self.zone)
        moment = moment.astimezone(UTC)
        if moment > self.now + timedelta(days=1):
            raise Unusable("at", "lies in the future")
        return min(moment, self.now)


def _instant(cell: Cell, hour: str, order: dates.Order) -> datetime:
    """Return a moment, aware where the cell names its zone; a day without a time is its end, the strictest reading."""
    if isinstance(cell, datetime):
        return cell
    text = text_of(cell)
    if len(text) > 10 and text[:4].isdigit():
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise Unusable("at", "not a moment such as 31/12/2026 15:30 or 2026-12-31T15:30-03:00") from None
    day = dates.day(cell, order, "at")
    if day is None:
        raise Unusable("at", "empty")
    written = hour or (text.replace("T", " ").partition(" ")[2] if not isinstance(cell, date) else "")
    return datetime.combine(day, _time(written) if written else time(23, 59, 59))


def _time(text: str) -> time:
    plain = folded(text).replace(" ", ":")
    half = plain[-1:] == "m"
    afternoon = half and "p" in plain
    digits = [int(part) for part in plain.split(":") if part.isdigit()]
    try:
        hours, minutes, seconds = [*digits, 0, 0][:3]
        if half:
            hours = hours % 12 + (12 if afternoon else 0)
        return time(hours, minutes, seconds)
    except ValueError:
        raise Unusable("at", "not a time such as 15:30") from None


def _kinds(text: str) -> frozenset[Kind]:
    kind = _words().get(folded(text))
    if kind is None:
        raise Unusable("kind", "not a known result, such as no contesta, contacto, conversación, buzón, abandonada")
    return _KINDS[kind]


def _by_phone(text: str) -> bool:
    word = folded(text)
    if not word or word in _vocabulary()["channels"]["phone"]:
        return True
    if word in _vocabulary()["channels"]["other"]:
        return False
    raise Unusable("channel", "not a known channel, such as llamada, sms, whatsapp, correo, carta, visita")
