"""Which data the judgements rest on, for the audit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from types import MappingProxyType

DATA = ("tzdata", "holidays", "phonenumbers")


@lru_cache(maxsize=1)
def library_versions() -> Mapping[str, str]:
    """Return the versions of the packages that know clocks, holidays and numbers."""
    return MappingProxyType({name: version(name) for name in DATA})
