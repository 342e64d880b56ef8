"""What spreadsheets wrap around a value goes; what only looks like a value is nothing."""

from __future__ import annotations

from datetime import date

import pytest

from campaigns.lists.cells import Cell, folded, is_nothing, text_of


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="3001234567"', "3001234567"),
        ("'3001234567", "3001234567"),
        (" Ana\u00a0María\u200b ", "Ana María"),
        (3001234567.0, "3001234567"),
        (1.5, "1.5"),
        (None, ""),
        (date(2026, 5, 4), "2026-05-04"),
    ],
)
def test_a_cell_as_text(cell: Cell, text: str):
    assert text_of(cell) == text


@pytest.mark.parametrize("text", ["", "-", "N/A", "no tiene", "Sin Teléfono", "NULL", "#N/A"])
def test_words_for_nothing(text: str):
    assert is_nothing(text)


def test_names_are_compared_without_accents_and_signs():
    assert folded("N° de  CRÉDITO_(Total)") == "no de credito total"
