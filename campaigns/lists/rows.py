"""One row of a list, read: what it says of a person, their phones and a debt, or why it cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from campaigns.lists import amounts, dates, documents, phones, places, words
from campaigns.lists.amounts import Mark
from campaigns.lists.cells import Cell, Unusable, is_nothing, text_of
from campaigns.lists.columns import Columns
from campaigns.lists.dates import Order
from campaigns.segments import AccountFacts, assign
from campaigns.segments.rules import Rule

LONGEST = {"debtor": 64, "number": 64, "name": 120, "creditor": 80, "product": 80, "region": 80, "locality": 80,
           "postal_code": 16, "custom": 200}  # fmt: skip
_LINES = str.maketrans("\r\n\t", "   ")
_MOST_DAYS = 99_999
_MOST_MONTHS = 1_200


RawRow = tuple[int, list[Cell]]
"""The line a row begins on, and its cells."""


class Reject(NamedTuple):
    """What was not imported, and why; `imported` says that the row itself was."""

    line: int
    column: str
    value: str
    reason: str
    imported: bool = False


class Debt(NamedTuple):
    """What a row says of a debt; None and "" say nothing."""

    creditor: str
    product: str
    number: str
    balance: Decimal | None
    currency: str | None
    days_overdue: int | None
    score: float | None
    tenure_months: int | None
    region: str
    custom: dict[str, str]


class Row(NamedTuple):
    """A usable row; "" and None say nothing. `phones` are (E.164, kind); `flags` are kinds of suppression."""

    line: int
    code: str
    document: str | None
    phones: tuple[tuple[str, str], ...]
    name: str
    language: str
    time_zone: str
    country: str
    subdivision: str
    locality: str
    postal_code: str
    party: str
    segment: str
    debt: Debt | None
    flags: tuple[str, ...]
    repairs: tuple[str, ...]
    remarks: tuple[Reject, ...]


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """A segment of the campaign as far as a list goes: its name, its rank, and who belongs to it."""

    name: str
    priority: int
    where: Rule | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that reading a row needs; small, and sent to other processes."""

    columns: Columns
    country: str
    language: str
    time_zone: str
    decimal: Mark
    order: Order
    segments: tuple[SegmentRule, ...]
    numbers: frozenset[str]
    today: date


class RowReader:
    """Reads the rows of one file; every row by itself."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._columns = plan.columns
        self._at = plan.columns.at
        self._width = len(plan.columns.headers)
        self._segments = {segment.name for segment in plan.segments}
        self._ruled = tuple(segment for segment in plan.segments if segment.where is not None)

    def read(self, line: int, cells: list[Cell]) -> Row | Reject:
        """Return the row, or the first reason against it."""
        try:
            return self._row(line, self._whole(cells))
        except Unusable as error:
            return Reject(line, *self._where(error.field, cells), error.reason)

    def _whole(self, cells: list[Cell]) -> list[Cell]:
        width, given = self._width, len(cells)
        if given == width:
            return cells
        if given > width and all(cell is None or cell == "" for cell in cells[width:]):
            return cells[:width]
        raise Unusable("", "the row has more or fewer cells than the header")

    def _where(self, field: str, cells: list[Cell]) -> tuple[str, str]:
        place = self._at.get(field)
        if field.startswith("@"):
            place = int(field[1:])
        if place is None and field == "phone":
            place = self._columns.phones[0][0]
        if place is None:
            return field, ""
        return self._columns.headers[place], text_of(cells[place]) if place < len(cells) else ""

    def _row(self, line: int, cells: list[Cell]) -> Row:
        text = self._text
        country = words.country(text(cells, "country")) or self._plan.country
        remarks: list[Reject] = []
        document = documents.document(text(cells, "document"), country) if "document" in self._at else None
        numbers, repairs = self._phones(line, cells, country, remarks)
        name = self._name(cells)
        debt = self._debt(cells)
        subdivision = self._subdivision(line, cells, country, remarks)
        return Row(
            line=line,
            code=self._code(cells, document, numbers),
            document=document,
            phones=tuple((each.e164, each.kind) for each in numbers),
            name=name,
            language=words.language(text(cells, "language")),
            time_zone=self._time_zone(text(cells, "time_zone")),
            country=country if "country" in self._at or subdivision else "",
            subdivision=subdivision,
            locality=text(cells, "locality"),
            postal_code=text(cells, "postal_code"),
            party=words.party(text(cells, "party")) if "party" in self._at else "",
            segment=self._segment(cells, debt, country, subdivision),
            debt=debt,
            flags=self._flags(cells),
            repairs=repairs,
            remarks=tuple(remarks),
        )

    def _text(self, cells: list[Cell], field: str) -> str:
        place = self._at.get(field)
        if place is None:
            return ""
        text = text_of(cells[place])
        if not text.isprintable():
            text = " ".join(text.translate(_LINES).split()) if "\n" in text or "\r" in text else text
            if not text.isprintable():
                raise Unusable(field, "control characters are not allowed")
        if len(text) > LONGEST.get(field, 200):
            raise Unusable(field, f"longer than {LONGEST.get(field, 200)} characters")
        return text

    def _name(self, cells: list[Cell]) -> str:
        name = self._text(cells, "name")
        if "last_name" in self._at:
            name = f"{name} {self._text(cells, 'last_name')}".strip()
            if len(name) > LONGEST["name"]:
                raise Unusable("name", f"longer than {LONGEST['name']} characters")
        return "" if is_nothing(name) else name

    def _code(self, cells: list[Cell], document: str | None, numbers: tuple[phones.Phone, ...]) -> str:
        identity = self._columns.identity
        code = numbers[0].e164 if identity == "phone" else self._text(cells, identity)
        if is_nothing(code):
            raise Unusable(identity, "empty")
        return document or code if identity == "document" else code

    def _phones(
        self, line: int, cells: list[Cell], country: str, remarks: list[Reject]
    ) -> tuple[tuple[phones.Phone, ...], tuple[str, ...]]:
        found: dict[str, phones.Phone] = {}
        refused: list[Reject] = []
        for place, hint in self._columns.phones:
            for part in phones.parts(text_of(cells[place])):
                try:
                    number = phones.phone(part, country, hint)
                except Unusable as error:
                    refused.append(Reject(line, self._columns.headers[place], part, error.reason, imported=True))
                else:
                    found.setdefault(number.e164, number)
        if not found:
            if not refused:
                raise Unusable("phone", "empty")
            place = self._columns.headers.index(refused[0].column)
            raise Unusable(f"@{place}", refused[0].reason)
        remarks += refused
        return tuple(found.values()), tuple(each.repair for each in found.values() if each.repair)

    def _subdivision(self, line: int, cells: list[Cell], country: str, remarks: list[Reject]) -> str:
        text = self._text(cells, "subdivision")
        if is_nothing(text):
            return ""
        code = places.subdivision(text, country)
        if code is None:
            header = self._columns.header("subdivision")
            remarks.append(Reject(line, header, text, f"no place of {country} that we know; left empty", imported=True))
        return code or ""

    def _time_zone(self, text: str) -> str:
        if is_nothing(text):
            return self._plan.time_zone
        if not _is_zone(text):
            raise Unusable("time_zone", "not an IANA time zone such as America/Bogota")
        return text

    def _debt(self, cells: list[Cell]) -> Debt | None:
        if not self._speaks_of_debts:
            return None
        balance, written = amounts.amount(self._cell(cells, "balance"), self._plan.decimal)
        currency = words.currency(self._text(cells, "currency"))
        if written and currency and written != currency:
            raise Unusable("currency", f"the amount says {written}")
        debt = Debt(
            creditor=self._text(cells, "creditor"),
            product=self._text(cells, "product"),
            number=self._text(cells, "number"),
            balance=balance,
            currency=currency or written,
            days_overdue=self._days(cells),
            score=amounts.share(self._cell(cells, "score"), self._plan.decimal),
            tenure_months=self._tenure(cells),
            region=self._text(cells, "region"),
            custom=self._custom(cells),
        )
        return None if debt == _NOTHING_OWED else debt

    @property
    def _speaks_of_debts(self) -> bool:
        return bool(self._columns.custom) or not _ABOUT_DEBTS.isdisjoint(self._at)

    def _cell(self, cells: list[Cell], field: str) -> Cell:
        place = self._at.get(field)
        return None if place is None else cells[place]

    def _days(self, cells: list[Cell]) -> int | None:
        days = _whole_number(self._cell(cells, "days_overdue"), "days_overdue", _MOST_DAYS, "days such as 45")
        if days is not None:
            return days
        due = dates.day(self._cell(cells, "due_date"), self._plan.order, "due_date")
        return None if due is None else max((self._plan.today - due).days, 0)

    def _tenure(self, cells: list[Cell]) -> int | None:
        months = _whole_number(self._cell(cells, "tenure_months"), "tenure_months", _MOST_MONTHS, "months such as 18")
        if months is not None:
            return months
        years = _whole_number(self._cell(cells, "tenure_years"), "tenure_years", _MOST_MONTHS // 12, "years such as 2")
        if years is not None:
            return years * 12
        opened = dates.day(self._cell(cells, "opened_on"), self._plan.order, "opened_on")
        if opened is None:
            return None
        today = self._plan.today
        months = (today.year - opened.year) * 12 + today.month - opened.month - (today.day < opened.day)
        return max(months, 0)

    def _custom(self, cells: list[Cell]) -> dict[str, str]:
        return {
            name: text
            for name, place in self._columns.custom
            if not is_nothing(text := self._custom_text(name, place, cells[place]))
        }

    def _custom_text(self, name: str, place: int, cell: Cell) -> str:
        text = " ".join(text_of(cell).split())
        if len(text) > LONGEST["custom"]:
            raise Unusable(f"@{place}", f"longer than {LONGEST['custom']} characters")
        if name in self._plan.numbers and not is_nothing(text):
            number, _ = amounts.amount(cell, self._plan.decimal, f"@{place}")
            text = "" if number is None else f"{number.normalize():f}"
        return text

    def _flags(self, cells: list[Cell]) -> tuple[str, ...]:
        columns = self._columns.flags
        return tuple(flag for flag, place in columns if words.yes(text_of(cells[place]), f"@{place}"))

    def _segment(self, cells: list[Cell], debt: Debt | None, country: str, subdivision: str) -> str:
        named = self._text(cells, "segment")
        if not is_nothing(named):
            if named not in self._segments:
                known = ", ".join(sorted(self._segments))
                raise Unusable("segment", f"the campaign has no such segment; known: {known}")
            return named
        found = assign(self._ruled, _facts(debt, country, subdivision)) if self._ruled else None
        if found is None:
            reason = (
                "empty" if "segment" in self._at and not self._ruled else "no segment of the campaign wants this row"
            )
            raise Unusable("segment", reason)
        return found


_ABOUT_DEBTS = frozenset(
    {"balance", "number", "creditor", "product", "currency", "days_overdue", "due_date", "score", "tenure_months",
     "tenure_years", "opened_on", "region"}
)  # fmt: skip
_NOTHING_OWED = Debt("", "", "", None, None, None, None, None, "", {})


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    # Not by `campaigns.compliance`: a process that only reads rows starts in half the time without its holidays.
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _facts(debt: Debt | None, country: str, subdivision: str) -> AccountFacts:
    known: Mapping[str, Any] = {} if debt is None else debt._asdict()
    told = {name: value for name, value in known.items() if name != "number"}
    return AccountFacts(**told, country=country, subdivision=subdivision)


def _whole_number(cell: Cell, field: str, most: int, example: str) -> int | None:
    text = "" if cell is None else text_of(cell)
    if is_nothing(text):
        return None
    if text.endswith((".0", ",0", ".00", ",00")):
        text = text.rstrip("0")[:-1]
    if not (text.isascii() and text.isdigit() and int(text) <= most):
        raise Unusable(field, f"not a number of {example}")
    return int(text)
