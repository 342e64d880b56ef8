"""A segment's rule as a condition of the database: the same meaning as `campaigns.segments.matches`, on both of them.

The query it stands in joins leads with their debtor and, optionally, with an account.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Double,
    Select,
    String,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from campaigns.models import Account, Attempt, Debtor, Lead
from campaigns.segments import Between, Field, Known, OneOf, Rule, Test
from campaigns.segments.matching import MOST_DIGITS
from campaigns.segments.rules import Value


def condition(rule: Rule) -> ColumnElement[bool]:
    """Return what is true of exactly the rows that the rule matches."""
    parts = [_test(test) for test in rule.tests]
    parts += [or_(false(), *(condition(each) for each in group)) for group in rule.alternatives]
    return and_(true(), *parts)


def candidates(campaign_id: int) -> Select[int]:
    """Return the campaign's leads by id, one row for each debt a lead is about, one row where it is about none."""
    # A lead that names its debts is about those alone; one that names none is about all of the debtor's.
    named = func.coalesce(_Length(), 0) > 0
    about = and_(Account.debtor_id == Lead.debtor_id, or_(not_(named), _Among()))
    return (
        select(Lead.id)
        .join(Debtor, Debtor.id == Lead.debtor_id)
        .outerjoin(Account, about)
        .where(Lead.campaign_id == campaign_id)
    )


def _test(test: Test) -> ColumnElement[bool]:
    column, read = _column(test.field), float if test.field.custom and test.field.number else _as_it_is
    match test:
        case Known(_, known):
            return column.is_not(None) if known else column.is_(None)
        case OneOf(_, values, negated):
            found = column.in_([read(value) for value in values])
            return and_(column.is_not(None), not_(found)) if negated else found
        case Between(_, low, high, low_open, high_open, negated):
            bounds: list[ColumnElement[bool]] = [true()]
            if low is not None:
                bounds.append(column > read(low) if low_open else column >= read(low))
            if high is not None:
                bounds.append(column < read(high) if high_open else column <= read(high))
            return and_(column.is_not(None), not_(and_(*bounds)) if negated else and_(*bounds))


def _as_it_is(value: Value) -> Value:
    return value


def _column(field: Field) -> ColumnElement[Any]:
    if field.custom:
        return _CustomNumber(field.name) if field.number else _CustomText(field.name)
    if field.name == "last_outcome":
        return _last_outcome()
    owner = {"country": Debtor, "subdivision": Debtor, "tries": Lead}.get(field.name, Account)
    column = cast("ColumnElement[Any]", getattr(owner, field.name))
    return column if field.number else func.nullif(column, "")


def _last_outcome() -> ColumnElement[Any]:
    return (
        select(Attempt.outcome)
        .where(
            Attempt.campaign_id == Lead.campaign_id,
            Attempt.debtor_id == Lead.debtor_id,
            Attempt.outcome.is_not(None),
        )
        .order_by(Attempt.try_no.desc())
        .limit(1)
        .correlate(Lead)
        .scalar_subquery()
    )


class _CustomText(ColumnElement[str]):
    """A custom column as text: of texts and whole numbers; anything else is unknown."""

    inherit_cache = False
    type = String()

    def __init__(self, name: str) -> None:
        self.name = name


class _CustomNumber(ColumnElement[Any]):
    """A custom column as a number, where its text is one; anything else is unknown.

    A double keeps every number of up to 15 digits apart from every other, so that it compares as exactly as a decimal.
    """

    inherit_cache = False
    type = Double()

    def __init__(self, name: str) -> None:
        self.name = name


class _Length(ColumnElement[int]):
    """How many debts a lead names."""

    inherit_cache = True


class _Among(ColumnElement[bool]):
    """Whether a lead names this account."""

    inherit_cache = True


@compiles(_CustomText, "postgresql")
def _text_on_postgresql(element: _CustomText, compiler: SQLCompiler, **how: Any) -> str:
    name = compiler.process(literal(element.name, String), **how)
    kind, text = f"jsonb_typeof(accounts.custom -> {name})", f"(accounts.custom ->> {name})"
    whole = f"{kind} = 'number' AND {text} ~ '^-?[0-9]{{1,{MOST_DIGITS}}}$'"
    return f"CASE WHEN {kind} = 'string' OR ({whole}) THEN nullif({text}, '') END"


@compiles(_CustomText, "sqlite")
def _text_on_sqlite(element: _CustomText, compiler: SQLCompiler, **how: Any) -> str:
    path = compiler.process(literal(f'$."{element.name}"', String), **how)
    kind, value = f"json_type(accounts.custom, {path})", f"json_extract(accounts.custom, {path})"
    whole = f"{kind} = 'integer' AND {value} BETWEEN -{10**MOST_DIGITS - 1} AND {10**MOST_DIGITS - 1}"
    return f"CASE WHEN {kind} = 'text' OR ({whole}) THEN nullif(CAST({value} AS TEXT), '') END"


@compiles(_CustomNumber, "postgresql")
def _number_on_postgresql(element: _CustomNumber, compiler: SQLCompiler, **how: Any) -> str:
    text = _text_on_postgresql(_CustomText(element.name), compiler, **how)
    digits = f"length(translate({text}, '-.', '')) <= {MOST_DIGITS}"
    return f"CASE WHEN ({text}) ~ '^-?[0-9]+([.][0-9]+)?$' AND {digits} THEN ({text})::double precision END"


@compiles(_CustomNumber, "sqlite")
def _number_on_sqlite(element: _CustomNumber, compiler: SQLCompiler, **how: Any) -> str:
    text = f"({_text_on_sqlite(_CustomText(element.name), compiler, **how)})"
    # Without regular expressions: one minus at most, before everything; digits around one dot at most.
    body = f"CASE WHEN {text} LIKE '-%' THEN substr({text}, 2) ELSE {text} END"
    plain = (
        f"({body}) GLOB '[0-9]*' AND ({body}) GLOB '*[0-9]' AND ({body}) NOT GLOB '*[^0-9.]*'"
        f" AND ({body}) NOT GLOB '*.*.*' AND length(replace({body}, '.', '')) <= {MOST_DIGITS}"
    )
    return f"CASE WHEN {plain} THEN CAST({text} AS REAL) END"


@compiles(_Length, "postgresql")
def _length_on_postgresql(element: _Length, compiler: SQLCompiler, **how: Any) -> str:
    return "jsonb_array_length(leads.account_ids)"


@compiles(_Length, "sqlite")
def _length_on_sqlite(element: _Length, compiler: SQLCompiler, **how: Any) -> str:
    return "json_array_length(leads.account_ids)"


@compiles(_Among, "postgresql")
def _among_on_postgresql(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    return "leads.account_ids @> to_jsonb(accounts.id)"


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    return "EXISTS (SELECT 1 FROM json_each(leads.account_ids) AS named WHERE named.value = accounts.id)"
