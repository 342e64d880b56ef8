"""Who may be called when, by which rule, and when next: pure, every instant an argument; whatever is unknown means no."""

from __future__ import annotations

from campaigns.compliance.limits import Happening, Kind, Limit, Tally, debt_key, person_key, phone_key
from campaigns.compliance.windows import GUARD_S, day_ends, local_day, may_dial, zone_of

__all__ = [
    "GUARD_S",
    "Happening",
    "Kind",
    "Limit",
    "Tally",
    "day_ends",
    "debt_key",
    "local_day",
    "may_dial",
    "person_key",
    "phone_key",
    "zone_of",
]
