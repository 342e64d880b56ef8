"""Files as rows of cells: CSV in the encodings and with the delimiters agencies use, and XLSX; nothing is kept."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from campaigns.lists import workbook
from campaigns.lists.cells import Cell, text_of
from campaigns.lists.mapping import Formats
from campaigns.lists.rows import RawRow
from dialer.types import InputError

DELIMITERS = (",", ";", "\t", "|")
_BLOCK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"
_UNDEFINED_IN_1252 = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_SAMPLE_LINES = 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how it is read; `form` is what a person is told about it."""

    path: Path
    encoding: str
    delimiter: str
    sheet: str
    first_line: int

    @property
    def form(self) -> str:
        """Say in a few words how the file is read."""
        if not self.encoding:
            return f"Excel, sheet {self.sheet!r}"
        names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
        return f"{self.encoding.removesuffix('-sig')} with {names.get(self.delimiter, self.delimiter)}"

    def rows(self) -> Iterator[RawRow]:
        """Yield every row that holds something with the line it begins on, the header first."""
        for number, cells in self._all_rows():
            # Most rows hold something at once; only where all of it is 0 does it have to be looked at closely.
            if number >= self.first_line and (any(cells) or any(cell is not None and cell != "" for cell in cells)):
                yield number, cells

    def _all_rows(self) -> Iterator[RawRow]:
        if not self.encoding:
            yield from workbook.rows(self.path, self.sheet)
        else:
            yield from _csv_rows(self.path, self.encoding, self.delimiter)


def opened(path: Path, formats: Formats) -> Source:
    """Find out how a file is to be read; raises InputError naming file and remedy when it is no list."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if start.startswith(_OLD_WORKBOOK):
        raise InputError(f"{path}: an Excel file of the old kind (.xls); save it as .xlsx or CSV")
    if start.startswith(_ZIP):
        return Source(path, "", "", workbook.sheet_of(path, formats.sheet), formats.header_line)
    if not start:
        raise InputError(f"{path}: the file is empty; its first line must name the columns, such as: debtor,name,phone")
    encoding = formats.encoding or _encoding(path, start)
    sample = _sample(path, encoding)
    told = _told_delimiter(sample)
    first_line = max(formats.header_line, 2 if told else 1)
    return Source(path, encoding, formats.delimiter or told or _delimiter(sample[first_line - 1 :]), "", first_line)


def content_hash(path: Path) -> str:
    """Return the file's fingerprint."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _encoding(path: Path, start: bytes) -> str:
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    decoder, is_utf8, undefined = codecs.getincrementaldecoder("utf-8")(), True, False
    with path.open("rb") as file:
        line = 1
        while block := file.read(_BLOCK):
            if b"\0" in block:
                line += block[: block.index(b"\0")].count(b"\n")
                raise InputError(f"{path}: line {line}: not text; save the list as CSV (UTF-8) or .xlsx")
            undefined = undefined or any(byte in block for byte in _UNDEFINED_IN_1252)
            is_utf8 = is_utf8 and _decodes(decoder, block)
            line += block.count(b"\n")
    if is_utf8 and _decodes(decoder, b"", final=True):
        return "utf-8"
    return "latin-1" if undefined else "windows-1252"


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _sample(path: Path, encoding: str) -> list[str]:
    lines: list[str] = []
    try:
        with path.open(encoding=encoding, newline="") as file:
            for line in file:
                lines.append(line)
                if len(lines) == _SAMPLE_LINES:
                    break
    except (UnicodeError, LookupError) as error:
        raise _undecodable(path, encoding, error) from error
    return lines


def _undecodable(path: Path, encoding: str, error: Exception) -> InputError:
    return InputError(f"{path}: not {encoding} ({error}); say what it is in the mapping: [formats] encoding")


def _told_delimiter(sample: list[str]) -> str:
    first = sample[0].strip().strip('"').lower() if sample else ""
    # Excel's own way to name the delimiter, in a line before the header.
    return sample[0].strip().strip('"')[4] if first.startswith("sep=") and len(first) == 5 else ""


def _delimiter(sample: list[str]) -> str:
    text = "".join(sample)

    def columns(delimiter: str) -> tuple[int, int]:
        rows = [len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
        # By the header; where that is a title, by the rows below.
        return (rows[0] if rows and rows[0] > 1 else 0, sum(rows))

    return max(DELIMITERS, key=columns)


def _csv_rows(path: Path, encoding: str, delimiter: str) -> Iterator[RawRow]:
    begins = 1
    try:
        with path.open(encoding=encoding, newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                yield begins, row  # type: ignore[misc]
                begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: line {begins}: {error}; correct its quotes and line ends") from error
    except (UnicodeError, LookupError) as error:
        raise _undecodable(path, encoding, error) from error


def header_text(cell: Cell) -> str:
    """Return a column's name as it stands in the file, on one line."""
    return " ".join(text_of(cell).split())
