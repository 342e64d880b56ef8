"""The whole file is looked at once: what its rows prove counts for the rows that prove nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.lists.mapping import Formats, Mapping
from campaigns.lists.reading import opened
from campaigns.lists.scan import Findings, columns_of, scanned
from dialer.types import InputError


def found(folder: Path, text: str, mapping: Mapping | None = None) -> Findings:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    mapping = mapping or Mapping()
    source = opened(path, mapping.formats)
    return scanned(source, columns_of(source, mapping, "CO", frozenset()), mapping, frozenset())


def test_one_row_decides_for_the_others(tmp_path: Path):
    assert found(tmp_path, "phone;saldo\n1;1.234\n2;1.234,56\n").decimal == ","
    assert found(tmp_path, "phone;saldo\n1;1,234\n2;1,234.56\n").decimal == "."


def test_without_proof_the_file_is_refused_with_the_remedy(tmp_path: Path):
    with pytest.raises(InputError, match=r"line 3: saldo 1\.234 may be thousands or decimals.*\[formats\] decimal"):
        found(tmp_path, "phone;saldo\n1;10\n2;1.234\n")


def test_the_mapping_decides_where_nothing_proves_it(tmp_path: Path):
    mapping = Mapping(formats=Formats(decimal=","))
    assert found(tmp_path, "phone;saldo\n1;1.234\n", mapping).decimal == ","


def test_two_ways_in_one_file_leave_every_amount_to_itself(tmp_path: Path):
    assert found(tmp_path, "phone;saldo\n1;1.234,56\n2;1,234.56\n").decimal == ""


def test_a_date_that_contradicts_the_order_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r'line 3: 12/25/2026 cannot be day/month/year.*date = "mdy"'):
        found(tmp_path, "phone;vencimiento\n1;05/06/2026\n2;12/25/2026\n")


def test_rows_are_counted(tmp_path: Path):
    assert found(tmp_path, "phone\n1\n\n2\n").rows == 2


def test_a_header_further_down_is_pointed_out(tmp_path: Path):
    with pytest.raises(InputError, match=r"line 3 looks like the header, not line 1.*header_line = 3"):
        found(tmp_path, "Cartera junio;;\n\nnombre;celular;saldo\nAna;3001234567;1\n")
