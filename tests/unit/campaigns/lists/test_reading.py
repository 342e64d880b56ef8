"""Files in the forms agencies send them give the same rows."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from campaigns.lists.mapping import Formats
from campaigns.lists.reading import content_hash, opened
from dialer.types import InputError

ROWS = [["nombre", "teléfono"], ["Íñigo Muñoz", "3001234567"]]


def written(folder: Path, content: bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(content)
    return path


def rows(path: Path, **formats: Any) -> list[list[Any]]:
    return [cells for _, cells in opened(path, Formats(**formats)).rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str):
    text = "\r\n".join(delimiter.join(row) for row in ROWS)
    assert rows(written(tmp_path, text.encode(encoding))) == ROWS


def test_how_a_file_is_read_is_told(tmp_path: Path):
    path = written(tmp_path, "nombre;teléfono\r\n€;1".encode("cp1252"))
    assert opened(path, Formats()).form == "windows-1252 with semicolons"


def test_the_line_by_which_excel_names_the_delimiter_is_no_header(tmp_path: Path):
    assert rows(written(tmp_path, "sep=;\r\nnombre;teléfono\r\nÍñigo Muñoz;3001234567\r\n".encode())) == ROWS


def test_empty_lines_are_passed_over_and_lines_are_counted_as_an_editor_does(tmp_path: Path):
    path = written(tmp_path, b'\r\nname,phone\r\n\r\n"Ana\r\nMaria",300\r\nBea,301\r\n')
    assert [number for number, _ in opened(path, Formats()).rows()] == [2, 4, 6]


def test_the_header_may_be_told_to_be_further_down(tmp_path: Path):
    path = written(tmp_path, "Cartera junio\n\nnombre;teléfono\nÍñigo Muñoz;3001234567\n".encode())
    assert rows(path, header_line=3) == ROWS


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the file is empty"),
        (b"\xd0\xcf\x11\xe0old", "an Excel file of the old kind"),
        (b"PK\x03\x04broken", "not an Excel workbook"),
        (b"a,b\n\0\0", "line 2: not text"),
        (b'a,b\n1,"2\n3,4\n', "line 2: .*quotes"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, content: bytes, complaint: str):
    with pytest.raises(InputError, match=complaint):
        rows(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        opened(tmp_path / "none.csv", Formats())


def test_a_wrong_encoding_of_the_mapping_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="not ascii"):
        rows(written(tmp_path, "ñ,b\n".encode()), encoding="ascii")


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Junio"
    sheet.append(["nombre", "celular", "saldo", "vencimiento", "visto"])
    sheet.append(["Ana", 573001234567, 1234.5, date(2026, 5, 4), datetime(2026, 5, 4, 10, 30)])  # noqa: DTZ001
    sheet.append([])
    sheet.append(["Bea", 3001234567.0, 10, None, None])
    other = book.create_sheet("Julio")
    other.append(["phone"])
    path = tmp_path / "list.xlsx"
    book.save(path)
    return path


def test_a_workbook_gives_numbers_as_numbers_and_dates_as_dates(workbook: Path):
    assert rows(workbook)[1:] == [
        ["Ana", 573001234567, 1234.5, date(2026, 5, 4), datetime(2026, 5, 4, 10, 30)],  # noqa: DTZ001
        ["Bea", 3001234567, 10],
    ]


def test_the_first_sheet_is_read_unless_another_is_told(workbook: Path):
    assert opened(workbook, Formats()).form == "Excel, sheet 'Junio'"
    assert rows(workbook, sheet="Julio") == [["phone"]]
    with pytest.raises(InputError, match="no sheet 'Mayo'; there are: Junio, Julio"):
        rows(workbook, sheet="Mayo")


def test_a_file_is_known_again_by_its_content(tmp_path: Path):
    first = content_hash(written(tmp_path, b"a"))
    assert first == content_hash(written(tmp_path, b"a")) != content_hash(written(tmp_path, b"b"))
