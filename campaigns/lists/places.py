"""Names of provinces, departments and states as codes (ISO 3166-2)."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

from campaigns.lists.cells import folded

_FILLERS = frozenset(
    ("provincia", "departamento", "estado", "region", "depto", "dpto", "prov", "de", "del", "la", "el", "los", "las")
) | {"state", "of", "province"}


def subdivision(text: str, country: str) -> str | None:
    """Return the code of a subdivision by its name or code; None when a country has none of that name."""
    known = _names(country)
    whole = folded(text)
    return known.get(whole) or known.get(_short(whole)) or None


def _short(name: str) -> str:
    return " ".join(word for word in name.split() if word not in _FILLERS)


@lru_cache(maxsize=64)
def _names(country: str) -> dict[str, str]:
    known: dict[str, str] = {}
    for code, names in _data().get(country, {}).items():
        whole = f"{country}-{code}"
        for name in (code, whole, *names):
            known[folded(name)] = known[_short(folded(name))] = whole
    known.pop("", None)
    return known


@lru_cache(maxsize=1)
def _data() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files("campaigns.lists").joinpath("subdivisions.toml").read_text(encoding="utf-8"))
