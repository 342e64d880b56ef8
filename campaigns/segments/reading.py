"""From a table of TOML or JSON to a rule; every error names the key and the remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, Final

from campaigns.segments.matching import MOST_DIGITS
from campaigns.segments.rules import (
    AMOUNTS,
    MEASURES,
    NUMBERS,
    TEXTS,
    WHOLE_NUMBERS,
    Between,
    Field,
    Known,
    Number,
    OneOf,
    Rule,
    Test,
    Value,
)
from dialer.types import InputError, Outcome

_BOUNDS: Final = {"min": ("low", False), "above": ("low", True), "max": ("high", False), "below": ("high", True)}
_FORMS: Final = "a value, a list of values, or a table with min, max, above, below, not, known"
_MOST_WHOLE: Final = 2**31 - 1
_MOST_AMOUNT: Final = Decimal("999999999999.99")
_LONGEST_TEXT: Final = 200
_LONGEST_NAME: Final = 60
_DEEPEST: Final = 4


class RuleError(InputError):
    """A rule that cannot be: which key, what is wrong with it, what to write instead."""

    error_id = "segment-rule"


def parse_rule(table: object) -> Rule:
    """Return the rule a table says; raises RuleError naming the key and the remedy."""
    return _rule(table, "", _DEEPEST)


def rule_of_text(text: str) -> Rule:
    """Return the rule written on a command line: lines of TOML, or one inline table with or without its braces."""
    inner = text.strip()
    inline = inner if inner.startswith("{") else f"{{ {inner} }}"
    for attempt in (inner, f"where = {inline}"):
        try:
            table = tomllib.loads(attempt)
        except tomllib.TOMLDecodeError:
            continue
        return parse_rule(table["where"] if set(table) == {"where"} else table)
    raise RuleError(f'{text!r} is no rule; write for example: balance = {{ min = 1000 }}, product = ["card"]')


def _rule(table: object, where: str, depth: int) -> Rule:
    if not isinstance(table, Mapping):
        raise RuleError(f"{where or 'where'}: this is a table such as {{ balance = {{ min = 1000 }} }} (got {table!r})")
    if not depth:
        raise RuleError(f"{where}: alternatives stand {_DEEPEST} deep at most")
    tests: list[Test] = []
    alternatives: list[tuple[Rule, ...]] = []
    for key, said in table.items():
        if key == "any":
            alternatives.append(_any(said, f"{where}any", depth))
        elif key == "custom":
            tests += _custom(said, where)
        elif key in NUMBERS or key in TEXTS:
            tests += _tests(Field(key, number=key in NUMBERS), said, where + key)
        else:
            known = ", ".join(sorted(NUMBERS | TEXTS))
            raise RuleError(f"{where}{key}: unknown; known: {known}, custom.<column> and any")
    return Rule(tuple(tests), tuple(alternatives), dict(table))


def _any(said: object, where: str, depth: int) -> tuple[Rule, ...]:
    if not isinstance(said, list | tuple) or not said:
        raise RuleError(f'{where}: write a list of alternatives, such as [{{ product = "card" }}, {{ score = 1 }}]')
    return tuple(_rule(each, f"{where}[{number}].", depth - 1) for number, each in enumerate(said))


def _custom(said: object, where: str) -> list[Test]:
    if not isinstance(said, Mapping) or not said:
        raise RuleError(f'{where}custom: name the column, such as custom.portfolio = "gold"')
    tests: list[Test] = []
    for name, value in said.items():
        if not str(name).isprintable() or not 0 < len(str(name)) <= _LONGEST_NAME or set(str(name)) & set('"\\'):
            raise RuleError(
                f"{where}custom: {name!r} is no column's name; use up to {_LONGEST_NAME} letters, no quotes"
            )
        tests += _tests(Field(str(name), custom=True), value, f"{where}custom.{name}")
    return tests


def _tests(field: Field, said: object, key: str, *, negated: bool = False) -> list[Test]:
    if not isinstance(said, Mapping):
        return [_one_of(field, said, key, negated)]
    if not said:
        raise RuleError(f"{key}: empty; write {_FORMS}")
    bounds = {name: value for name, value in said.items() if name in _BOUNDS}
    tests: list[Test] = [_between(field, bounds, key, negated)] if bounds else []
    for name, value in said.items():
        if name == "not" and not negated:
            tests += _tests(field, value, f"{key}.not", negated=True)
        elif name == "known" and not negated:
            if not isinstance(value, bool):
                raise RuleError(f"{key}.known: write true or false (got {value!r})")
            tests.append(Known(field, value))
        elif name not in _BOUNDS:
            raise RuleError(f"{key}.{name}: unknown; write {_FORMS}")
    return tests


def _one_of(field: Field, said: object, key: str, negated: bool) -> OneOf:
    values = list(said) if isinstance(said, list | tuple) else [said]
    if not values:
        raise RuleError(f"{key}: an empty list matches nobody; name at least one value, or leave the key out")
    if field.custom:
        numbers = [isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in values]
        if any(numbers) and not all(numbers):
            raise RuleError(f"{key}: numbers and texts in one list; write all of them the same way")
        field = Field(field.name, custom=True, number=all(numbers))
    read = _number if field.number else _text
    return OneOf(field, tuple(read(field, value, key) for value in values), negated)


def _between(field: Field, bounds: Mapping[str, object], key: str, negated: bool) -> Between:
    if not field.custom and not field.number:
        first = next(iter(bounds))
        raise RuleError(f'{key}.{first}: {field.name} is a text and has no order; write {field.name} = ["a", "b"]')
    field = Field(field.name, field.custom, number=True)
    ends: dict[str, Any] = {}
    for name, value in bounds.items():
        end, is_open = _BOUNDS[name]
        if end in ends:
            raise RuleError(f"{key}: {' and '.join(bounds)} say the same bound twice; keep one of them")
        ends |= {end: _number(field, value, f"{key}.{name}"), f"{end}_open": is_open}
    low, high = ends.get("low"), ends.get("high")
    never = low == high and (ends.get("low_open") or ends.get("high_open"))
    if low is not None and high is not None and (low > high or never):
        raise RuleError(f"{key}: nothing lies between {low} and {high}; exchange them")
    return Between(field, **ends, negated=negated)


def _number(field: Field, value: object, key: str) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not isfinite(value):
        raise RuleError(f"{key}: write a number without quotes, such as 1000 (got {value!r})")
    if field.name in MEASURES and not field.custom:
        return float(value)
    if field.name in WHOLE_NUMBERS and not field.custom:
        if value != int(value) or abs(int(value)) > _MOST_WHOLE:
            raise RuleError(f"{key}: write a whole number (got {value!r})")
        return int(value)
    return _decimal(field, value, key)


def _decimal(field: Field, value: Number, key: str) -> Decimal:
    try:
        amount = Decimal(str(value))
        cents = amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        raise RuleError(f"{key}: {value!r} is too large") from None
    if field.name in AMOUNTS and not field.custom:
        if amount != cents or abs(amount) > _MOST_AMOUNT:
            raise RuleError(f"{key}: write an amount with two decimals at most (got {value!r})")
        return cents
    if len(f"{amount:f}".lstrip("-").replace(".", "")) > MOST_DIGITS:
        raise RuleError(f"{key}: write a number with {MOST_DIGITS} digits at most (got {value!r})")
    return amount


def _text(field: Field, value: object, key: str) -> Value:
    if not isinstance(value, str) or not value or len(value) > _LONGEST_TEXT:
        raise RuleError(f'{key}: write a text in double quotes, such as "{_example(field)}" (got {value!r})')
    if field.name == "last_outcome" and not field.custom and value not in set(Outcome):
        raise RuleError(f"{key}: {value!r} is no outcome; known: {', '.join(Outcome)}")
    return value


def _example(field: Field) -> str:
    return {"last_outcome": "no_answer", "country": "AR", "subdivision": "AR-C", "currency": "ARS"}.get(
        field.name, "card"
    )
