"""What agents promise debtors, and debtors agents: read from an order, kept in the books."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from campaigns.cadence import CALLBACK_DISPOSITION, PROMISE_DISPOSITION
from dialer.config import CallbackConfig
from dialer.engine.books import Books
from dialer.engine.lane import Lane
from dialer.types import AttemptRecord, Clock, InputError
from dialer.validation import moment

NOT_PROMISED = {"at": CALLBACK_DISPOSITION, "mine": CALLBACK_DISPOSITION, "note": CALLBACK_DISPOSITION}
NOT_PROMISED |= {"day": PROMISE_DISPOSITION, "amount": PROMISE_DISPOSITION, "debt": PROMISE_DISPOSITION}
"""What may come with a disposition, and with which one."""

LONGEST_NOTE = 500


class Promising:
    """Keeps what was promised in a conversation, before its disposition is kept."""

    def __init__(self, clock: Clock, books: Books, lanes: Callable[[], Iterable[Lane]]) -> None:
        self._clock = clock
        self._books = books
        self._lanes = lanes

    async def keep(self, agent: str, record: AttemptRecord, code: str, payload: Mapping[str, Any]) -> None:
        """Keep the callback or the payment that an agent's disposition speaks of; one without a time needs nothing.

        Raises InputError naming what cannot be promised, Unavailable when the books are away.
        """
        for key, only in NOT_PROMISED.items():
            if payload.get(key) and code != only:
                raise InputError(f"{key!r} belongs to the disposition {only!r}, not to {code!r}")
        if code == CALLBACK_DISPOSITION and (payload.get("at") or payload.get("mine")):
            await self._callback(agent, record, payload)
        elif code == PROMISE_DISPOSITION and payload.get("day"):
            await self._payment(agent, record, payload)
        elif code == PROMISE_DISPOSITION and (payload.get("amount") or payload.get("debt")):
            raise InputError("a promise to pay needs its day; say it with --on, such as --on 2026-06-05")

    async def _callback(self, agent: str, record: AttemptRecord, payload: Mapping[str, Any]) -> None:
        config = self._config(record)
        now = self._clock.now()
        at = moment(str(payload["at"])) if payload.get("at") else now + config.without_time
        mine = agent if payload.get("mine") else None
        note = str(payload.get("note") or "")[:LONGEST_NOTE]
        await self._books.callbacks.make(record.call_id, at, now, config, agent=mine, by=agent, note=note)

    async def _payment(self, agent: str, record: AttemptRecord, payload: Mapping[str, Any]) -> None:
        await self._books.promises.make(
            record.call_id,
            _day(str(payload["day"])),
            self._clock.now(),
            amount=_amount(str(payload["amount"])) if payload.get("amount") else None,
            account_id=_debt(str(payload["debt"])) if payload.get("debt") else None,
            agent=agent,
        )

    def _config(self, record: AttemptRecord) -> CallbackConfig:
        for lane in self._lanes():
            if lane.name == record.campaign:
                return lane.campaign.callbacks
        return CallbackConfig()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a day such as 2026-06-05") from None


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
        exact = amount == amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        amount, exact = Decimal(0), False
    if not exact or not 0 < amount < Decimal(10) ** 12:
        raise InputError(f"{text!r} is not an amount such as 1500.50")
    return amount.quantize(Decimal("0.01"))


def _debt(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InputError(f"{text!r} is not the number of a debt such as 123")
    return int(text)
