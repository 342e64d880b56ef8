"""The shape of a rule: tests of single fields, all of which hold, and alternatives of which one must."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

Number = int | float | Decimal
Value = Number | str

AMOUNTS: Final = frozenset({"balance"})
WHOLE_NUMBERS: Final = frozenset({"days_overdue", "tenure_months", "tries"})
MEASURES: Final = frozenset({"score"})
NUMBERS: Final = AMOUNTS | WHOLE_NUMBERS | MEASURES
TEXTS: Final = frozenset({"currency", "product", "creditor", "region", "country", "subdivision", "last_outcome"})


@dataclass(frozen=True, slots=True)
class Field:
    """What is asked about; a custom column is read as a number or as text, as the test needs it."""

    name: str
    custom: bool = False
    number: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """A number within bounds; each bound belongs to the range unless its `_open` is set."""

    field: Field
    low: Number | None = None
    high: Number | None = None
    low_open: bool = False
    high_open: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these values, letter by letter; `negated`, a known value that is none of them."""

    field: Field
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """Whether anything is known of the field at all."""

    field: Field
    known: bool = True


Test = Between | OneOf | Known


@dataclass(frozen=True, slots=True)
class Rule:
    """Matches what passes every test and, for each group of `alternatives`, at least one of the group's rules.

    Without tests it matches everybody. `table` is the rule as it was written, to be stored and shown.
    """

    tests: tuple[Test, ...] = ()
    alternatives: tuple[tuple[Rule, ...], ...] = ()
    table: dict[str, Any] = field(default_factory=dict, compare=False, repr=False, hash=False)
