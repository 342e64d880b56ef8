"""One number of a block answers for all: whatever the phone library says of it, it says of every other."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from phonenumbers import timezone

from campaigns.compliance import alike, phone_country, phone_zones
from campaigns.compliance.geography import area_subdivision, may_be_anywhere

COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)
OURS = ("AR", "BR", "CL", "CO", "DE", "EC", "ES", "GB", "MX", "PE", "PT", "US")
KINDS = (0, 1, 2, 3, 4, 6, 7)


def said(phone: str) -> tuple[object, ...]:
    """Return all that is asked of a number, by the library itself."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return ("no number",)
    region = phonenumbers.region_code_for_number(number)
    kind = phonenumbers.number_type(number)
    ours = area_subdivision(phone), may_be_anywhere(phone, region or "")
    return number.country_code, region, kind, timezone.time_zones_for_number(number), *ours


def numbers(rng: random.Random, country: str, count: int) -> list[str]:
    """Return numbers near real ones of a country: examples of every kind with some digits changed."""
    examples = [phonenumbers.example_number_for_type(country, kind) for kind in KINDS]
    roots = [phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164) for each in examples if each]
    found = []
    for _ in range(count):
        root = rng.choice(roots)
        kept = rng.randint(3, len(root) - 1)
        length = len(root) - kept + rng.choice((0, 0, 0, 0, 0, 1, -1))
        found.append(root[:kept] + "".join(rng.choice("0123456789") for _ in range(length)))
    return found


@pytest.mark.parametrize("country", COUNTRIES)
def test_the_number_that_stands_for_a_block_has_the_same_country_kind_and_zones(country: str):
    rng = random.Random(country)
    for phone in numbers(rng, country, 300 if country in OURS else 30):
        assert said(alike(phone)) == said(phone), phone


def test_a_list_of_one_country_has_few_blocks():
    rng = random.Random(7)
    mobiles = [f"+573{rng.choice('012')}{rng.randrange(10**8):08}" for _ in range(5000)]
    assert len({alike(phone) for phone in mobiles}) <= 40


@pytest.mark.parametrize(
    "text", ["", "+", "+57", "3001234567", "+57300123456x", "+5730012345٣٣", "unknown", "+999123456789"]
)
def test_what_is_no_number_stands_for_itself(text: str):
    assert alike(text) == text


@pytest.mark.parametrize("phone", ["+18005550123", "+80012345678", "+5493511234567", "+447781123456", "+77011234567"])
def test_our_answers_are_those_of_the_number_alone(phone: str):
    assert phone_country(alike(phone)) == phone_country(phone)
    assert phone_zones(alike(phone), anywhere=True) == phone_zones(phone, anywhere=True)
