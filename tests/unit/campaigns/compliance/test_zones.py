"""All that is known of a debtor's clock counts; what names no clock does not."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from campaigns.compliance import candidate_zones, phone_country, phone_zones, zone_of
from campaigns.compliance.geography import address_zones, belongs, country_zones, same_locality

FOUR = ("America/Santiago", "America/Punta_Arenas", "America/Coyhaique", "Pacific/Easter")


def zones(**known: Any) -> tuple[str, ...]:
    return candidate_zones(**({"stated": "", "country": "", "subdivision": "", "locality": "", "phone": ""} | known))


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ({"country": "CO", "phone": "+573001234567"}, ("America/Bogota",)),
        ({"stated": "Europe/Madrid", "country": "CO", "phone": "+573001234567"}, ("Europe/Madrid", "America/Bogota")),
        ({"country": "CO", "phone": "+12125550123"}, ("America/Bogota", "America/New_York")),
        ({"country": "MX", "phone": "+526641234567"}, ("America/Tijuana",)),
        (
            {"country": "MX", "subdivision": "MX-SON", "phone": "+526621234567"},
            ("America/Hermosillo", "America/Mazatlan"),
        ),
        ({"country": "MX", "subdivision": "MX-CMX", "phone": "+525555123456"}, ("America/Mexico_City",)),
        ({"country": "MX", "subdivision": "MX-TAM", "locality": "Reynosa"}, ("America/Matamoros",)),
        ({"country": "MX", "subdivision": "MX-TAM"}, ("America/Monterrey", "America/Matamoros")),
        ({"country": "CA", "subdivision": "CA-QC", "locality": "Lévis", "phone": ""}, ("America/Toronto",)),
        ({"country": "CA", "subdivision": "CA-QC"}, ("America/Toronto", "America/Blanc-Sablon")),
        ({"country": "BR", "subdivision": "BR-AM", "locality": "Maués"}, ("America/Manaus",)),
        ({"country": "AR", "phone": "+541143215678"}, ("America/Argentina/Buenos_Aires",)),
        ({"country": "CL", "phone": "+56987654321"}, FOUR),
        ({"country": "CL", "subdivision": "CL-RM", "phone": "+56987654321"}, ("America/Santiago",)),
        ({"country": "CL", "phone": "+56612212345"}, ("America/Punta_Arenas",)),
        ({"country": "CL", "subdivision": "CL-VS", "locality": "Rapa Nui"}, ("Pacific/Easter",)),
        ({"country": "BR", "phone": "+5568321234567"}, ("America/Rio_Branco",)),
        ({"country": "BR", "phone": "+5597987654321"}, ("America/Manaus", "America/Eirunepe")),
        ({"country": "BR", "phone": "+12125550123"}, ("America/New_York", *country_zones("BR"))),
        ({"country": "US", "subdivision": "US-AZ", "phone": ""}, ("America/Phoenix", "America/Denver")),
        ({"country": "ES", "subdivision": "ES-TF", "phone": "+34922123456"}, ("Atlantic/Canary",)),
        ({"phone": "+5491150000001"}, ("America/Argentina/Buenos_Aires",)),
        ({"stated": "America/Lima"}, ("America/Lima",)),
        ({"stated": "Nowhere/Land", "phone": "+573001234567"}, ()),
        ({"country": "ZZ", "phone": "+573001234567"}, ()),
        ({"phone": "nonsense"}, ()),
        ({}, ()),
    ],
)
def test_where_the_clock_may_be(known: dict[str, str], found: tuple[str, ...]) -> None:
    assert zones(**known) == found


def test_evidence_that_no_profile_names_is_not_used() -> None:
    assert zones(stated="Europe/Madrid", country="CO", phone="+573001234567", evidence=("phone",)) == (
        "America/Bogota",
    )


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("+573001234567", "CO"),
        ("+17875550123", "US"),
        ("+14165550123", "CA"),
        ("+447700900123", "GB"),
        ("+541150000001", "AR"),
        ("+888123456789", ""),
        ("nonsense", ""),
    ],
)
def test_whose_rules_a_number_stands_under(phone: str, country: str) -> None:
    assert phone_country(phone) == country


def test_a_number_of_nowhere_has_no_zone() -> None:
    assert phone_zones("+999123456789") == ()


def test_places_are_the_same_however_they_are_spelt() -> None:
    assert same_locality("São  Paulo", "sao paulo")
    assert same_locality("Brooklyn", "New York City")
    assert not same_locality("Buffalo", "New York City")


def test_a_subdivision_of_another_country_tells_nothing() -> None:
    assert not belongs("BR-SP", "AR")
    assert not belongs("AR-", "AR")
    assert address_zones("BR", "AR-C", "") == ()


def names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))
    if isinstance(value, dict):
        for item in value.values():
            yield from names(item)


def test_every_zone_that_is_shipped_exists() -> None:
    data = tomllib.loads(files("campaigns.compliance").joinpath("geography.toml").read_text(encoding="utf-8"))
    shipped = set(
        names([*names({key: data[key] for key in ("countries", "subdivisions", "localities", "area_zones")})])
    )
    assert len(shipped) > 100
    assert {zone for zone in shipped if zone_of(zone) is None} == set()


def test_a_municipality_is_one_of_a_subdivision_with_a_zone() -> None:
    data = tomllib.loads(files("campaigns.compliance").joinpath("geography.toml").read_text(encoding="utf-8"))
    assert {code for code in data["localities"] if not address_zones(code[:2], code, "")} == set()
