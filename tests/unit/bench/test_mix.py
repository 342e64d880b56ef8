"""The calls of a bench, and how the books are held against the far end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from dialer.bench.mix import EXPECTED, MIX, differences, phones
from dialer.types import Outcome

ANSWERED, BUSY = phones(1)[0][:-3] + "201", "+541150000486"


def row(phone: str, outcome: str, answered: bool = False) -> dict[str, Any]:
    return {"phone": phone, "outcome": outcome, "answered_at": "2026-11-24T13:00:00" if answered else None}


def test_every_hundred_numbers_hold_the_whole_mix_and_none_twice():
    numbers = phones(300)
    assert len(set(numbers)) == 300
    for hundred in range(3):
        assert Counter(int(number[-3:]) for number in numbers[hundred * 100 : hundred * 100 + 100]) == dict(MIX)


def test_every_ending_of_the_mix_has_outcomes_that_exist():
    assert set(EXPECTED) == set(MIX)
    assert {outcome for outcomes in EXPECTED.values() for outcome in outcomes} <= set(Outcome)


def test_books_that_agree_have_no_differences():
    rows = [row(ANSWERED, "answered", answered=True), row(BUSY, "busy")]
    assert differences(rows, Counter([ANSWERED, BUSY]), {ANSWERED}) == []


@pytest.mark.parametrize(
    ("rows", "placed", "answered", "word"),
    [
        ([], [BUSY], set(), "not in the books"),
        ([row(BUSY, "busy")], [], set(), "never called"),
        ([row(BUSY, "answered")], [BUSY], set(), "answered in the books"),
        ([row(ANSWERED, "answered")], [ANSWERED], {ANSWERED}, "disagree on the answer"),
    ],
)
def test_each_kind_of_difference_is_told(rows: list[Any], placed: list[str], answered: set[str], word: str):
    (found,) = differences(rows, Counter(placed), answered)
    assert word in found
