"""Numbers that the phone library cannot tell apart by country, kind or zone: a block is looked up once for all of them.

Nothing is guessed: a block is taken only where every pattern of its country answers alike for all numbers in it.
Where one does not, the next longer beginning is tried, and in the end the number stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

import phonenumbers
from phonenumbers.tzdata import TIMEZONE_DATA

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_ANY = "#"  # stands for whatever digit
_SHORTEST, _LONGEST = 6, 10  # characters of a beginning, the plus included: longer than any area code we know of
_FREE = 3  # digits at least that a block leaves open; smaller blocks would save nothing

_TOKEN = re.compile(r"\\d|\[[0-9-]+\]|\{[0-9,]+\}|[0-9]")
_PLAIN = re.compile(r"(?:\\d|\[[0-9-]+\]|\{[0-9,]+\}|[0-9]|\(\?:|[()|?])*")
_KINDS = (
    "general_desc",
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)


def alike(phone: str) -> str:
    """Return the number that stands for the block of a number (E.164): same country, kind, area and zones.

    Anything else than a number in E.164 stands for itself, and so does a number of no block.
    """
    for size in range(_SHORTEST, min(_LONGEST, len(phone) - _FREE) + 1):
        if _is_block(phone[:size], len(phone)):
            # Every character counts: what is no digit is no number of the block.
            return phone[:size].ljust(len(phone), "0") if _E164.fullmatch(phone) else phone
    return phone


@lru_cache(maxsize=1 << 17)
def _is_block(beginning: str, length: int) -> bool:
    """Say whether all numbers of a length that begin so are alike."""
    beginning = beginning[1:]
    if not beginning.isdecimal() or beginning in _longer_zones():
        return False
    code = next((beginning[:size] for size in (1, 2, 3) if _regions(beginning[:size])), "")
    national = beginning[len(code) :] + _ANY * (length - 1 - len(beginning))
    regions = _regions(code)
    found = [phonenumbers.PhoneMetadata.metadata_for_region(region, None) for region in regions]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(regions) or not _kept_whole(known[0], national):
        return False
    return all(_answers_alike(pattern, national, whole=whole) for each in known for pattern, whole in _patterns(each))


def _regions(code: str) -> tuple[str, ...]:
    return tuple(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())) if code else ()


def _kept_whole(country: phonenumbers.PhoneMetadata, national: str) -> bool:
    """Say whether the library surely takes no national prefix off such a number."""
    pattern = country.national_prefix_for_parsing
    if not pattern:
        return True
    perhaps = _perhaps(pattern.replace("$", ""))
    found = perhaps.match(national) if perhaps is not None else None
    return perhaps is not None and (found is None or found.end() == 0)


def _patterns(country: phonenumbers.PhoneMetadata) -> Iterator[tuple[str, bool]]:
    if country.leading_digits:
        yield country.leading_digits, False
    for kind in _KINDS:
        described = getattr(country, kind)
        if described is not None and described.national_number_pattern:
            yield described.national_number_pattern, True


def _answers_alike(pattern: str, national: str, *, whole: bool) -> bool:
    surely, perhaps = _surely(pattern), _perhaps(pattern)
    if surely is None or perhaps is None:
        return False
    if whole:
        return bool(surely.fullmatch(national)) or not perhaps.fullmatch(national)
    return bool(surely.match(national)) or not perhaps.match(national)


@lru_cache(maxsize=4096)
def _surely(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern that matches open digits only where every digit matches; None for one that is not understood."""
    return _opened(pattern, lambda token: token in (r"\d", "[0-9]"))


@lru_cache(maxsize=4096)
def _perhaps(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern that matches open digits wherever one digit might; None for one that is not understood."""
    return _opened(pattern, lambda token: not token.startswith("{"))


def _opened(pattern: str, opens: Callable[[str], bool]) -> re.Pattern[str] | None:
    if not _PLAIN.fullmatch(pattern):
        return None

    def opened(found: re.Match[str]) -> str:
        token = found[0]
        return f"[{token.strip('[]')}{_ANY}]" if opens(token) else token

    return re.compile(_TOKEN.sub(opened, pattern))


@lru_cache(maxsize=1)
def _longer_zones() -> frozenset[str]:
    """Return every beginning that alone does not tell the zone, because a longer one tells another."""
    return frozenset(str(key)[:size] for key in TIMEZONE_DATA for size in range(1, len(str(key))))
