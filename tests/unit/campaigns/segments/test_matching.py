"""Who falls under a rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from campaigns.segments import AccountFacts, matches, parse_rule, rule_of_text


def falls_under(table: dict[str, Any], **facts: Any) -> bool:
    return matches(parse_rule(table), AccountFacts(**facts))


def test_the_rule_of_the_guide_reads_as_it_is_meant():
    rule = rule_of_text(
        """
        balance = { min = 1000, max = 50000 }
        days_overdue = { min = 31, max = 60 }
        product = ["tarjeta", "prestamo"]
        region = { not = ["CABA"] }
        custom.cartera = "oro"
        """
    )
    facts = AccountFacts(
        balance=Decimal(1000), days_overdue=60, product="tarjeta", region="Cuyo", custom={"cartera": "oro"}
    )
    assert matches(rule, facts)
    facts.region = "CABA"
    assert not matches(rule, facts)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"min": 10, "max": 20}, (10, 15, 20), (9, 21)),
        ({"above": 10, "below": 20}, (11, 19), (10, 20)),
        ({"min": 10, "below": 20}, (10, 19), (9, 20)),
        ({"not": {"min": 10, "max": 20}}, (9, 21), (10, 20)),
        ({"min": 10, "not": [15]}, (10, 16), (9, 15)),
    ],
)
def test_min_and_max_belong_to_the_range_and_above_and_below_do_not(
    bounds: dict[str, Any], inside: tuple[int, ...], outside: tuple[int, ...]
):
    assert all(falls_under({"days_overdue": bounds}, days_overdue=days) for days in inside)
    assert not any(falls_under({"days_overdue": bounds}, days_overdue=days) for days in outside)


@pytest.mark.parametrize(
    "table",
    [
        {"balance": {"min": 0}},
        {"balance": {"not": {"min": 5}}},
        {"score": 1},
        {"product": ["card"]},
        {"product": {"not": ["card"]}},
        {"last_outcome": {"not": "busy"}},
        {"custom": {"x": {"min": 0}}},
        {"custom": {"x": {"not": "a"}}},
    ],
)
def test_what_is_unknown_matches_no_comparison(table: dict[str, Any]):
    assert not falls_under(table)


def test_what_is_unknown_can_be_asked_for():
    assert falls_under({"score": {"known": False}})
    assert falls_under({"product": {"known": True}}, product="card")
    assert not falls_under({"custom": {"x": {"known": True}}}, custom={"x": ""})


def test_of_alternatives_one_must_hold_beside_everything_else():
    table = {"country": "AR", "any": [{"product": "card"}, {"balance": {"min": 100}}]}
    assert falls_under(table, country="AR", product="card")
    assert falls_under(table, country="AR", balance=Decimal(100))
    assert not falls_under(table, country="AR", balance=Decimal(99))
    assert not falls_under(table, country="CL", product="card")


def test_a_custom_column_is_a_number_where_the_rule_asks_for_one():
    assert falls_under({"custom": {"quota": {"min": 3}}}, custom={"quota": "12"})
    assert falls_under({"custom": {"quota": {"min": 3}}}, custom={"quota": 12})
    assert falls_under({"custom": {"quota": 12}}, custom={"quota": "12.0"})
    assert not falls_under({"custom": {"quota": {"min": 3}}}, custom={"quota": "twelve"})
    assert falls_under({"custom": {"quota": "12"}}, custom={"quota": "12"})


def test_texts_are_compared_letter_by_letter():
    assert not falls_under({"product": "Card"}, product="card")


def test_a_rule_without_tests_takes_everybody():
    assert falls_under({})
