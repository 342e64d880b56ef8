"""What was promised in a conversation: a call at a time, or a payment on a day. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from campaigns.cadence.tries import Done, Next, RetirePhone
from dialer.types import Outcome


@dataclass(frozen=True, slots=True)
class CallbackDue:
    """A promised call that nobody has kept yet; `agent` None: by anyone."""

    due_at: datetime
    agent: str | None = None
    fallback_at: datetime | None = None
    expires_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Tell whether it is too late for it."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class ForAgent:
    """Call now, and join this agent if ready when the debtor answers; None: whoever fits best."""

    agent: str | None


@dataclass(frozen=True, slots=True)
class NotYet:
    """Wait: the agent who promised is not at work; ask again at `until`, when anyone may take it at the latest."""

    until: datetime


def who_takes(callback: CallbackDue, now: datetime, at_work: Collection[str]) -> ForAgent | NotYet:
    """Say who takes a callback that is due: the agent who promised it, or anyone once the fallback has come."""
    if callback.agent is None or callback.agent in at_work:
        return ForAgent(callback.agent)
    if callback.fallback_at is None or now >= callback.fallback_at:
        return ForAgent(None)
    return NotYet(callback.fallback_at)


@dataclass(frozen=True, slots=True)
class Followed:
    """What follows a call for its lead; `kept` says that the callback needs no call any more.

    `priority` None leaves the lead's as it is.
    """

    then: Next | Done
    priority: int | None
    kept: bool = False


def after_call(
    decided: Next | Done | RetirePhone,
    outcome: Outcome,
    ended: datetime,
    callback: CallbackDue | None,
    *,
    phone_id: int,
    priority: int,
) -> Followed:
    """Let a promised call come before what the delays say; `callback` is the one made in this call, else an older one.

    A conversation keeps an older one. One that was called in vain is called again by the ordinary delays, before
    all others, until it expires.
    """
    then = decided.then if isinstance(decided, RetirePhone) else decided
    if callback is None:
        return Followed(then, 0 if isinstance(then, Done) else None)
    if callback.due_at > ended:
        phone = then.phone_id if isinstance(then, Next) and outcome is not Outcome.ANSWERED else phone_id
        return Followed(Next(callback.due_at, phone), priority)
    if outcome is Outcome.ANSWERED or isinstance(then, Done) or callback.expired(then.at):
        return Followed(then, 0, kept=True)
    return Followed(then, priority)


class Kept(StrEnum):
    """Whether a promise to pay was kept."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class PaymentPromise:
    """A promise to pay by the end of `due_on`; `amount` None is the whole debt, `balance` what was owed then."""

    due_on: date
    amount: Decimal | None = None
    balance: Decimal | None = None


def kept(promise: PaymentPromise, balance: Decimal | None, today: date, grace_days: int = 0) -> Kept:
    """Say how a promise stands on a day of the debtor's, when so much is owed (None: nobody knows).

    Kept as soon as the list shows the payment, broken when the day and the days of grace are over without it.
    """
    if balance is not None:
        paid = None if promise.balance is None else promise.balance - balance
        if balance <= 0 or (promise.amount is not None and paid is not None and paid >= promise.amount):
            return Kept.KEPT
    return Kept.BROKEN if today > promise.due_on + timedelta(days=grace_days) else Kept.OPEN


def rests_until(due_on: Sequence[date], zone: ZoneInfo | None, grace_days: int = 0) -> datetime:
    """Return the beginning of the debtor's day after the first of these promises is over."""
    day = min(due_on) + timedelta(days=1 + grace_days)
    return datetime.combine(day, time(), zone or UTC).astimezone(UTC)
