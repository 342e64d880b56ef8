"""A rule as a Python predicate, built once per rule: an import asks it a million times."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from campaigns.segments.facts import AccountFacts
from campaigns.segments.rules import Between, Field, Known, OneOf, Rule, Test

Predicate = Callable[[AccountFacts], bool]

MOST_DIGITS: Final = 15
"""A custom number with more digits is none: databases without decimals could not compare it exactly."""

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_BIGGEST = 10**MOST_DIGITS


def matches(rule: Rule, facts: AccountFacts) -> bool:
    """Tell whether these facts fall under the rule."""
    return predicate(rule)(facts)


@lru_cache(maxsize=1024)
def predicate(rule: Rule) -> Predicate:
    """Return the rule as a function, for whoever asks it often."""
    parts = [_test(test) for test in rule.tests]
    parts += [_any([predicate(each) for each in group]) for group in rule.alternatives]
    return parts[0] if len(parts) == 1 else _all(tuple(parts))


def _all(parts: tuple[Predicate, ...]) -> Predicate:
    def every(facts: AccountFacts) -> bool:
        # A loop: `all` with a generator costs three times as much.
        for part in parts:  # noqa: SIM110
            if not part(facts):
                return False
        return True

    return every


def _any(parts: list[Predicate]) -> Predicate:
    return lambda facts: any(part(facts) for part in parts)


def _test(test: Test) -> Predicate:
    value = _reader(test.field)
    match test:
        case Known(_, known):
            return lambda facts: (value(facts) is not None) is known
        case OneOf(_, values, negated):
            return _one_of(value, frozenset(values), negated)
        case Between():
            return _between(value, test)


def _one_of(value: Callable[[AccountFacts], Any], chosen: frozenset[Any], negated: bool) -> Predicate:
    if negated:
        return lambda facts: (known := value(facts)) is not None and known not in chosen
    return lambda facts: value(facts) in chosen


def _between(value: Callable[[AccountFacts], Any], test: Between) -> Predicate:
    low, high, low_open, high_open, negated = test.low, test.high, test.low_open, test.high_open, test.negated

    def within(facts: AccountFacts) -> bool:
        known = value(facts)
        if known is None:
            return False
        if low is not None and (known < low or (low_open and known == low)):
            return negated
        if high is not None and (known > high or (high_open and known == high)):
            return negated
        return not negated

    return within


def _reader(field: Field) -> Callable[[AccountFacts], Any]:
    if field.custom:
        name, read = field.name, _number if field.number else _text
        return lambda facts: read(facts.custom.get(name))
    plain = attrgetter(field.name)
    return plain if field.number else lambda facts: plain(facts) or None


def _text(value: object) -> str | None:
    if type(value) is int and abs(value) < _BIGGEST:
        return str(value)
    return value or None if isinstance(value, str) else None


def _number(value: object) -> Decimal | None:
    text = _text(value)
    if text is None or not _DECIMAL.fullmatch(text) or len(text.lstrip("-").replace(".", "")) > MOST_DIGITS:
        return None
    return Decimal(text)
