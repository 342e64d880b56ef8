"""Promises to pay in the books: made, kept, broken; and what follows from each for the debtor's leads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Row, Table, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.cadence import PROMISE_DISPOSITION
from campaigns.cadence.promised import Kept, PaymentPromise, kept, rests_until
from campaigns.callbacks import attempt_of
from campaigns.case_models import Promise, PromiseState
from campaigns.compliance import zone_of
from campaigns.effective import campaigns_in_force
from campaigns.intents import DEBTORS, LEADS
from campaigns.models import LeadState
from campaigns.suppression import ACCOUNTS, accounts_of
from dialer.campaign_file import PromiseConfig
from dialer.store import Store
from dialer.types import AttemptRecord, InputError, Outcome

PROMISES: Table = Promise.metadata.tables["promises"]

PROMISED: Final = "promised"
"""Reason of a lead that rests because all its debts were promised to be paid."""

KEPT: Final = "promise_kept"
"""Reason of a lead that is done because what was promised was paid."""

_CHUNK = 200
"""Promises decided in one transaction: a running engine is never held up."""

_EASTMOST = timedelta(hours=14)
"""No zone is further ahead of UTC: where it is no new day there, it is none anywhere."""

_SUPPRESSED = LEADS.c.state == LeadState.SUPPRESSED.value


@dataclass(frozen=True, slots=True)
class Reviewed:
    """How many promises turned out kept, and broken."""

    kept: int = 0
    broken: int = 0


class Promises:
    """Promises to pay, for agents, supervisors and the engine."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def make(
        self,
        call_id: str,
        due_on: date,
        now: datetime,
        *,
        amount: Decimal | None = None,
        account_id: int | None = None,
        agent: str | None = None,
    ) -> None:
        """Keep a promise made in this call: about one debt, or about all that the call is about.

        No call about these debts before `due_on` is over. A second promise about a debt takes the place of the first.
        Raises InputError for a day that has passed, a debt that is not the debtor's, and an amount that could belong
        to several debts.
        """
        async with self._store.transaction() as session:
            connection = await session.connection()
            attempt = await attempt_of(connection, call_id)
            zone = zone_of(attempt.time_zone)
            if due_on < now.astimezone(zone or UTC).date():
                raise InputError(f"a payment cannot be promised for {due_on}: that day has passed")
            debts = await _debts(connection, attempt, account_id, amount)
            await _cancel(connection, [debt.id for debt in debts], now)
            same = {"debtor_id": attempt.debtor_id, "campaign_id": attempt.campaign_id, "call_id": call_id}
            same |= {"due_on": due_on, "amount": amount, "state": PromiseState.OPEN.value, "made_at": now}
            rows = [{"account_id": d.id, "balance": d.balance, "currency": d.currency, "agent": agent} for d in debts]
            await connection.execute(insert(PROMISES), [{**same, **row} for row in rows])
            grace = (await campaigns_in_force(connection, {attempt.campaign_id}))[attempt.campaign_id].promises
            await _rest(connection, attempt.debtor_id, attempt.time_zone, grace, woken=attempt.lead_id)

    async def open(self, campaign_id: int) -> list[Row[Any]]:
        """Return a campaign's undecided promises with debtor and debt, the first due at the head."""
        query = (
            select(PROMISES, DEBTORS.c.external_id, ACCOUNTS.c.creditor, ACCOUNTS.c.product)
            .join_from(PROMISES, DEBTORS, DEBTORS.c.id == PROMISES.c.debtor_id)
            .join(ACCOUNTS, ACCOUNTS.c.id == PROMISES.c.account_id)
            .where(PROMISES.c.campaign_id == campaign_id, PROMISES.c.state == PromiseState.OPEN.value)
            .order_by(PROMISES.c.due_on, PROMISES.c.id)
        )
        async with self._store.snapshot() as session:
            return list((await session.execute(query)).all())

    async def decide(self, campaign_id: int, debtor: str, verdict: Kept, now: datetime) -> int:
        """Say that a debtor's open promises of this campaign were kept or broken; returns how many there were."""
        async with self._store.transaction() as session:
            connection = await session.connection()
            query = _questions().where(PROMISES.c.campaign_id == campaign_id, DEBTORS.c.external_id == debtor)
            rows = (await connection.execute(query.with_for_update(of=PROMISES))).all()
            await _conclude(connection, [(row, verdict) for row in rows], now)
        return len(rows)

    async def review(self, now: datetime) -> Reviewed:
        """Decide every promise that can be: kept when the list shows the payment, broken when its day is over.

        In short transactions; whoever asks again finds nothing left to do.
        """
        counts = Reviewed()
        after: int | None = 0
        while after is not None:
            counts, after = await self._review_some(now, after, counts)
        return counts

    async def _review_some(self, now: datetime, after: int, so_far: Reviewed) -> tuple[Reviewed, int | None]:
        paid = or_(ACCOUNTS.c.balance <= Decimal(0), ACCOUNTS.c.balance < PROMISES.c.balance)
        ripe = or_(PROMISES.c.due_on < (now + _EASTMOST).date(), paid)
        query = _questions().where(ripe, PROMISES.c.id > after).order_by(PROMISES.c.id).limit(_CHUNK)
        async with self._store.transaction() as session:
            connection = await session.connection()
            rows = (await connection.execute(query.with_for_update(of=PROMISES))).all()
            configs = await campaigns_in_force(connection, {row.campaign_id for row in rows})
            verdicts = [(row, _verdict(row, now, configs[row.campaign_id].promises)) for row in rows]
            decided = [(row, verdict) for row, verdict in verdicts if verdict is not Kept.OPEN]
            await _conclude(connection, decided, now)
        good = sum(verdict is Kept.KEPT for _, verdict in decided)
        found = Reviewed(so_far.kept + good, so_far.broken + len(decided) - good)
        return found, rows[-1].id if len(rows) == _CHUNK else None


async def rests(
    connection: AsyncConnection, records: Sequence[AttemptRecord], configs: Mapping[int, PromiseConfig]
) -> dict[str, datetime]:
    """Return until when the leads of conversations rest in which all their debts were promised, by call."""
    spoke = [r for r in records if r.outcome is Outcome.ANSWERED and r.disposition == PROMISE_DISPOSITION]
    if not spoke:
        return {}
    debts = await accounts_of(connection, {record.debtor_id for record in spoke})
    promised = await promised_debts(connection, [debt for each in debts.values() for debt in each])
    found = {}
    for record in spoke:
        mine = record.accounts or debts.get(record.debtor_id, [])
        if mine and all(debt in promised for debt in mine):
            days = [promised[debt] for debt in mine]
            grace = configs[record.campaign_id].grace_days
            found[record.call_id] = rests_until(days, zone_of(record.time_zone), grace)
    return found


async def promised_debts(connection: AsyncConnection, account_ids: Collection[int]) -> dict[int, date]:
    """Return the debts of these that are promised to be paid, with the day: no call is about them before it is over."""
    query = select(PROMISES.c.account_id, PROMISES.c.due_on).where(
        PROMISES.c.account_id.in_(list(account_ids)), PROMISES.c.state == PromiseState.OPEN.value
    )
    return {account_id: due_on for account_id, due_on in await connection.execute(query)}


def _questions() -> Any:
    return (
        select(PROMISES, DEBTORS.c.time_zone, ACCOUNTS.c.balance.label("owed"))
        .join_from(PROMISES, DEBTORS, DEBTORS.c.id == PROMISES.c.debtor_id)
        .join(ACCOUNTS, ACCOUNTS.c.id == PROMISES.c.account_id)
        .where(PROMISES.c.state == PromiseState.OPEN.value)
    )


def _verdict(row: Row[Any], now: datetime, config: PromiseConfig) -> Kept:
    today = now.astimezone(zone_of(row.time_zone) or UTC).date()
    return kept(PaymentPromise(row.due_on, row.amount, row.balance), row.owed, today, config.grace_days)


async def _conclude(connection: AsyncConnection, decided: Sequence[tuple[Row[Any], Kept]], now: datetime) -> None:
    if not decided:
        return
    for verdict in (Kept.KEPT, Kept.BROKEN):
        ids = [row.id for row, each in decided if each is verdict]
        said = update(PROMISES).where(PROMISES.c.id.in_(ids)).values(state=verdict.value, decided_at=now)
        await connection.execute(said)
    configs = await campaigns_in_force(connection, {row.campaign_id for row, _ in decided})
    broken: defaultdict[int, set[int]] = defaultdict(set)
    for row, verdict in decided:
        if verdict is Kept.BROKEN:
            broken[row.campaign_id].add(row.debtor_id)
    for campaign_id, debtors in sorted(broken.items()):
        mine = and_(LEADS.c.campaign_id == campaign_id, LEADS.c.debtor_id.in_(debtors), ~_SUPPRESSED)
        urgency = configs[campaign_id].promises.broken_promise_priority
        back = {"state": LeadState.OPEN.value, "reason": "", "next_try_at": now, "priority": urgency}
        await connection.execute(update(LEADS).where(mine).values(**back))
    for row, verdict in decided:
        if verdict is Kept.KEPT and row.debtor_id not in broken[row.campaign_id]:
            await _rest(connection, row.debtor_id, row.time_zone, configs[row.campaign_id].promises)


async def _rest(
    connection: AsyncConnection, debtor_id: int, time_zone: str, config: PromiseConfig, *, woken: int | None = None
) -> None:
    """Let the debtor's leads rest that have all their debts promised; those that rested for nothing more are done.

    `woken` is a lead that rests even if its conversation has closed it already.
    """
    debts = (await accounts_of(connection, {debtor_id})).get(debtor_id, [])
    promised = await promised_debts(connection, debts)
    query = select(LEADS).where(LEADS.c.debtor_id == debtor_id, ~_SUPPRESSED).order_by(LEADS.c.id)
    for lead in (await connection.execute(query)).all():
        mine = lead.account_ids or debts
        if mine and all(debt in promised for debt in mine):
            if lead.state == LeadState.OPEN or lead.id == woken:
                until = rests_until([promised[debt] for debt in mine], zone_of(time_zone), config.grace_days)
                rest = {"state": LeadState.OPEN.value, "reason": PROMISED, "next_try_at": until, "priority": 0}
                await connection.execute(update(LEADS).where(LEADS.c.id == lead.id).values(**rest))
        elif lead.reason == PROMISED:
            over = {"state": LeadState.DONE.value, "reason": KEPT, "priority": 0}
            await connection.execute(update(LEADS).where(LEADS.c.id == lead.id).values(**over))


async def _cancel(connection: AsyncConnection, debts: Collection[int], now: datetime) -> None:
    mine = and_(PROMISES.c.account_id.in_(debts), PROMISES.c.state == PromiseState.OPEN.value)
    await connection.execute(update(PROMISES).where(mine).values(state=PromiseState.CANCELLED.value, decided_at=now))


async def _debts(
    connection: AsyncConnection, attempt: Row[Any], account_id: int | None, amount: Decimal | None
) -> list[Row[Any]]:
    """Return the debts a promise is about."""
    query = select(ACCOUNTS).where(ACCOUNTS.c.debtor_id == attempt.debtor_id).order_by(ACCOUNTS.c.id)
    every = (await connection.execute(query)).all()
    about = set(attempt.accounts or (each.id for each in every)) if account_id is None else {account_id}
    found = [each for each in every if each.id in about]
    if not found:
        known = ", ".join(str(each.id) for each in every) or "none"
        raise InputError(f"no debt to promise: the debtor's debts are {known}; name one with --debt")
    if amount is not None and len(found) > 1:
        known = ", ".join(f"{each.id} ({each.creditor} {each.product})".replace(" )", ")") for each in found)
        raise InputError(f"the call is about several debts: {known}; say with --debt which one the amount is for")
    return found
