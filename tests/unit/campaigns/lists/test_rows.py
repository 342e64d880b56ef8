"""One row of a list becomes what it says, or one reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from campaigns.lists.cells import Cell
from campaigns.lists.columns import understood
from campaigns.lists.mapping import Mapping
from campaigns.lists.rows import Plan, Reject, Row, RowReader, SegmentRule
from campaigns.segments import parse_rule

RULES = (
    SegmentRule("late", 900, parse_rule({"days_overdue": {"min": 60}, "custom": {"tramo interno": "A"}})),
    SegmentRule("early", 100, parse_rule({"days_overdue": {"max": 59}})),
)
NAMED = (SegmentRule("early", 100, None),)


def reader(headers: list[str], segments: tuple[SegmentRule, ...] = NAMED, **plan: Any) -> RowReader:
    columns = understood(headers, Mapping(), "CO", {"tramo interno"})
    facts: dict[str, Any] = {"language": "es", "time_zone": "America/Bogota", "decimal": ",", "order": "dmy"} | plan
    return RowReader(Plan(columns, "CO", segments=segments, numbers=frozenset(), today=date(2026, 6, 2), **facts))


def row(headers: list[str], cells: list[Cell], segments: tuple[SegmentRule, ...] = NAMED, **plan: Any) -> Row:
    found = reader(headers, segments, **plan).read(2, cells)
    assert isinstance(found, Row), found
    return found


def test_a_row_says_all_it_can():
    found = row(
        [
            "debtor",
            "cédula",
            "nombre",
            "apellido",
            "celular",
            "segmento",
            "saldo",
            "mora",
            "departamento",
            "rol",
            "score",
        ],
        ["C1", "12.345.678", "Ana", "Ruiz", "300 123 4567", "early", "$ 1.234,50", "45", "Antioquia", "fiador", "85%"],
    )
    assert (found.code, found.document, found.name, found.party) == ("C1", "12345678", "Ana Ruiz", "first")
    assert (found.phones, found.subdivision, found.country) == ((("+573001234567", "mobile"),), "CO-ANT", "CO")
    assert found.debt is not None
    assert (found.debt.balance, found.debt.days_overdue, found.debt.score) == (Decimal("1234.50"), 45, 0.85)


def test_several_phones_in_a_cell_and_in_columns_are_one_list():
    found = row(["segmento", "celular", "tel fijo"], ["early", "3001234567 / 3011234567", "601 234 5678"])
    assert [e164 for e164, _ in found.phones] == ["+573001234567", "+573011234567", "+576012345678"]


def test_one_bad_phone_among_good_ones_is_remarked_and_the_row_imported():
    found = row(["segmento", "celular"], ["early", "3001234567 / 12"])
    assert [(each.column, each.value, each.imported) for each in found.remarks] == [("celular", "12", True)]


def test_a_row_whose_phones_are_all_bad_is_rejected():
    found = reader(["segmento", "celular", "tel fijo"]).read(7, ["early", "", "12"])
    assert isinstance(found, Reject)
    assert (found.line, found.column, found.value) == (7, "tel fijo", "12")


@pytest.mark.parametrize(("days", "inner", "segment"), [("90", "A", "late"), ("10", "B", "early")])
def test_a_rule_gives_the_segment(days: str, inner: str, segment: str):
    found = row(["phone", "mora", "Tramo Interno"], ["3001234567", days, inner], RULES)
    assert found.segment == segment


def test_a_row_that_no_segment_wants_is_rejected():
    found = reader(["phone", "mora", "Tramo Interno"], RULES).read(2, ["3001234567", "90", "B"])
    assert isinstance(found, Reject)
    assert (found.column, found.reason) == ("segment", "no segment of the campaign wants this row")


def test_a_named_segment_wins_over_the_rules():
    assert row(["phone", "mora", "segmento"], ["3001234567", "90", "early"], RULES).segment == "early"


@pytest.mark.parametrize(
    ("headers", "cells", "days"),
    [
        (["vencimiento"], ["02/05/2026"], 31),
        (["vencimiento"], [date(2026, 5, 2)], 31),
        (["vencimiento"], ["02/07/2026"], 0),
        (["vencimiento", "mora"], ["02/05/2026", "7"], 7),
    ],
)
def test_days_overdue_may_follow_from_a_due_date(headers: list[str], cells: list[Cell], days: int):
    found = row(["phone", "segmento", *headers], ["3001234567", "early", *cells])
    assert found.debt is not None
    assert found.debt.days_overdue == days


@pytest.mark.parametrize(
    ("header", "cell", "months"),
    [("antigüedad", "18", 18), ("antigüedad años", "2", 24), ("fecha alta", "15/12/2025", 5)],
)
def test_tenure_in_months(header: str, cell: str, months: int):
    found = row(["phone", "segmento", header], ["3001234567", "early", cell])
    assert found.debt is not None
    assert found.debt.tenure_months == months


def test_flags_name_what_is_set():
    found = row(["phone", "segmento", "disputa", "fallecido"], ["3001234567", "early", "sí", "no"])
    assert found.flags == ("dispute",)


def test_a_place_nobody_knows_is_left_empty_and_remarked():
    found = row(["phone", "segmento", "departamento"], ["3001234567", "early", "Narnia"])
    assert (found.subdivision, [each.value for each in found.remarks]) == ("", ["Narnia"])


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (["3001234567", "early", "1,2,3"], "saldo"),
        (["3001234567", "otra", "1"], "segmento"),
        (["3001234567", "early"], ""),
        (["3001234567", "early", "1", "2"], ""),
    ],
)
def test_a_bad_value_is_named_by_the_files_own_column(cells: list[Cell], column: str):
    found = reader(["phone", "segmento", "saldo"]).read(9, cells)
    assert isinstance(found, Reject)
    assert (found.line, found.column) == (9, column)
