"""Amounts as people write them; which sign parts thousands is proved, never guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.lists.amounts import Mark, amount, proof, share
from campaigns.lists.cells import Cell, Unusable


@pytest.mark.parametrize(
    ("cell", "mark", "value", "currency"),
    [
        ("1.234.567,89", "", "1234567.89", None),
        ("1,234,567.89", "", "1234567.89", None),
        ("1234567.89", "", "1234567.89", None),
        ("1 234,56", "", "1234.56", None),
        ("1'234.56", "", "1234.56", None),
        ("$ 1.234", ",", "1234", None),
        ("$ 1.234", ".", "1.23", None),
        ("(123,45)", "", "-123.45", None),
        ("-5", "", "-5", None),
        ("5-", "", "-5", None),
        ("1500", "", "1500", None),
        ("12,5", "", "12.5", None),
        ("R$ 1.234,56", "", "1234.56", "BRL"),
        ("US$ 99.50", "", "99.5", "USD"),
        ("1.234,50 COP", "", "1234.5", "COP"),
        ("EUR 10", "", "10", "EUR"),
        ("1234.5000", ".", "1234.5", None),
        (1234.5, "", "1234.5", None),
        (10, "", "10", None),
        (0.1 + 0.2, "", "0.3", None),
    ],
)
def test_an_amount_is_read(cell: Cell, mark: Mark, value: str, currency: str | None):
    if cell == "$ 1.234" and mark == ".":
        with pytest.raises(Unusable, match="more than two decimals"):
            amount(cell, mark)
        return
    assert amount(cell, mark) == (Decimal(value), currency)


@pytest.mark.parametrize(
    ("text", "mark", "reason"),
    [
        ("1.234", "", "may be thousands or decimals"),
        ("abc", "", "not an amount"),
        ("1.2.3,4", "", "not an amount with the decimal mark"),
        ("1,234.5", ",", "not an amount with the decimal mark ','"),
        ("1.23456", "", "more than two decimals"),
        ("9999999999999", "", "larger than any amount"),
    ],
)
def test_an_amount_in_doubt_is_refused(text: str, mark: Mark, reason: str):
    with pytest.raises(Unusable) as caught:
        amount(text, mark)
    assert reason in caught.value.reason


@pytest.mark.parametrize("nothing", ["", "-", "N/A", None, "sin dato"])
def test_no_amount_is_none(nothing: Cell):
    assert amount(nothing, "") == (None, None)


@pytest.mark.parametrize(
    ("cell", "mark"),
    [("1.234,5", ","), ("1,234.5", "."), ("12.5", "."), ("12,5", ","), ("1.234.567", ","), ("0.123", "."), ("12", "")],
)
def test_what_an_amount_proves(cell: Cell, mark: str):
    assert proof(cell) == mark


def test_what_may_be_read_both_ways_proves_nothing():
    assert proof("1.234") is None


@given(st.text("0123456789.,", min_size=1, max_size=12))
def test_an_amount_proves_the_same_beside_its_currency(text: str):
    assert proof(text) == proof(f"$ {text}")


@given(st.decimals(0, 10**11, places=2))
def test_both_ways_of_writing_an_amount_say_the_same(value: Decimal):
    english = f"{value:,.2f}"
    spanish = english.translate(str.maketrans(",.", ".,"))
    assert amount(english, ".")[0] == amount(spanish, ",")[0] == value


@pytest.mark.parametrize(
    ("cell", "value"), [("85%", 0.85), ("85 %", 0.85), ("12,5%", 0.125), ("0.7", 0.7), (0.5, 0.5), (700, 700.0)]
)
def test_a_score_may_be_a_percentage(cell: Cell, value: float):
    assert share(cell, "") == pytest.approx(value)
