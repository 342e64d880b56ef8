"""Which clocks a debtor may live by: everything known counts, and every one of them must be open."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import phonenumbers
from phonenumbers import timezone

from campaigns.compliance.geography import (
    address_zones,
    area_zones,
    country_zones,
    may_be_anywhere,
    ruled_by,
)
from campaigns.compliance.number_blocks import alike
from campaigns.compliance.windows import zone_of

EVIDENCE = ("debtor", "address", "phone")
"""What may tell a zone, the strongest first; all of it counts."""

_SAME = {
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Cordoba": "America/Argentina/Cordoba",
    "America/Indianapolis": "America/Indiana/Indianapolis",
    "America/Louisville": "America/Kentucky/Louisville",
}


def candidate_zones(
    *, stated: str, country: str, subdivision: str, locality: str, phone: str, evidence: tuple[str, ...] = EVIDENCE
) -> tuple[str, ...]:
    """Return the zones the debtor may be in, each once; none when nothing is known, or when a name is no zone.

    The statement, the address and the number (E.164) all count, as far as the profiles name them as evidence.
    """
    return _candidates(stated, (country, subdivision, locality), alike(phone), evidence)


@lru_cache(maxsize=65536)
def _candidates(stated: str, place: tuple[str, str, str], phone: str, evidence: tuple[str, ...]) -> tuple[str, ...]:
    country, subdivision, locality = place
    address = address_zones(country, subdivision, locality) if "address" in evidence else ()
    found: list[str] = []
    if "debtor" in evidence and stated:
        found.append(stated)
    found += address
    if "phone" in evidence:
        found += phone_zones(phone, anywhere=not stated and not address)
    if country and not stated and not address and phone_country(phone) != country:
        found += country_zones(country) or ("",)  # a number from abroad says nothing of a large country's clocks
    zones = _each_once(found)
    return () if any(zone_of(zone) is None for zone in zones) else zones


def phone_zones(phone: str, *, anywhere: bool = False) -> tuple[str, ...]:
    """Return the zones a number may ring in; `anywhere` says that nothing else is known of the debtor."""
    return _zones(alike(phone), anywhere)


def phone_country(phone: str) -> str:
    """Return the country whose rules a number stands under (ISO 3166); empty for a number of no country."""
    return _country(alike(phone))


@lru_cache(maxsize=65536)
def _zones(phone: str, anywhere: bool) -> tuple[str, ...]:
    if known := area_zones(phone):
        return known
    country = phone_country(phone)
    if anywhere and may_be_anywhere(phone, country):
        return country_zones(country)
    number = _parsed(phone)
    found = timezone.time_zones_for_number(number) if number is not None else ()
    return _each_once(zone for zone in found if zone_of(zone) is not None and not zone.startswith("Etc/"))


@lru_cache(maxsize=65536)
def _country(phone: str) -> str:
    number = _parsed(phone)
    if number is None or number.country_code is None:
        return ""
    region = phonenumbers.region_code_for_number(number)
    region = region or phonenumbers.region_code_for_country_code(number.country_code)
    return "" if region in (None, "ZZ", "001") else ruled_by(region)


def _parsed(phone: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None


def _each_once(zones: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_SAME.get(zone, zone) for zone in zones))
