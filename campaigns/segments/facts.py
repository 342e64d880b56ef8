"""What rules ask about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(slots=True)
class AccountFacts:
    """One debt with its debtor and how far it was called, in plain values; None and "" both mean unknown.

    `region` is the list's own word, `country` and `subdivision` (ISO 3166) the debtor's address. `last_outcome` is
    that of the debtor's last ended try in this campaign. `custom` holds the list's other columns, as text or whole
    numbers.
    """

    balance: Decimal | None = None
    days_overdue: int | None = None
    tenure_months: int | None = None
    score: float | None = None
    tries: int = 0
    currency: str | None = None
    product: str = ""
    creditor: str = ""
    region: str = ""
    country: str = ""
    subdivision: str = ""
    last_outcome: str | None = None
    custom: Mapping[str, object] = field(default_factory=dict)
