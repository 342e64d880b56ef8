"""What came of the calls, as rows that a terminal, a spreadsheet or a program can read."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from sqlalchemy import Select, Text, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.models import Attempt
from dialer.types import LIVE_OUTCOMES, Outcome

ReportRow = dict[str, Any]
Report = Callable[[AsyncSession, str | None], Awaitable[list[ReportRow]]]
Format = Literal["table", "csv", "json"]

ATTEMPT_COLUMNS = (
    "call_id",
    "phone",
    "campaign",
    "segment",
    "debtor",
    "try",
    "dialled_at",
    "ringing_at",
    "answered_at",
    "classified_at",
    "bridged_at",
    "ended_at",
    "wrap_ended_at",
    "outcome",
    "cause",
    "tech_cause",
    "trunk",
    "agent",
    "recording",
)
OUTCOME_COLUMNS = ("campaign", "outcome", "attempts", "share")
AGENT_COLUMNS = ("agent", "conversations", "talk_s", "wrap_s", "dispositions")
ABANDONMENT_COLUMNS = ("campaign", "day", "live_answers", "abandoned", "rate")
_PENDING = "(open)"
_LATE_JOIN = "late_join"
_TABLE_WIDTH = 240


async def attempts(session: AsyncSession, campaign: str | None = None) -> list[ReportRow]:
    """Return one row per attempt, in the order in which they were placed."""
    columns = [Attempt.try_no if name == "try" else getattr(Attempt, name) for name in ATTEMPT_COLUMNS]
    query = _of(select(*columns), campaign).order_by(Attempt.intent_at, Attempt.call_id)
    return [dict(zip(ATTEMPT_COLUMNS, row, strict=True)) for row in await session.execute(query)]


async def outcomes(session: AsyncSession, campaign: str | None = None) -> list[ReportRow]:
    """Return how many attempts of each campaign ended how; `share` is of all its attempts."""
    query = _of(select(Attempt.campaign, Attempt.outcome, func.count()), campaign)
    rows = (await session.execute(query.group_by(Attempt.campaign, Attempt.outcome))).all()
    totals: Counter[str] = Counter()
    for name, _, count in rows:
        totals[name] += count
    found = [
        {"campaign": name, "outcome": outcome or _PENDING, "attempts": count, "share": round(count / totals[name], 4)}
        for name, outcome, count in rows
    ]
    return sorted(found, key=lambda row: (row["campaign"], -row["attempts"], row["outcome"]))


async def abandonment(session: AsyncSession, campaign: str | None = None) -> list[ReportRow]:
    """Return, per campaign and debtors' day, live answers, those abandoned among them, and the rate.

    A live answer is a call that a person answered, one dropped by us after the answer included. Joined to an
    agent later than the limit is abandoned too.
    """
    live = or_(
        Attempt.outcome.in_(sorted(LIVE_OUTCOMES)),
        and_(Attempt.outcome == Outcome.DROPPED.value, Attempt.answered_at.is_not(None)),
    )
    late = cast(Attempt.flags, Text).like(f"%{_LATE_JOIN}%")
    abandoned = func.sum(case((or_(Attempt.outcome == Outcome.ABANDONED.value, late), 1), else_=0))
    query = _of(select(Attempt.campaign, Attempt.day, func.count(), abandoned).where(live), campaign)
    grouped = query.group_by(Attempt.campaign, Attempt.day).order_by(Attempt.campaign, Attempt.day)
    return [
        dict(zip(ABANDONMENT_COLUMNS, (name, day, answers, lost, round(lost / answers, 4)), strict=True))
        for name, day, answers, lost in await session.execute(grouped)
    ]


@dataclass(slots=True)
class _Shift:
    """What one agent did, added up."""

    conversations: int = 0
    talk_s: float = 0.0
    wrap_s: float = 0.0
    dispositions: Counter[str] = field(default_factory=Counter)


async def agents(session: AsyncSession, campaign: str | None = None) -> list[ReportRow]:
    """Return, per agent, conversations, seconds of talk and wrap-up, and what they noted how often."""
    query = _of(
        select(Attempt.agent, Attempt.bridged_at, Attempt.ended_at, Attempt.wrap_ended_at, Attempt.disposition),
        campaign,
    ).where(Attempt.agent.is_not(None), Attempt.bridged_at.is_not(None))
    shifts: defaultdict[str, _Shift] = defaultdict(_Shift)
    for agent, bridged_at, ended_at, wrap_ended_at, disposition in await session.execute(query):
        shift = shifts[str(agent)]
        shift.conversations += 1
        shift.talk_s += _seconds(bridged_at, ended_at)
        shift.wrap_s += _seconds(ended_at, wrap_ended_at)
        if disposition:
            shift.dispositions[disposition] += 1
    return [
        {
            "agent": agent,
            "conversations": shift.conversations,
            "talk_s": round(shift.talk_s, 1),
            "wrap_s": round(shift.wrap_s, 1),
            "dispositions": dict(sorted(shift.dispositions.items())),
        }
        for agent, shift in sorted(shifts.items())
    ]


REPORTS: Mapping[str, tuple[Report, Sequence[str]]] = {
    "outcomes": (outcomes, OUTCOME_COLUMNS),
    "agents": (agents, AGENT_COLUMNS),
    "abandonment": (abandonment, ABANDONMENT_COLUMNS),
    "attempts": (attempts, ATTEMPT_COLUMNS),
}
"""Every report by name, with its columns."""


def render(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], fmt: Format) -> str:
    """Write rows as a table for people, as CSV or as JSON; the columns are named even when there is no row."""
    match fmt:
        case "json":
            return json.dumps([{name: _plain(row[name]) for name in columns} for row in rows], indent=2) + "\n"
        case "csv":
            return _csv(rows, columns)
        case "table":
            return _table(rows, columns)


def _of(query: Select[*tuple[Any, ...]], campaign: str | None) -> Select[*tuple[Any, ...]]:
    return query if campaign is None else query.where(Attempt.campaign == campaign)


def _seconds(begin: datetime | None, end: datetime | None) -> float:
    return (end - begin).total_seconds() if begin and end else 0.0


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    return value if value is None or isinstance(value, int | float | str | dict) else str(value)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={count}" for name, count in value.items())
    return "" if value is None else str(_plain(value))


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    text = io.StringIO()
    Console(file=text, width=_TABLE_WIDTH, markup=False, highlight=False).print(table)
    return text.getvalue()
