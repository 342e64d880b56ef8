"""Rules that cannot be are refused with their key and what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.segments import RuleError, parse_rule, rule_of_text


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"balanze": 1}, "balanze: unknown; known: balance, .*custom.<column> and any"),
        ({"balance": {"min": "1000"}}, "balance.min: write a number without quotes"),
        ({"balance": {"least": 1}}, "balance.least: unknown; write a value, a list of values, or a table with min"),
        ({"balance": {}}, "balance: empty"),
        ({"balance": 1.005}, "balance: write an amount with two decimals"),
        ({"balance": {"min": 60, "max": 31}}, "balance: nothing lies between 60.00 and 31.00; exchange them"),
        ({"balance": {"min": 60, "below": 60}}, "nothing lies between"),
        ({"balance": {"min": 1, "above": 2}}, "balance: min and above say the same bound twice"),
        ({"balance": True}, "balance: write a number"),
        ({"balance": float("nan")}, "balance: write a number"),
        ({"days_overdue": 1.5}, "days_overdue: write a whole number"),
        ({"days_overdue": 2**31}, "days_overdue: write a whole number"),
        ({"product": {"min": 3}}, 'product.min: product is a text and has no order; write product = \\["a", "b"\\]'),
        ({"product": []}, "product: an empty list matches nobody"),
        ({"product": 3}, "product: write a text in double quotes"),
        ({"product": {"not": {"not": "card"}}}, "product.not.not: unknown"),
        ({"last_outcome": "busi"}, "last_outcome: 'busi' is no outcome; known: answered"),
        ({"custom": {}}, "custom: name the column"),
        ({"custom": {'a"b': 1}}, "custom: .* is no column's name"),
        ({"custom": {"x": {"min": "a"}}}, "custom.x.min: write a number"),
        ({"custom": {"x": ["a", 1]}}, "custom.x: numbers and texts in one list"),
        ({"custom": {"x": 1234567890.1234567}}, "custom.x: write a number with 15 digits at most"),
        ({"score": {"known": 1}}, "score.known: write true or false"),
        ({"any": {"score": 1}}, "any: write a list of alternatives"),
        ({"any": [{"scores": 1}]}, r"any\[0\].scores: unknown"),
        ({"any": [{"any": [{"any": [{"any": [{"score": 1}]}]}]}]}, "alternatives stand 4 deep at most"),
        ("balance", "where: this is a table"),
    ],
)
def test_a_rule_that_cannot_be_names_its_key_and_the_remedy(table: Any, said: str):
    with pytest.raises(RuleError, match=said):
        parse_rule(table)


@pytest.mark.parametrize(
    "text",
    [
        'balance = { min = 1000 }\nproduct = "card"',
        'balance = { min = 1000 }, product = "card"',
        '{ balance = { min = 1000 }, product = "card" }',
        '[where]\nbalance = { min = 1000 }\nproduct = "card"',
        'where = { balance = { min = 1000 }, product = "card" }',
    ],
)
def test_a_rule_may_be_typed_in_lines_or_in_one(text: str):
    assert rule_of_text(text) == parse_rule({"balance": {"min": 1000}, "product": "card"})


def test_what_is_no_toml_is_answered_with_an_example():
    with pytest.raises(RuleError, match="write for example: balance = "):
        rule_of_text("balance > 1000")


def test_a_rule_keeps_the_table_it_was_written_as():
    table = {"balance": {"min": 1000}, "custom": {"x": "y"}}
    assert parse_rule(table).table == table
