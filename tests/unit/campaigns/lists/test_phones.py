"""Phones as people write them in six countries become numbers that can be dialled, or are refused with a reason."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.lists.cells import Unusable
from campaigns.lists.phones import parts, phone

MENDED = [
    ("AR", "011 15-4444-5555", "", "+5491144445555", "mobile"),
    ("AR", "0351 15 555 5555", "", "+5493515555555", "mobile"),
    ("AR", "02966 15 412345", "", "+5492966412345", "mobile"),
    ("AR", "+54 9 11 4444 5555", "", "+5491144445555", "mobile"),
    ("AR", "+54 11 15 4444 5555", "", "+5491144445555", "mobile"),
    ("AR", "+549111544445555", "", "+5491144445555", "mobile"),
    ("AR", "0054 9 11 4444 5555", "", "+5491144445555", "mobile"),
    ("AR", "54 9 11 44445555", "", "+5491144445555", "mobile"),
    ("AR", "11 4444-5555", "", "+541144445555", "fixed"),
    ("AR", "11 4444-5555", "mobile", "+5491144445555", "mobile"),
    ("MX", "+52 1 55 1234 5678", "mobile", "+525512345678", "mobile"),
    ("MX", "044 55 1234 5678", "", "+525512345678", ""),
    ("MX", "045 55 1234 5678", "", "+525512345678", ""),
    ("MX", "01 55 1234 5678", "", "+525512345678", ""),
    ("MX", "5215512345678", "", "+525512345678", ""),
    ("CL", "9 8123 4567", "", "+56981234567", "mobile"),
    ("CL", "81234567", "", "+56981234567", "mobile"),
    ("CL", "09 8123 4567", "", "+56981234567", "mobile"),
    ("CL", "2 2123 4567", "", "+56221234567", "fixed"),
    ("CL", "21234567", "fixed", "+56221234567", "fixed"),
    ("CL", "21234567", "mobile", "+56921234567", "mobile"),
    ("BR", "(11) 98765-4321", "", "+5511987654321", "mobile"),
    ("BR", "11 8765-4321", "", "+5511987654321", "mobile"),
    ("BR", "0xx11 98765-4321", "", "+5511987654321", "mobile"),
    ("BR", "0 15 11 8765-4321", "", "+5511987654321", "mobile"),
    ("BR", "011 3456 7890", "", "+551134567890", "fixed"),
    ("CO", "300 123 4567", "", "+573001234567", "mobile"),
    ("CO", "1 234 5678", "", "+576012345678", "fixed"),
    ("CO", "(031) 234 5678", "", "+576012345678", "fixed"),
    ("CO", "+57 1 2345678", "", "+576012345678", "fixed"),
    ("CO", "601 234 5678", "", "+576012345678", "fixed"),
    ("CO", "0057 300 1234567", "", "+573001234567", "mobile"),
    ("CO", "3001234567.0", "", "+573001234567", "mobile"),
    ("CO", "5.73001234567E+11", "", "+573001234567", "mobile"),
    ("CO", "cel: 300 123 4567 (casa)", "", "+573001234567", "mobile"),
    ("CO", "+1 212 555 0123", "", "+12125550123", ""),
    ("PE", "01 444 1234", "", "+5114441234", "fixed"),
]
REFUSED = [
    ("AR", "15-4444-5555", "the area code is missing"),
    ("CL", "21234567", "may be +56921234567 or +56221234567"),
    ("BR", "98765-4321", "the area code is missing"),
    ("CO", "2345678", "the area code is missing"),
    ("CO", "5.73001E+11", "a spreadsheet rounded it"),
    ("CO", "300 123 4567 ext. 5", "has an extension"),
    ("CO", "3111111111", "a filler"),
    ("CO", "000000000", "not a valid phone number of CO"),
    ("CO", "preguntar", "not a phone number of CO"),
    ("CO", "+57300123", "not a valid phone number of CO"),
    ("CO", "300 123 4567 +57 301 123 4567", "two numbers run together"),
]


@pytest.mark.parametrize(("country", "text", "hint", "e164", "kind"), MENDED)
def test_a_number_is_mended(country: str, text: str, hint: str, e164: str, kind: str):
    assert phone(text, country, hint)[:2] == (e164, kind)


@pytest.mark.parametrize(("country", "text", "reason"), REFUSED)
def test_a_number_in_doubt_is_refused(country: str, text: str, reason: str):
    with pytest.raises(Unusable) as caught:
        phone(text, country)
    assert reason in caught.value.reason


def test_a_repair_has_a_name_and_a_sound_number_none():
    assert phone("1 234 5678", "CO").repair == "CO: 60 before a landline"
    assert phone("300 123 4567", "CO").repair == ""


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("3001234567", ["3001234567"]),
        ("3001234567 / 3011234567", ["3001234567", "3011234567"]),
        ("300 123 4567 - 301 123 4567", ["300 123 4567", "301 123 4567"]),
        ("3001234567 y 3021234567; 3031234567", ["3001234567", "3021234567", "3031234567"]),
        ("3001234567\n3011234567", ["3001234567", "3011234567"]),
        ("300-123-4567", ["300-123-4567"]),
        ("5,73001E+11", ["5,73001E+11"]),
        ("no tiene", []),
        ("", []),
    ],
)
def test_a_cell_may_hold_several(cell: str, numbers: list[str]):
    assert list(parts(cell)) == numbers


@given(st.text(max_size=25), st.sampled_from(["AR", "BR", "CL", "CO", "MX", "PE", "US", "ES"]))
def test_whatever_stands_in_a_cell_it_is_a_number_or_refused(text: str, country: str):
    for part in parts(text):
        with suppress(Unusable):
            found = phone(part, country)
            assert found.e164[0] == "+"
            assert found.e164[1:].isdigit()


@given(st.integers(3000000000, 3239999999))
def test_a_number_once_made_e164_stays_as_it_is(number: int):
    try:
        e164 = phone(str(number), "CO").e164
    except Unusable:
        return
    assert phone(e164, "CO").e164 == e164
