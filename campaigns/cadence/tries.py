"""What cadence looks at, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dialer.types import LIVE_OUTCOMES, UNCOUNTED_OUTCOMES, Outcome

CALLBACK_DISPOSITION: Final = "callback"
PROMISE_DISPOSITION: Final = "promise"
OPT_OUT_DISPOSITION: Final = "opt_out"

SOMEBODY_ELSE: Final = frozenset({"wrong_party", "wrong_number"})
"""Dispositions of conversations with people who are not the debtor."""

SAYS_NOTHING: Final = frozenset(
    {Outcome.BUSY, Outcome.CANCELLED, Outcome.CONGESTION, Outcome.DROPPED, Outcome.FAILED, Outcome.UNKNOWN}
)
"""Of whether anybody answers: a line in use, a ring we cut short, and everything on our side."""


@dataclass(frozen=True, slots=True)
class Try:
    """One ended try of a debtor in a campaign: on which phone, when it was placed, how it ended."""

    phone_id: int
    at: datetime
    outcome: Outcome
    disposition: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it uses up one of the debtor's tries."""
        return self.outcome not in UNCOUNTED_OUTCOMES

    @property
    def reached(self) -> bool | None:
        """Whether the debtor was met; None when the try says nothing of that."""
        if self.outcome in SAYS_NOTHING:
            return None
        return self.outcome in LIVE_OUTCOMES and self.disposition not in SOMEBODY_ELSE


@dataclass(frozen=True, slots=True)
class Next:
    """Call the debtor again, on this phone, not before `at`."""

    at: datetime
    phone_id: int


@dataclass(frozen=True, slots=True)
class Done:
    """No further call in this campaign; `reason` is a stable id."""

    reason: str


@dataclass(frozen=True, slots=True)
class RetirePhone:
    """The number is of no use to anybody; `then` is what follows for the debtor."""

    then: Next | Done


Plan = Next | Done | RetirePhone
