"""Phones as people write them, made E.164; every repair has a name, and what is in doubt is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from campaigns.lists.cells import Unusable, is_nothing
from campaigns.lists.phone_repairs import candidates

_SPLIT = re.compile(r"\s*[/;,|\r\n]+\s*|\s+-\s+|\s+[yeo]\s+(?=[\d+(])", re.IGNORECASE)
_DECIMALS = re.compile(r"(\d{6,})[.,]0+")
_SCIENCE = re.compile(r"(\d)[.,]?(\d*)[eE]\+?(\d{1,2})")
_EXTENSION = re.compile(
    r"(?:\b(?:ext|extension|extensión|int|interno|anexo|ramal|x)|#)\s*[.:]?\s*\d+\s*$", re.IGNORECASE
)
_LABELS = re.compile(
    r"\b(?:tel[eé]?f?o?n?o?s?|cel(?:ular)?(?:es)?|m[oó]vil|mobile|cell|phone|fono|fijo|casa|trabajo|whatsapp|wsp|home|work"
    r"|oficina|n[uú]mero|nro|no)\b[\s.:°º]*|\((?:casa|trabajo|cel|celular|m[oó]vil|fijo|tel)\)",
    re.IGNORECASE,
)
_CARRIER = re.compile(r"^\(?0\s*xx\s*", re.IGNORECASE)
_ALLOWED = re.compile(r"[\d\s().\-+*]*")
_SAME = 9
_KINDS = {PhoneNumberType.MOBILE: "mobile", PhoneNumberType.FIXED_LINE: "fixed"}
_NO_PERSON = {PhoneNumberType.PREMIUM_RATE: "a premium-rate number"}


class Phone(NamedTuple):
    """A number that can be dialled; `kind` is mobile, fixed or unknown (""), `repair` what was mended ("" nothing)."""

    e164: str
    kind: str
    repair: str


def parts(text: str) -> Iterator[str]:
    """Yield the numbers that stand in one cell."""
    if text.isdigit() or _DECIMALS.fullmatch(text) or _SCIENCE.fullmatch(text):
        yield text
        return
    for part in _SPLIT.split(text):
        if not is_nothing(part.strip()):
            yield part.strip()


def phone(text: str, country: str, hint: str = "", field: str = "phone") -> Phone:
    """Return the number a text means in a country; raises Unusable with the reason.

    `hint` is what the column's name says: mobile, fixed, or nothing.
    """
    plain = text if text.isdigit() else _plain(text, country, field)
    digits = plain.lstrip("+").lstrip("0")
    if len(digits) >= _SAME and len(set(digits[-_SAME:])) == 1:
        raise Unusable(field, "a filler, not a number")
    number = _parsed(plain, country)
    if number is not None and (kind := phonenumbers.number_type(number)) != PhoneNumberType.UNKNOWN:
        if kind == PhoneNumberType.FIXED_LINE and hint == "mobile" and country == "AR":
            return _with_nine(number)
        return _read(number, kind, hint, "", field)
    return _mended(plain, country, hint, field)


def _plain(text: str, country: str, field: str) -> str:
    whole = _CARRIER.sub("0", _DECIMALS.sub(r"\1", text.strip()))
    if science := _SCIENCE.fullmatch(whole):
        return _without_exponent(*science.groups(), field=field)
    if _EXTENSION.search(whole):
        raise Unusable(field, "has an extension, which nobody can dial at once")
    whole = _LABELS.sub("", whole.removeprefix("tel:")).strip()
    if not _ALLOWED.fullmatch(whole) or not any(letter.isdigit() for letter in whole):
        raise Unusable(field, f"not a phone number of {country} nor an international one")
    if "+" in whole[1:].lstrip("("):
        raise Unusable(field, "two numbers run together; part them with /")
    sign = "+" if whole.lstrip("( ").startswith("+") else ""
    return sign + "".join(letter for letter in whole if letter.isascii() and letter.isdigit())


def _without_exponent(first: str, rest: str, exponent: str, *, field: str) -> str:
    digits = first + rest
    if len(digits) != int(exponent) + 1:
        raise Unusable(field, "a spreadsheet rounded it: digits are lost; make the column text and export again")
    return digits


def _parsed(text: str, country: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None


def _e164(number: PhoneNumber) -> str:
    zeros = "0" * (number.number_of_leading_zeros or 1) if number.italian_leading_zero else ""
    return f"+{number.country_code}{zeros}{number.national_number}"


def _read(number: PhoneNumber, kind: int, hint: str, repair: str, field: str) -> Phone:
    if kind in _NO_PERSON:
        raise Unusable(field, f"{_NO_PERSON[kind]}, not a person's")
    e164 = _e164(number)
    if kind == PhoneNumberType.FIXED_LINE_OR_MOBILE:
        told = ("mobile" if e164.startswith("+569") else "fixed") if number.country_code == 56 else hint
        return Phone(e164, told, repair)
    return Phone(e164, _KINDS.get(kind, ""), repair)


def _with_nine(number: PhoneNumber) -> Phone:
    """The column says mobile: abroad and on trunks an Argentine mobile has a 9 before its area code."""
    mobile = PhoneNumber(country_code=54, national_number=int(f"9{number.national_number}"))
    if phonenumbers.number_type(mobile) == PhoneNumberType.MOBILE:
        return Phone(_e164(mobile), "mobile", "AR: 9 of a mobile column")
    return Phone(_e164(number), "fixed", "")


def _mended(plain: str, country: str, hint: str, field: str) -> Phone:
    found: dict[str, Phone] = {}
    fitting: set[str] = set()
    for repair, text, kind_meant in candidates(plain, country):
        number = _parsed(text, country)
        kind = PhoneNumberType.UNKNOWN if number is None else phonenumbers.number_type(number)
        if number is None or kind == PhoneNumberType.UNKNOWN:
            continue
        mended = _read(number, kind, hint, repair, field)
        fitting |= {mended.e164} if hint and hint == kind_meant else set()
        found.setdefault(mended.e164, mended)
    if len(found) == 1 or len(fitting) == 1:
        return found[next(iter(fitting or found))]
    if found:
        raise Unusable(field, f"may be {' or '.join(found)}; write it in full, or name the column celular or fijo")
    if _lacks_area(plain, country):
        raise Unusable(field, f"not a valid phone number of {country}: the area code is missing")
    raise Unusable(field, f"not a valid phone number of {country} nor of another country")


_SHORTEST_NATIONAL = {"AR": 10, "MX": 10, "CO": 10, "BR": 10, "CL": 9}


def _lacks_area(plain: str, country: str) -> bool:
    whole = _SHORTEST_NATIONAL.get(country)
    if whole is None or plain.startswith("+"):
        return False
    local = plain[2:] if country == "AR" and plain.startswith("15") else plain
    return 6 <= len(local) < whole
