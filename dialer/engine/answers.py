"""Answers about people: why somebody is called or not, and that somebody is not to be called any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from campaigns.explanations import Explanation
from dialer.types import Clock, InputError
from dialer.validation import moment


class Hopper(Protocol):
    """Where leads wait."""

    async def remove_debtor(self, debtor_id: int) -> int:
        """Take a debtor out of every queue."""
        ...


class Explaining(Protocol):
    """Who knows the reasons."""

    async def why(self, campaign: str, who: str, at: datetime, *, by_ledger: bool = False) -> list[Explanation]:
        """Explain every lead that is meant."""
        ...


class Answers:
    """What people ask of the engine about debtors; `explaining` is asked each time, for rules may change."""

    def __init__(self, clock: Clock, hopper: Hopper, explaining: Callable[[], Explaining]) -> None:
        self._clock = clock
        self._hopper = hopper
        self._explaining = explaining

    async def why(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Explain a debtor of a campaign, now by the ledger's own counts or at another moment by the books."""
        campaign, who, at = str(payload["campaign"]), str(payload["who"]), payload.get("at")
        asked = moment(str(at)) if at else self._clock.now()
        found = await self._explaining().why(campaign, who, asked, by_ledger=not at)
        return {"explanations": [each.plain() for each in found]}

    async def suppressed(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Take suppressed people out of the queues; whoever stays is refused before the call all the same."""
        people: Sequence[Any] = payload["debtors"]
        if not all(isinstance(debtor, int) for debtor in people):
            raise InputError("leads.suppressed: debtors are our own numbers of them")
        return {"removed": sum([await self._hopper.remove_debtor(debtor) for debtor in people])}
