"""Promised calls in the books: made, kept, given up; and who takes one that is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.cadence import CALLBACK_DISPOSITION
from campaigns.cadence.promised import CallbackDue, ForAgent, NotYet, who_takes
from campaigns.case_models import Callback, CallbackState
from campaigns.intents import ATTEMPTS, LEADS
from campaigns.models import LeadState
from dialer.campaign_file import CallbackConfig
from dialer.store import Store
from dialer.types import AttemptRecord, InputError, Outcome, QueuedLead

CALLBACKS: Table = Callback.metadata.tables["callbacks"]

LOOK_AGAIN: Final = timedelta(minutes=1)

_CHUNK = 200
"""Callbacks given up in one transaction: a running engine is never held up."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An open callback of a lead, and the call it was made in."""

    id: int
    call_id: str | None
    due: CallbackDue
    phone_id: int | None = None
    made_at: datetime | None = None


class Callbacks:
    """Promised calls, for agents and the engine; each method is one short transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def make(
        self,
        call_id: str,
        due_at: datetime,
        now: datetime,
        config: CallbackConfig,
        *,
        agent: str | None = None,
        by: str = "",
        note: str = "",
    ) -> None:
        """Promise the debtor of this call another one at `due_at`, by `agent` or by anyone.

        A second promise in one call takes the place of the first. Raises InputError for a call nobody knows and for
        a time that has passed.
        """
        if due_at <= now:
            raise InputError(f"a call cannot be promised for {due_at.isoformat()}: that time has passed")
        async with self._store.transaction() as session:
            connection = await session.connection()
            # Locked, so that whoever settles this call has either seen the promise or is seen by it.
            attempt = await attempt_of(connection, call_id)
            await _close(connection, CALLBACKS.c.call_id == call_id, CallbackState.CANCELLED)
            row = _row(attempt, due_at, now, config, agent=agent)
            await connection.execute(insert(CALLBACKS), [{**row, "by_name": by, "note": note}])
            due = update(LEADS).where(LEADS.c.id == attempt.lead_id, LEADS.c.state != LeadState.SUPPRESSED.value)
            told = {"next_try_at": due_at, "priority": config.priority, "phone_id": attempt.phone_id, "reason": ""}
            await connection.execute(due.values(state=LeadState.OPEN.value, **told))

    async def due(self, lead_ids: Collection[int]) -> dict[int, Standing]:
        """Return the open callbacks of these leads, the first due of each."""
        async with self._store.snapshot() as session:
            found = await open_callbacks(await session.connection(), lead_ids)
        return {lead_id: rows[0] for lead_id, rows in found.items()}

    async def review(self, now: datetime) -> int:
        """Give up the callbacks whose time is over; their leads are ordinary ones again. Returns how many."""
        given_up = 0
        while True:
            async with self._store.transaction() as session:
                connection = await session.connection()
                over = (CALLBACKS.c.state == CallbackState.OPEN.value, CALLBACKS.c.expires_at <= now)
                query = select(CALLBACKS.c.id, CALLBACKS.c.lead_id).where(*over).order_by(CALLBACKS.c.id).limit(_CHUNK)
                rows = (await connection.execute(query)).all()
                if rows:
                    await _close(connection, CALLBACKS.c.id.in_([row.id for row in rows]), CallbackState.DONE)
                    still = select(CALLBACKS.c.lead_id).where(CALLBACKS.c.state == CallbackState.OPEN.value)
                    mine = LEADS.c.id.in_([row.lead_id for row in rows])
                    ordinary = update(LEADS).where(mine, LEADS.c.id.not_in(still)).values(priority=0)
                    await connection.execute(ordinary)
            given_up += len(rows)
            if len(rows) < _CHUNK:
                return given_up


def promised_to(
    leads: Iterable[QueuedLead], due: Mapping[int, Standing], now: datetime, at_work: Collection[str]
) -> tuple[list[QueuedLead], dict[int, datetime]]:
    """Return the leads to call, promised ones with their agent as the wanted one, and until when the others wait.

    `due` are the leads' open callbacks, `at_work` the agents logged in. An agent who promised and is not there is
    looked for every minute until the fallback, when anyone takes the call.
    """
    ready: list[QueuedLead] = []
    waiting: dict[int, datetime] = {}
    for lead in leads:
        standing = due.get(lead.lead_id)
        if standing is None:
            ready.append(lead)
            continue
        match who_takes(standing.due, now, at_work):
            case NotYet(until):
                waiting[lead.lead_id] = min(until, now + LOOK_AGAIN)
            case ForAgent(agent):
                ready.append(replace(_as_asked(lead, standing, now), last_agent=agent or lead.last_agent))
    return ready, waiting


def _as_asked(lead: QueuedLead, standing: Standing, now: datetime) -> QueuedLead:
    """Let the rules know that the debtor asked for this call, once its time has come."""
    if standing.due.due_at > now:
        return lead
    return replace(lead, asked_at=standing.made_at, asked_until_at=standing.due.expires_at)


async def attempt_of(connection: AsyncConnection, call_id: str) -> Row[Any]:
    """Return the attempt of a call, locked; raises InputError where the books know none."""
    query = select(ATTEMPTS).where(ATTEMPTS.c.call_id == call_id).with_for_update()
    found = (await connection.execute(query)).first()
    if found is None:
        raise InputError(f"the books know no call {call_id!r}; nothing can be promised in it", error_id="call-unknown")
    return found


async def open_callbacks(connection: AsyncConnection, lead_ids: Collection[int]) -> dict[int, list[Standing]]:
    """Return the open callbacks of these leads, the first due at the head."""
    query = select(CALLBACKS).where(
        CALLBACKS.c.lead_id.in_(list(lead_ids)), CALLBACKS.c.state == CallbackState.OPEN.value
    )
    found: defaultdict[int, list[Standing]] = defaultdict(list)
    for row in await connection.execute(query.order_by(CALLBACKS.c.due_at, CALLBACKS.c.id)):
        due = CallbackDue(row.due_at, row.agent, row.fallback_at, row.expires_at)
        found[row.lead_id].append(Standing(row.id, row.call_id, due, row.phone_id, row.made_at))
    return found


async def standing(
    connection: AsyncConnection, ended: Sequence[tuple[AttemptRecord, datetime]], configs: Mapping[int, CallbackConfig]
) -> dict[str, list[Standing]]:
    """Return the open callbacks of the leads of calls that have ended, by call.

    Whoever asked to be called back and was promised no time yet is promised one here; a promise that the agent took
    back is cancelled.
    """
    found = await open_callbacks(connection, {record.lead_id for record, _ in ended})
    wanted, taken_back = [], []
    for record, at in ended:
        own = [each.id for each in found.get(record.lead_id, ()) if each.call_id == record.call_id]
        if asks_for_one(record) and not own:
            config = configs[record.campaign_id]
            wait = config.after_key if record.outcome is Outcome.ABANDONED else config.without_time
            wanted.append(_row(record, at + wait, at, config))
        elif record.disposition not in {None, CALLBACK_DISPOSITION}:
            taken_back += own
    if taken_back:
        await close(connection, taken_back, CallbackState.CANCELLED)
    if wanted:
        await connection.execute(insert(CALLBACKS), wanted)
    if wanted or taken_back:
        found = await open_callbacks(connection, {record.lead_id for record, _ in ended})
    return {record.call_id: found.get(record.lead_id, []) for record, _ in ended}


def asks_for_one(record: AttemptRecord) -> bool:
    """Tell whether a call ended with the wish for another: told to the agent, or by the debtor's own key."""
    spoke = record.outcome in {Outcome.ANSWERED, Outcome.ABANDONED}
    return spoke and record.disposition == CALLBACK_DISPOSITION


async def close(connection: AsyncConnection, ids: Iterable[int], state: CallbackState) -> None:
    """Put an end to these callbacks."""
    await _close(connection, CALLBACKS.c.id.in_(sorted(ids)), state)


async def _close(connection: AsyncConnection, which: Any, state: CallbackState) -> None:
    still_open = CALLBACKS.c.state == CallbackState.OPEN.value
    await connection.execute(update(CALLBACKS).where(which, still_open).values(state=state.value))


def _row(
    call: AttemptRecord | Row[Any], due_at: datetime, now: datetime, config: CallbackConfig, *, agent: str | None = None
) -> dict[str, Any]:
    return {
        "campaign_id": call.campaign_id,
        "lead_id": call.lead_id,
        "debtor_id": call.debtor_id,
        "phone_id": call.phone_id,
        "call_id": call.call_id,
        "due_at": due_at,
        "agent": agent,
        "fallback_at": due_at + config.fallback if agent else None,
        "expires_at": due_at + config.expires,
        "state": CallbackState.OPEN.value,
        "made_at": now,
        "by_name": agent or "",
        "note": "",
    }
