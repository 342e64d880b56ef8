"""Why the dialer dialled as it did: one row a minute for every campaign and node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.models import PacingMinute


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of decisions: how many, the calls they asked for and gave up, and the last of them whole."""

    campaign_id: int
    node: str
    minute: datetime
    decisions: int
    dialled: int
    cancelled: int
    reason: str
    last: Mapping[str, Any]


class PacingMinutes:
    """The minutes in the books."""

    def __init__(self, session: AsyncSession) -> None:
        """Use this transaction."""
        self._session = session

    async def keep(self, minutes: Sequence[Minute]) -> None:
        """Store minutes; one that is there already (an engine that restarted within it) is added to."""
        for new in minutes:
            key = (new.campaign_id, new.node, new.minute)
            row = await self._session.get(PacingMinute, key)
            if row is None:
                row = PacingMinute(
                    campaign_id=new.campaign_id, node=new.node, minute=new.minute, decisions=0, dialled=0, cancelled=0
                )
                self._session.add(row)
            row.decisions += new.decisions
            row.dialled += new.dialled
            row.cancelled += new.cancelled
            row.reason = new.reason
            row.last = dict(new.last)

    async def around(self, campaign_id: int, moment: datetime, count: int) -> list[Minute]:
        """Return the `count` minutes up to and including `moment`, oldest first, over all nodes."""
        query = (
            select(PacingMinute)
            .where(PacingMinute.campaign_id == campaign_id, PacingMinute.minute <= moment)
            .where(PacingMinute.minute > moment - timedelta(minutes=count))
            .order_by(PacingMinute.minute, PacingMinute.node)
        )
        return [_minute(row) for row in await self._session.scalars(query)]

    async def newest(self, campaign_id: int, count: int) -> list[Minute]:
        """Return the newest rows, oldest first."""
        query = (
            select(PacingMinute)
            .where(PacingMinute.campaign_id == campaign_id)
            .order_by(PacingMinute.minute.desc(), PacingMinute.node)
            .limit(count)
        )
        return [_minute(row) for row in reversed((await self._session.scalars(query)).all())]


def _minute(row: PacingMinute) -> Minute:
    return Minute(
        row.campaign_id, row.node, row.minute, row.decisions, row.dialled, row.cancelled, row.reason, row.last
    )
