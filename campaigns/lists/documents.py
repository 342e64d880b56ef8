"""Document numbers, written one way: without dots, dashes and labels; a check digit stays."""

from __future__ import annotations

import re

from campaigns.lists.cells import Unusable, is_nothing

_LABEL = re.compile(
    r"^(?:DNI|RUT|RUN|CPF|CNPJ|CUIT|CUIL|CURP|RFC|NIF|NIE|RUC|NIT|CEDULA|CÉDULA|CC|CE|CI|TI|DOC)\b[\s:.#-]*"
)
_BETWEEN = re.compile(r"[\s.\-/_,]+")
_LETTERS = re.compile(r"[0-9A-Z]{3,32}")
_BRAZILIAN = {9: 11, 10: 11, 12: 14, 13: 14}
_FEWEST_DIGITS = 4


def document(text: str, country: str, field: str = "document") -> str | None:
    """Return a document number to compare by, None for none; raises Unusable for what cannot be one."""
    if is_nothing(text):
        return None
    plain = _BETWEEN.sub("", _LABEL.sub("", text.upper()))
    if not _LETTERS.fullmatch(plain) or sum(letter.isdigit() for letter in plain) < _FEWEST_DIGITS:
        raise Unusable(field, "not a document number")
    if len(set(plain)) == 1:
        raise Unusable(field, "a filler, not a document number")
    if country == "BR" and plain.isdigit():
        # A spreadsheet that takes it for a number drops its leading zeros.
        plain = plain.zfill(_BRAZILIAN.get(len(plain), len(plain)))
    return plain
