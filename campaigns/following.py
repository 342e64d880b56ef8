"""What follows for the leads of calls that have ended: cadence, callbacks and promises, in a handful of statements.

Works on a connection inside the journal's transaction, after attempts, phones and debtors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from sqlalchemy import bindparam, case, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns import callbacks, promises
from campaigns.cadence import NO_RATES, Done, Next, Policy, Rates, RetirePhone, Try, plan, policy_of
from campaigns.cadence.promised import Followed, after_call
from campaigns.callbacks import Standing
from campaigns.case_models import CallbackState
from campaigns.compliance import zone_of
from campaigns.effective import campaigns_in_force
from campaigns.intents import ATTEMPTS, LEADS, PHONES
from campaigns.models import LeadState
from dialer.config import CampaignConfig
from dialer.types import AttemptRecord, Outcome

_SUPPRESSED = LEADS.c.state == LeadState.SUPPRESSED.value
_UPDATE_LEAD = (
    update(LEADS)
    .where(LEADS.c.id == bindparam("lead"), LEADS.c.tries <= bindparam("try_no"))
    .values(
        tries=bindparam("try_no"),
        next_try_at=func.coalesce(bindparam("at", type_=LEADS.c.next_try_at.type), LEADS.c.next_try_at),
        phone_id=func.coalesce(bindparam("phone", type_=LEADS.c.phone_id.type), LEADS.c.phone_id),
        priority=func.coalesce(bindparam("urgency", type_=LEADS.c.priority.type), LEADS.c.priority),
        state=case((_SUPPRESSED, LEADS.c.state), else_=bindparam("to")),
        reason=case((_SUPPRESSED, LEADS.c.reason), else_=bindparam("why")),
    )
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the books say that bears on a batch of calls."""

    campaigns: Mapping[int, CampaignConfig]
    tries: Mapping[tuple[int, int], Sequence[tuple[int, Try]]]
    phones: Mapping[int, Sequence[int]]
    callbacks: Mapping[str, Sequence[Standing]]
    rests: Mapping[str, datetime]


def ended(record: AttemptRecord) -> datetime:
    """Return the moment the delays count from: the end of the call, or the last thing known of it."""
    return record.ended_at or record.answered_at or record.ringing_at or record.dialled_at or record.intent_at


async def plan_leads(
    connection: AsyncConnection, records: Sequence[AttemptRecord], rates: Mapping[int, Rates] | None = None
) -> None:
    """Decide what follows for the debtor of each record, and write it; `rates` are what campaigns have learnt."""
    if not records:
        return
    known = await _known(connection, records)
    policies: dict[tuple[int, str], Policy] = {}
    rows, over = [], []
    for record in records:
        key = (record.campaign_id, record.segment)
        if key not in policies:
            policies[key] = policy_of(known.campaigns[record.campaign_id], record.segment)
        learnt = (rates or {}).get(record.campaign_id, NO_RATES)
        followed, closed = _followed(record, policies[key], known, learnt)
        rows.append({"lead": record.lead_id, "try_no": record.try_no, **_as_lead(record, followed, known)})
        over += closed
    await connection.execute(_UPDATE_LEAD, sorted(rows, key=lambda row: row["lead"]))
    if over:
        await callbacks.close(connection, over, CallbackState.DONE)


async def _known(connection: AsyncConnection, records: Sequence[AttemptRecord]) -> _Known:
    campaigns = await campaigns_in_force(connection, {record.campaign_id for record in records})
    return _Known(
        campaigns=campaigns,
        tries=await _tries(connection, records),
        phones=await _phones_in_use(connection, {record.debtor_id for record in records}),
        callbacks=await callbacks.standing(
            connection, [(r, ended(r)) for r in records], {each: c.callbacks for each, c in campaigns.items()}
        ),
        rests=await promises.rests(connection, records, {each: c.promises for each, c in campaigns.items()}),
    )


def _followed(record: AttemptRecord, policy: Policy, known: _Known, rates: Rates) -> tuple[Followed, list[int]]:
    """Return what follows a call, and the callbacks that are over with it."""
    outcome = Outcome(record.outcome or Outcome.UNKNOWN)
    decided = _planned(record, outcome, policy, known, rates)
    standing = known.callbacks[record.call_id]
    own = [each for each in standing if each.call_id == record.call_id]
    older = [each for each in standing if each.call_id != record.call_id]
    callback = own[-1] if own else older[0] if older else None
    config = known.campaigns[record.campaign_id].callbacks
    followed = after_call(
        decided,
        outcome,
        ended(record),
        callback.due if callback else None,
        phone_id=_phone(record, known, callback),
        priority=config.priority,
    )
    # A new promise takes the place of the old ones.
    over = [each.id for each in older] if own else []
    return followed, over + ([callback.id] if callback and followed.kept else [])


def _planned(
    record: AttemptRecord, outcome: Outcome, policy: Policy, known: _Known, rates: Rates
) -> Next | Done | RetirePhone:
    tries = [each for no, each in known.tries[record.campaign_id, record.debtor_id] if no < record.try_no]
    this = Try(record.phone_id, record.intent_at, outcome, record.disposition)
    return plan(
        [*tries, this],
        known.phones.get(record.debtor_id, ()),
        policy,
        ended(record),
        zone=zone_of(record.time_zone),
        rates=rates,
        # The same call, told again, leads to the same hour.
        luck=crc32(record.call_id.encode()) / 2**32,
    )


def _phone(record: AttemptRecord, known: _Known, callback: Standing | None) -> int:
    """Return where a promised call goes: the phone they spoke on."""
    wanted = callback.phone_id if callback and callback.phone_id else record.phone_id
    in_use = known.phones.get(record.debtor_id, ())
    return wanted if wanted in in_use or not in_use else in_use[0]


def _as_lead(record: AttemptRecord, followed: Followed, known: _Known) -> dict[str, Any]:
    if isinstance(followed.then, Done) and (rest := known.rests.get(record.call_id)) is not None:
        resting = {"at": rest, "phone": _phone(record, known, None), "why": promises.PROMISED}
        return {"to": LeadState.OPEN.value, "urgency": 0, **resting}
    match followed.then:
        case Next(at, phone_id):
            facts = {"to": LeadState.OPEN.value, "at": at, "phone": phone_id, "why": ""}
        case Done(reason):
            facts = {"to": LeadState.DONE.value, "at": None, "phone": None, "why": reason}
    return {**facts, "urgency": followed.priority}


async def _tries(
    connection: AsyncConnection, records: Sequence[AttemptRecord]
) -> defaultdict[tuple[int, int], list[tuple[int, Try]]]:
    key = (ATTEMPTS.c.campaign_id, ATTEMPTS.c.debtor_id)
    facts = (ATTEMPTS.c.try_no, ATTEMPTS.c.phone_id, ATTEMPTS.c.intent_at, ATTEMPTS.c.outcome, ATTEMPTS.c.disposition)
    # First tries, the most of all, have nothing before them.
    wanted = {(record.campaign_id, record.debtor_id) for record in records if record.try_no > 1}
    tries: defaultdict[tuple[int, int], list[tuple[int, Try]]] = defaultdict(list)
    if wanted:
        query = select(*key, *facts).where(tuple_(*key).in_(wanted), ATTEMPTS.c.outcome.is_not(None))
        for row in await connection.execute(query.order_by(ATTEMPTS.c.try_no)):
            made = Try(row.phone_id, row.intent_at, Outcome(row.outcome), row.disposition)
            tries[row.campaign_id, row.debtor_id].append((row.try_no, made))
    return tries


async def _phones_in_use(connection: AsyncConnection, debtors: Collection[int]) -> dict[int, list[int]]:
    """Return the numbers in use by debtor, in the order of the list."""
    query = select(PHONES.c.debtor_id, PHONES.c.id).where(
        PHONES.c.debtor_id.in_(debtors), PHONES.c.retired_at.is_(None)
    )
    found: defaultdict[int, list[int]] = defaultdict(list)
    for debtor_id, phone_id in await connection.execute(query.order_by(PHONES.c.rank, PHONES.c.id)):
        found[debtor_id].append(phone_id)
    return found
