"""Questions about recordings that have a name; commits belong to `Store.transaction`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.models import Attempt
from dialer.store import upsert_in
from recordings.models import Recording, RecordingState

RECORDINGS: Table = Recording.metadata.tables["recordings"]

_UNTOLD: dict[str, Any] = {
    "path": "",
    "format": "",
    "bytes_raw": 0,
    "seconds": 0.0,
    "sha256": "",
    "size": 0,
    "detail": "",
}


class Recordings:
    """The recordings kept, and the conversations that lack theirs."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def store(self, *recordings: Recording) -> None:
        """Keep what is known of calls' recordings; a stored one is never overwritten by a failure."""
        connection = await self._session.connection()
        statement = _newest(connection.dialect.name)
        await connection.execute(statement, [_row(recording) for recording in recordings])

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


@lru_cache
def _newest(dialect: str) -> Any:
    statement = upsert_in(dialect, RECORDINGS)
    told = {column.name: statement.excluded[column.name] for column in RECORDINGS.c if not column.primary_key}
    loses_nothing = or_(
        RECORDINGS.c.state != RecordingState.STORED.value, statement.excluded.state == RecordingState.STORED.value
    )
    return statement.on_conflict_do_update(index_elements=[RECORDINGS.c.call_id], set_=told, where=loses_nothing)


def _row(recording: Recording) -> dict[str, Any]:
    told = {column.name: getattr(recording, column.name) for column in RECORDINGS.c}
    return {**_UNTOLD, **{name: value for name, value in told.items() if value is not None}}
