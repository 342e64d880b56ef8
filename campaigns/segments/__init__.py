"""Segments: who belongs where, by rules that a supervisor can write and read.

Pure: a table of TOML or JSON becomes a `Rule`; `matches` says whether an account falls under it. What is unknown
never matches a comparison. `campaigns.segment_conditions` asks the same of the database.
"""

from __future__ import annotations

from campaigns.segments.assigning import Ruled, assign
from campaigns.segments.facts import AccountFacts
from campaigns.segments.matching import matches
from campaigns.segments.reading import RuleError, parse_rule, rule_of_text
from campaigns.segments.rules import Between, Field, Known, OneOf, Rule, Test

__all__ = [
    "AccountFacts",
    "Between",
    "Field",
    "Known",
    "OneOf",
    "Rule",
    "RuleError",
    "Ruled",
    "Test",
    "assign",
    "matches",
    "parse_rule",
    "rule_of_text",
]
