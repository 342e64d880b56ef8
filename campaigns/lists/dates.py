"""Dates: day before month unless the mapping says otherwise, and a file that proves otherwise is refused."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Literal

from campaigns.lists.cells import Cell, Unusable, is_nothing, text_of

Order = Literal["dmy", "mdy"]

_EXCEL_DAY_ZERO = date(1899, 12, 30)
_SERIALS = range(10_000, 80_000)
_PARTS = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})(?:[ T]\d{1,2}:\d\d.*)?")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]\d{1,2}:\d\d.*)?|(\d{4})(\d\d)(\d\d)")
_EXAMPLE = "not a date such as 31/12/2026 or 2026-12-31"


def order_proof(cell: Cell) -> Order | None:
    """Return the order of day and month that a date proves; None when it proves none."""
    parts = _PARTS.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if parts is None:
        return None
    first, second = int(parts[1]), int(parts[2])
    if 12 < first <= 31 and second <= 12:
        return "dmy"
    return "mdy" if first <= 12 and 12 < second <= 31 else None


def day(cell: Cell, order: Order, field: str) -> date | None:
    """Return the date a cell says; raises Unusable when it is none."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = text_of(cell)
    if is_nothing(text):
        return None
    if text.isdigit() and int(text) in _SERIALS:
        return _EXCEL_DAY_ZERO + timedelta(days=int(text))
    year, month, day_ = _numbers(text, order, field)
    try:
        return date(year, month, day_)
    except ValueError:
        raise Unusable(field, _EXAMPLE) from None


def _numbers(text: str, order: Order, field: str) -> tuple[int, int, int]:
    if iso := _ISO.fullmatch(text):
        year, month, day_ = (int(each) for each in iso.groups() if each is not None)
        return year, month, day_
    if (parts := _PARTS.fullmatch(text)) is None:
        raise Unusable(field, _EXAMPLE)
    first, second, year = int(parts[1]), int(parts[2]), int(parts[3])
    month, day_ = (second, first) if order == "dmy" else (first, second)
    return (year + 2000 if year < 100 else year), month, day_
