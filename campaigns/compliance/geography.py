"""What is known of places: which zones a country, subdivision or municipality keeps, whose rules bind there."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import lru_cache
from importlib.resources import files
from typing import Any

EU = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)


def address_zones(country: str, subdivision: str, locality: str) -> tuple[str, ...]:
    """Return the zones an address may lie in; none when only a country with several zones is known.

    A subdivision that is not one of the country's tells nothing.
    """
    data = _data()
    everywhere = tuple(data["countries"].get(country, ()))
    if not belongs(subdivision, country):
        return everywhere if len(everywhere) == 1 else ()
    named = data["localities"].get(subdivision, {})
    known = named.get(plain(locality)) or (named.get("*") if locality else None)
    found = known or data["subdivisions"].get(subdivision) or data["subdivisions"].get(country) or everywhere
    return tuple(found)


def country_zones(country: str) -> tuple[str, ...]:
    """Return a zone for every clock that is kept in a country; none for a country nobody has told us of."""
    return tuple(_data()["countries"].get(country, ()))


def belongs(subdivision: str, country: str) -> bool:
    """Say whether a subdivision (ISO 3166-2) is one of a country."""
    return bool(country) and subdivision.startswith(f"{country}-") and len(subdivision) > len(country) + 1


def parent(subdivision: str) -> str:
    """Return the subdivision whose rules and holidays hold in another: the community of a Spanish province."""
    return str(_data()["parents"].get(subdivision, subdivision))


def area_subdivision(phone: str) -> str:
    """Return the subdivision a number's area code belongs to, where the area says so for certain; else nothing."""
    return _areas().get(phone[1:5], "")


def area_zones(phone: str) -> tuple[str, ...]:
    """Return the zones of a number's area where its code says for certain in which subdivision it lies; else none."""
    subdivision = area_subdivision(phone)
    if not subdivision:
        return ()
    exact = _data()["area_zones"].get(phone[1:5])
    return tuple(exact) if exact else address_zones(subdivision[:2], subdivision, "")


def may_be_anywhere(phone: str, country: str) -> bool:
    """Say whether a number may be used in any zone of its country although its prefix names one."""
    prefix = _data()["anywhere"].get(country)
    return prefix is not None and phone.startswith(prefix)


def ruled_by(country: str) -> str:
    """Return the country whose profile holds in a territory."""
    return str(_data()["territories"].get(country, country))


def same_locality(one: str, other: str) -> bool:
    """Say whether two names mean one municipality."""
    names = _data()["names"]
    return bool(names.get(plain(one), plain(one)) == names.get(plain(other), plain(other)))


def plain(name: str) -> str:
    """Return the name of a place without accents, case and double spaces, so that spellings meet."""
    letters = unicodedata.normalize("NFKD", name)
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).casefold().split())


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return tomllib.loads(files("campaigns.compliance").joinpath("geography.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _areas() -> dict[str, str]:
    return {
        f"{country}{area}": subdivision
        for country, states in _data()["areas"].items()
        for subdivision, areas in states.items()
        for area in areas
    }
