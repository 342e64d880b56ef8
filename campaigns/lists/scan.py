"""The first look at a whole file: how long it is, and what its own rows prove about amounts and dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from campaigns.lists import amounts, dates
from campaigns.lists.amounts import Mark
from campaigns.lists.cells import Cell
from campaigns.lists.columns import Columns, recognised, understood
from campaigns.lists.dates import Order
from campaigns.lists.mapping import Mapping
from campaigns.lists.reading import Source, header_text
from campaigns.lists.rows import RawRow
from dialer.types import InputError

_LOOKED_AT = 20
_AMOUNTS = ("balance", "score")
_DATES = ("due_date", "opened_on")


@dataclass(slots=True)
class Findings:
    """What a whole file proves; `decimal` is empty when every amount speaks for itself."""

    rows: int = 0
    decimal: Mark = ""
    order: Order = "dmy"
    marks: Counter[str] = field(default_factory=Counter)
    doubtful: tuple[int, str, str] | None = None


def header_of(source: Source, country: str) -> tuple[str, ...]:
    """Return the names of the columns; raises InputError when the first line does not hold them."""
    first = list(islice(source.rows(), _LOOKED_AT))
    if not first:
        raise InputError(f"{source.path}: no rows; the first line must name the columns, such as: debtor,name,phone")
    names = [tuple(header_text(cell) for cell in cells) for _, cells in first]
    if recognised(names[0], country):
        return names[0]
    for (line, _), cells in zip(first[1:], names[1:], strict=True):
        if recognised(cells, country) >= 2:
            raise InputError(
                f"{source.path}: line {line} looks like the header, not line {first[0][0]}; delete the lines above it, "
                f"or say so in the mapping: [formats] header_line = {line}"
            )
    return names[0]


def columns_of(source: Source, mapping: Mapping, country: str, custom: frozenset[str]) -> Columns:
    """Return what the file's columns stand for; raises InputError naming the file."""
    headers = header_of(source, country)
    try:
        return understood(headers, mapping, country, custom)
    except InputError as error:
        raise InputError(f"{source.path}: line 1: {error}", error_id="list-columns") from error


def scanned(source: Source, columns: Columns, mapping: Mapping, numbers: frozenset[str]) -> Findings:
    """Read the whole file once; raises InputError where it contradicts itself or the mapping."""
    found = Findings(decimal=mapping.formats.decimal, order=mapping.formats.date or "dmy")
    places = [columns.at[name] for name in _AMOUNTS if name in columns.at]
    places += [place for name, place in columns.custom if name in numbers]
    days = [columns.at[name] for name in _DATES if name in columns.at]
    for line, cells in _below_header(source):
        found.rows += 1
        for place in places:
            if place < len(cells):
                _weigh(found, line, columns.headers[place], cells[place])
        for place in days:
            if place < len(cells):
                _check_order(source, found, line, cells[place])
    if not found.rows:
        raise InputError(f"{source.path}: no rows below the header; nothing to import")
    return _decided(source, found, mapping)


def _below_header(source: Source) -> Iterator[RawRow]:
    return islice(source.rows(), 1, None)


def _weigh(found: Findings, line: int, header: str, cell: Cell) -> None:
    mark = amounts.proof(cell)
    if mark:
        found.marks[mark] += 1
    elif mark is None and found.doubtful is None:
        found.doubtful = (line, header, str(cell))


def _check_order(source: Source, found: Findings, line: int, cell: Cell) -> None:
    proved = dates.order_proof(cell)
    if proved is not None and proved != found.order:
        said = "day/month/year" if found.order == "dmy" else "month/day/year"
        raise InputError(
            f"{source.path}: line {line}: {cell} cannot be {said}; say in the mapping how dates are written: "
            f'[formats] date = "{proved}"'
        )


def _decided(source: Source, found: Findings, mapping: Mapping) -> Findings:
    if not mapping.formats.decimal and len(found.marks) == 1:
        found.decimal = "," if found.marks[","] else "."
    if found.doubtful is not None and not found.decimal and not found.marks:
        line, header, value = found.doubtful
        raise InputError(
            f"{source.path}: line {line}: {header} {value} may be thousands or decimals, and no row of the file tells; "
            'say which in the mapping: [formats] decimal = "," or "."'
        )
    return found
