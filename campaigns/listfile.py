"""A list as a CSV file: read line by line, in UTF-8, comma or semicolon; a file that is not one is refused whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dialer.types import InputError

REQUIRED = ("debtor", "name", "phone", "segment")
OPTIONAL = ("language", "time_zone", "creditor", "product", "balance", "currency", "days_overdue")
_BOM = b"\xef\xbb\xbf"
_EXAMPLE = "debtor,name,phone,segment"


@dataclass(frozen=True, slots=True)
class Line:
    """One row by column name; `surplus` is True when it has more cells than the header, or fewer."""

    number: int
    cells: Mapping[str, str]
    surplus: bool


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file that was read to its end once: its header, how many rows it holds, and columns nobody asked for."""

    path: Path
    delimiter: str
    header: tuple[str, ...]
    rows: int
    ignored: tuple[str, ...]

    @classmethod
    def checked(cls, path: Path) -> ListFile:
        """Read the whole file once; raise InputError naming file, line and remedy when it is not a list."""
        delimiter, header = _header(path)
        rows = sum(1 for _ in _rows(path, delimiter)) - 1
        if rows < 1:
            raise InputError(f"{path}: no rows below the header; nothing to import")
        ignored = tuple(name for name in header if name not in {*REQUIRED, *OPTIONAL})
        return cls(path, delimiter, header, rows, ignored)

    def lines(self) -> Iterator[Line]:
        """Yield the rows below the header; empty lines are passed over."""
        rows = _rows(self.path, self.delimiter)
        next(rows)
        for number, row in rows:
            cells = {name: cell.strip() for name, cell in zip(self.header, row, strict=False)}
            yield Line(number, cells, len(row) != len(self.header))


def _header(path: Path) -> tuple[str, tuple[str, ...]]:
    first = next(_text(path), None)
    if first is None:
        raise InputError(f"{path}: the file is empty; its first line must name the columns: {_EXAMPLE}")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    found = next(_rows(path, delimiter), None)
    header = tuple(name.strip().lower() for name in (found[1] if found else ()))
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise InputError(
            f"{path}: line 1: missing columns {', '.join(missing)}; the first line must name the columns: {_EXAMPLE}"
        )
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise InputError(f"{path}: line 1: columns named twice: {', '.join(twice)}; keep one of each")
    return delimiter, header


def _rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_text(path), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: line {begins}: {error}; correct its quotes and line ends") from error


def _text(path: Path) -> Iterator[str]:
    number = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield (line.removeprefix(_BOM) if number == 1 else line).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: line {number}: not UTF-8 ({error.reason}); save the file as UTF-8") from error
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
