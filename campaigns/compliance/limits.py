"""What the ledger remembers of the past, and how often something may have happened before a call is refused.

A cap and a cool-down are one thing: a cool-down is a cap of one over the events that start it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What the ledger remembers of the past, per key."""

    ATTEMPT = "attempt"
    CONTACT = "contact"
    CONVERSATION = "conversation"
    ABANDONED = "abandoned"
    MACHINE = "machine"


def phone_key(phone: str) -> str:
    """Return the key of a phone number (E.164) in the ledger."""
    return f"phone:{phone}"


def person_key(debtor_id: int) -> str:
    """Return the key of a debtor in the ledger: all campaigns, all phones."""
    return f"person:{debtor_id}"


def debt_key(account_id: int) -> str:
    """Return the key of one debt in the ledger."""
    return f"debt:{account_id}"


def other_channels_key(debtor_id: int) -> str:
    """Return the key at which history tells of conversations with a debtor by other means than calls."""
    return f"other:{debtor_id}"


@dataclass(frozen=True, slots=True)
class Limit:
    """A call is refused when `most` or more events of `kind` at `key` lie at or after `since`.

    `period` is as the profile writes it: "rolling:168h", "days:7", "calendar:1d", "campaign:30d".
    """

    rule: str
    kind: Kind
    key: str
    since: datetime
    most: int
    period: str


@dataclass(frozen=True, slots=True)
class Tally:
    """A limit with what the ledger counted.

    `leaves` is the instant of the event that must leave the window before the next call: of those at or after
    `since` the (count - most + 1)-th oldest; None while the limit is not reached.
    """

    limit: Limit
    count: int
    leaves: datetime | None = None

    @property
    def full(self) -> bool:
        """Whether the limit refuses the next call."""
        return self.count >= self.limit.most


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of the past."""

    kind: Kind
    key: str
    at: datetime
    call_id: str
