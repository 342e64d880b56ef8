"""Which segment an account belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

from campaigns.segments import AccountFacts, Rule, assign, parse_rule


@dataclass(frozen=True)
class Part:
    name: str
    priority: int
    where: Rule | None


HARD = Part("hard", 200, parse_rule({"days_overdue": {"above": 60}}))
SOFT = Part("soft", 100, parse_rule({"days_overdue": {"min": 1}}))
ALSO_SOFT = Part("also-soft", 100, parse_rule({"days_overdue": {"min": 1}}))
BY_NAME = Part("by-name", 900, None)


def test_the_highest_priority_wins_in_whatever_order_they_stand():
    for order in permutations([HARD, SOFT, BY_NAME]):
        assert assign(order, AccountFacts(days_overdue=90)) == "hard"
        assert assign(order, AccountFacts(days_overdue=30)) == "soft"


def test_among_equals_the_first_by_name_wins():
    assert assign([SOFT, ALSO_SOFT], AccountFacts(days_overdue=3)) == "also-soft"


def test_nobody_falls_into_a_segment_that_has_no_rule():
    assert assign([BY_NAME], AccountFacts(days_overdue=3)) is None
    assert assign([BY_NAME, HARD], AccountFacts()) is None
