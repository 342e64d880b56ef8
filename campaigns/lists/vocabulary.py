"""What columns are called, in three languages; names are compared as `folded` leaves them."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

FIELDS = (
    "debtor", "document", "number", "phone", "name", "last_name", "segment", "language", "time_zone", "country",
    "subdivision", "locality", "postal_code", "party", "creditor", "product", "balance", "currency", "days_overdue",
    "due_date", "score", "tenure_months", "tenure_years", "opened_on", "region",
)  # fmt: skip
CONTACT_FIELDS = ("debtor", "document", "number", "phone", "at", "time", "kind", "channel")
FLAGS = ("dispute", "deceased", "represented", "cease_request", "internal", "hardship")
SMALL_WORDS = frozenset({"de", "del", "la", "el", "los", "las", "do", "da", "dos", "das", "of", "the", "en", "in", "y"})
"""Words that say nothing in the name of a column."""


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, Any]:
    """Return the tables of `vocabulary.toml`."""
    return tomllib.loads(files("campaigns.lists").joinpath("vocabulary.toml").read_text(encoding="utf-8"))
