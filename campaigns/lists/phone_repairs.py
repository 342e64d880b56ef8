"""Numbering plans that changed, and habits of dialling: what an invalid number may have been meant as."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Candidate = tuple[str, str, str]
"""Name of the repair, the number in the country or international, and the kind it then must have ("" any)."""

_CODES = {"AR": "54", "BR": "55", "CL": "56", "CO": "57", "MX": "52", "PE": "51", "UY": "598", "EC": "593", "ES": "34"}


def candidates(digits: str, country: str) -> Iterator[Candidate]:
    """Yield what a number that is not valid as it stands may be in a country."""
    if digits.startswith("00"):
        yield "00 for +", f"+{digits[2:]}", ""
    code = _CODES.get(country)
    national = _national(digits, code)
    if national is None:
        return
    if national != digits.lstrip("+"):
        yield "country code without +", national, ""
    if country in _PLANS:
        yield from _PLANS[country](national)


def _national(digits: str, code: str | None) -> str | None:
    """Return the number without its country code; None for one of another country."""
    international = digits.startswith(("+", "00"))
    bare = digits.removeprefix("+") if digits.startswith("+") else digits.removeprefix("00")
    if code is not None and bare.startswith(code) and (international or len(bare) > 10):
        return bare.removeprefix(code)
    return None if international else digits


def _argentina(number: str) -> Iterator[Candidate]:
    number = number.lstrip("0")
    if number.startswith("9") and len(number) == 13:
        # Both the 9 of calls from abroad and the 15 of calls at home: the library takes the 15 out.
        yield "AR: 9 and 15 together", number[1:], "mobile"
    if len(number) in (10, 12):
        yield "AR: 0 before the area code", number, ""


def _mexico(number: str) -> Iterator[Candidate]:
    if found := re.fullmatch(r"(044|045|01|1|0)(\d{10})", number):
        yield f"MX: old {found[1]} before the number", found[2], ""


def _chile(number: str) -> Iterator[Candidate]:
    number = number.lstrip("0")
    yield "CL: 0 before the number", number, ""
    if len(number) == 8 and number[0] in "56789":
        yield "CL: missing 9 of a mobile", f"9{number}", "mobile"
    if len(number) == 8 and number[0] in "234":
        yield "CL: missing 9 of a mobile", f"9{number}", "mobile"
        yield "CL: missing area code 2", f"2{number}", "fixed"
    if len(number) == 10 and number.startswith("99"):
        yield "CL: 9 twice", number[1:], "mobile"


def _brazil(number: str) -> Iterator[Candidate]:
    bare = _without_carrier(number)
    if bare != number:
        yield "BR: 0 and carrier code", bare, ""
    if len(bare) == 10 and bare[2] in "6789":
        yield "BR: missing 9 of a mobile", f"{bare[:2]}9{bare[2:]}", "mobile"


def _without_carrier(number: str) -> str:
    if not number.startswith("0"):
        return number
    whole = number.lstrip("0")
    return whole[2:] if len(whole) in (12, 13) else whole


def _colombia(number: str) -> Iterator[Candidate]:
    if found := re.fullmatch(r"(?:0[3579]?)?([124-8]\d{7})", number):
        yield "CO: 60 before a landline", f"60{found[1]}", "fixed"
    if found := re.fullmatch(r"0[3579]?(3\d{9}|60\d{8})", number):
        yield "CO: 0 and carrier code", found[1], ""


_PLANS: dict[str, Callable[[str], Iterator[Candidate]]] = {
    "AR": _argentina,
    "BR": _brazil,
    "CL": _chile,
    "CO": _colombia,
    "MX": _mexico,
}
