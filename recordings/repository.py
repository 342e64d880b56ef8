"""Questions about recordings that have a name; commits belong to `Store.transaction`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.models import Attempt
from recordings.models import Recording, RecordingState


class Recordings:
    """The recordings kept, and the conversations that lack theirs."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def store(self, recording: Recording) -> None:
        """Keep what is known of a call's recording; a stored one is never overwritten by a failure."""
        known = await self.find(recording.call_id)
        if known is not None and known.state == RecordingState.STORED and recording.state != RecordingState.STORED:
            return
        await self._session.merge(recording)
        await self._session.flush()

    async def find(self, call_id: str) -> Recording | None:
        """Return a call's recording, None when nothing was ever told of it."""
        return await self._session.get(Recording, call_id)

    async def missing(self, campaign_id: int | None = None) -> Sequence[str]:
        """Return the ended conversations without a stored recording, oldest first: each deserves an alarm."""
        stored = exists().where(Recording.call_id == Attempt.call_id, Recording.state == RecordingState.STORED.value)
        query = select(Attempt.call_id).where(Attempt.bridged_at.is_not(None), Attempt.ended_at.is_not(None), ~stored)
        if campaign_id is not None:
            query = query.where(Attempt.campaign_id == campaign_id)
        return (await self._session.scalars(query.order_by(Attempt.ended_at))).all()
