"""Amounts as people write them: the file's own rows prove which sign parts thousands and which parts cents."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Literal

from campaigns.lists.cells import Cell, Unusable, is_nothing, text_of

Mark = Literal["", ",", "."]
"""The decimal mark; empty: not known."""

_CENT = Decimal("0.01")
_MOST = Decimal("999999999999.99")
_PLAIN = re.compile(r"\d{1,12}")
_SIGNS = {"US$": "USD", "U$S": "USD", "U$D": "USD", "R$": "BRL", "€": "EUR", "£": "GBP", "S/.": "PEN", "S/": "PEN"}
_SYMBOLS = re.compile(r"US\$|U\$S|U\$D|R\$|S/\.|S/|€|£|₡|₲|\$|\bBs\.?|\bGs\.?|\bL\.|\bQ(?=\s*\d)", re.IGNORECASE)
_CODE = re.compile(r"^([A-Z]{3})\s*|\s*([A-Z]{3})$")
_BODY = re.compile(r"\d[\d.,' ]*\d|\d|[.,]\d{1,2}")
_BARE = re.compile(r"[0-9][0-9.,]*[0-9]")
"""What is nothing but digits and marks: most amounts, and known at one look."""

_GROUPED = {
    ",": re.compile(r"\d{1,3}(?:[.' ]\d{3})+(?:,\d*)?|\d+(?:,\d*)?|,\d+"),
    ".": re.compile(r"\d{1,3}(?:[,' ]\d{3})+(?:\.\d*)?|\d+(?:\.\d*)?|\.\d+"),
}


def proof(cell: Cell) -> Mark | None:
    """Return the decimal mark an amount proves, "" when it needs none, None when it may be read both ways."""
    if cell.__class__ is not str or cell.isdigit():
        return ""
    if _BARE.fullmatch(cell):
        return _proof(cell)
    body = _parts(text_of(cell))[0]
    if not _BODY.fullmatch(body):
        return ""
    return _proof(body)


def _proof(body: str) -> Mark | None:
    commas, points = body.count(","), body.count(".")
    if not commas and not points:
        return ""
    if commas and points:
        return "," if body.rindex(",") > body.rindex(".") else "."
    mark, count = (",", commas) if commas else (".", points)
    if count > 1:
        return "." if mark == "," else ","
    before, _, after = body.partition(mark)
    if len(after) == 3 and 1 <= len(before) <= 3 and before[0] != "0":
        return None
    return "," if mark == "," else "."


def amount(cell: Cell, mark: Mark, field: str = "balance") -> tuple[Decimal | None, str | None]:
    """Return an amount with two decimals and the currency written beside it; raises Unusable with the reason.

    `mark` is the file's decimal mark; "" means that every amount must prove its own.
    """
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _within(Decimal(repr(cell)).quantize(_CENT, ROUND_HALF_UP), field), None
    text = text_of(cell)
    if _PLAIN.fullmatch(text):
        return Decimal(text + ".00"), None
    if is_nothing(text):
        return None, None
    body, currency, negative = _parts(text)
    number = _number(body, mark, field)
    return _within(-number if negative else number, field), currency


def _parts(text: str) -> tuple[str, str | None, bool]:
    """Split an amount into its digits, the currency that is certain, and whether it is negative."""
    currency = None
    negative = text.startswith("(") and text.endswith(")")
    text = text[1:-1].strip() if negative else text
    text = text.replace("\u2212", "-")
    if symbol := _SYMBOLS.search(text):
        currency = _SIGNS.get(symbol[0].upper())
        text = (text[: symbol.start()] + text[symbol.end() :]).strip()
    if code := _CODE.search(text.strip("- ")):
        currency = code[1] or code[2]
        text = text.replace(currency, "", 1).strip()
    if text.startswith("-") or text.endswith("-"):
        negative, text = True, text.strip("- ")
    return text.strip(), currency, negative


def _number(body: str, mark: Mark, field: str) -> Decimal:
    if not _BODY.fullmatch(body):
        raise Unusable(field, "not an amount such as 1234.56")
    used = mark or _proof(body)
    if used is None:
        raise Unusable(field, "may be thousands or decimals; say which in the mapping: [formats] decimal")
    if not _GROUPED[used or "."].fullmatch(body):
        raise Unusable(field, f"not an amount with the decimal mark '{used}'")
    group = "." if used == "," else ","
    digits = body.replace(group, "").replace("'", "").replace(" ", "").replace(",", ".")
    number = Decimal(digits)
    cents = number.quantize(_CENT)
    if cents != number:
        raise Unusable(field, "more than two decimals")
    return cents


def _within(number: Decimal, field: str) -> Decimal:
    if abs(number) > _MOST:
        raise Unusable(field, "larger than any amount the books can hold")
    return number


def share(cell: Cell, mark: Mark, field: str = "score") -> float | None:
    """Return a score: a number as it is, a percentage as a part of one."""
    if isinstance(cell, int | float):
        return float(cell)
    text = text_of(cell)
    if is_nothing(text):
        return None
    percent = text.endswith("%")
    body = text.removesuffix("%").strip()
    used = mark or (_proof(body) if _BODY.fullmatch(body.lstrip("-")) else ".") or "."
    try:
        number = float(body.replace(".", "").replace(",", ".") if used == "," else body.replace(",", ""))
    except ValueError:
        raise Unusable(field, "not a number such as 0.85 or 85 %") from None
    if not isfinite(number) or abs(number) > 1e12:
        raise Unusable(field, "not a number such as 0.85 or 85 %")
    return number / 100 if percent else number
