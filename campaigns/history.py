"""What a campaign has lived through, as pacing and what-if questions read it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.cadence import NO_RATES, HourRate, Rates, week_hour
from campaigns.models import Attempt
from dialer.pacing.prior import PastCall, PastTalk
from dialer.types import LIVE_OUTCOMES, Outcome

__all__ = ["History", "HourRate", "history"]

MOST: Final = 20_000
"""Attempts read of a campaign, the newest: more of them say nothing new, and reading them takes a second."""

CHUNK: Final = 250
"""Rows read at a time: an engine that reads it has calls to join meanwhile."""

OUR_SIDE: Final = frozenset({Outcome.FAILED, Outcome.DROPPED, Outcome.UNKNOWN})
"""These say nothing of debtors."""


@dataclass(frozen=True, slots=True)
class History:
    """Past calls and conversations; `hours` maps segment and hour of the debtor's day to their answer rate.

    `week` does so by the hour of the debtor's week, for all segments together.
    """

    calls: tuple[PastCall, ...] = ()
    talks: tuple[PastTalk, ...] = ()
    hours: Mapping[tuple[str, int], HourRate] = field(default_factory=dict)
    week: Rates = NO_RATES

    @property
    def placed(self) -> int:
        """Calls that say something of debtors."""
        return len(self.calls)

    @property
    def live(self) -> int:
        """Calls that a person answered."""
        return sum(call.live for call in self.calls)


async def history(session: AsyncSession, campaign_id: int, limit: int = MOST) -> History:
    """Return the newest ended attempts of a campaign as pacing reads them; empty for a campaign that never called."""
    query = (
        select(
            Attempt.segment,
            Attempt.time_zone,
            Attempt.intent_at,
            Attempt.dialled_at,
            Attempt.answered_at,
            Attempt.classified_at,
            Attempt.bridged_at,
            Attempt.ended_at,
            Attempt.wrap_ended_at,
            Attempt.outcome,
        )
        .where(Attempt.campaign_id == campaign_id, Attempt.outcome.is_not(None), Attempt.ended_at.is_not(None))
        .order_by(Attempt.intent_at.desc())
        .limit(limit)
    )
    calls: list[PastCall] = []
    talks: list[PastTalk] = []
    placed: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    week: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    async for row in await session.stream(query.execution_options(yield_per=CHUNK)):
        outcome = Outcome(row.outcome)
        if outcome in OUR_SIDE or row.dialled_at is None:
            continue
        live = outcome in LIVE_OUTCOMES
        calls.append(_call(row.dialled_at, row.answered_at, row.classified_at, row.ended_at, live=live))
        if row.bridged_at is not None and row.wrap_ended_at is not None:
            talks.append(_talk(row.bridged_at, row.ended_at, row.wrap_ended_at))
        at = week_hour(row.intent_at, ZoneInfo(row.time_zone) if row.time_zone else None)
        for hour in (placed[row.segment, at % 24], week[at]):
            hour[0] += 1
            hour[1] += live
    by_hour = {key: HourRate(*counts) for key, counts in placed.items()}
    return History(tuple(calls), tuple(talks), by_hour, Rates({at: HourRate(*counts) for at, counts in week.items()}))


def _call(
    dialled: datetime, answered: datetime | None, classified: datetime | None, ended: datetime, *, live: bool
) -> PastCall:
    return PastCall(
        ended_s=(ended - dialled).total_seconds(),
        answered_s=(answered - dialled).total_seconds() if answered else None,
        classified_s=(classified - dialled).total_seconds() if classified else None,
        live=live,
    )


def _talk(bridged: datetime, ended: datetime, wrapped: datetime) -> PastTalk:
    return PastTalk(max((ended - bridged).total_seconds(), 0.0), max((wrapped - ended).total_seconds(), 0.0))
