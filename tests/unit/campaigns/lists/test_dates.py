"""Dates are day before month; a file that proves otherwise says so."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from campaigns.lists.cells import Cell, Unusable
from campaigns.lists.dates import Order, day, order_proof


@pytest.mark.parametrize(
    ("cell", "order"),
    [
        ("31/12/2026", "dmy"),
        ("31-12-26", "dmy"),
        ("31.12.2026", "dmy"),
        ("12/31/2026", "mdy"),
        ("2026-12-31", "dmy"),
        ("20261231", "dmy"),
        ("31/12/2026 15:30", "dmy"),
        ("46387", "dmy"),
        (46387, "dmy"),
        (date(2026, 12, 31), "dmy"),
        (datetime(2026, 12, 31, 8), "dmy"),  # noqa: DTZ001 - as a workbook gives it
    ],
)
def test_a_date_is_read(cell: Cell, order: Order):
    assert day(cell, order, "due_date") == date(2026, 12, 31)


@pytest.mark.parametrize("text", ["31/13/2026", "30/02/2026", "mañana", "12/31/2026", "1"])
def test_what_is_no_date_is_refused(text: str):
    with pytest.raises(Unusable, match="not a date"):
        day(text, "dmy", "due_date")


def test_an_empty_cell_is_no_date():
    assert day("", "dmy", "due_date") is None


@pytest.mark.parametrize(
    ("text", "proved"),
    [("25/12/2026", "dmy"), ("12/25/2026", "mdy"), ("05/06/2026", None), ("2026-12-25", None)],
)
def test_a_date_may_prove_the_order(text: str, proved: str | None):
    assert order_proof(text) == proved
