"""Excel workbooks, read row by row: numbers stay numbers, dates dates, and formulas are what they came to."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from campaigns.lists.cells import Cell
from dialer.types import InputError


@contextmanager
def _book(path: Path) -> Iterator[Any]:
    with warnings.catch_warnings():
        # What openpyxl leaves out (styles, validations) is nothing a list says.
        warnings.simplefilter("ignore")
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
            raise InputError(f"{path}: not an Excel workbook ({error}); save it again as .xlsx, or as CSV") from error
        try:
            yield book
        finally:
            book.close()


def sheet_of(path: Path, wanted: str) -> str:
    """Return the sheet to read: the wanted one, else the first; raises InputError naming those there are."""
    with _book(path) as book:
        names = [sheet.title for sheet in book.worksheets]
        if wanted and wanted not in names:
            raise InputError(f"{path}: no sheet {wanted!r}; there are: {', '.join(names)}")
        if not names:
            raise InputError(f"{path}: the workbook has no sheet with cells")
        return wanted or names[0]


def rows(path: Path, sheet: str) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the rows of a sheet with their numbers."""
    with _book(path) as book:
        page = book[sheet]
        # Some programs write a wrong extent, and cells beyond it would be lost.
        page.reset_dimensions()
        for number, cells in enumerate(page.iter_rows(values_only=True), start=1):
            row = [_cell(cell) for cell in cells]
            while row and row[-1] in (None, ""):
                row.pop()
            yield number, row


def _cell(value: Any) -> Cell:
    if value is None or value.__class__ in (str, int):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, datetime):
        return value.date() if value.time() == time(0) else value
    return value if isinstance(value, date) else str(value)
