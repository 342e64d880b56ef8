"""What a cell of a list holds, and what only looks like something."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache

Cell = str | int | float | date | None
"""A CSV file has only texts; a workbook has numbers and dates too."""

_NOTHING = frozenset(
    {"", "-", "--", "---", ".", "n/a", "na", "n.a.", "s/d", "s/n", "sin dato", "sin datos", "null", "none", "nan",
     "nulo", "nil", "#n/a", "#n/d", "#ref!", "#value!", "#valor!", "no tiene", "no posee", "no aplica", "no informa",
     "sin informacion", "sin telefono", "sin numero", "ninguno", "ninguna", "nao tem", "nao informado", "sem telefone",
     "vacio", "(vacio)", "(blank)", "unknown", "desconocido"}
)  # fmt: skip
_GUARDED = re.compile(r'^="(.*)"$', re.DOTALL)
_SPACES = str.maketrans(
    dict.fromkeys("\u00a0\u2007\u202f\u2009", " ") | dict.fromkeys("\ufeff\u200b\u200e\u200f", None)
)
_SEPARATORS = re.compile(r"[^a-z0-9]+")


class Unusable(Exception):
    """A value that cannot be used, and why; `field` is what the column stands for."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def text_of(cell: Cell) -> str:
    """Return a cell as text, without what spreadsheets wrap around it."""
    if cell.__class__ is str:
        text = cell if cell.isascii() else cell.translate(_SPACES)
        text = text.strip()
        return _unwrapped(text) if text[:1] in ("=", "'") else text
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _unwrapped(text: str) -> str:
    guarded = _GUARDED.match(text)
    return (guarded[1] if guarded else text).removeprefix("'").strip()


def is_nothing(text: str) -> bool:
    """Say whether a cell is empty, or says in words that it is."""
    if not text:
        return True
    if len(text) > 16:
        return False
    return text.lower() in _NOTHING or (not text.isascii() and folded(text) in _NOTHING)


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """Return a text without accents and capitals, words parted by single spaces: to compare names."""
    plain = unicodedata.normalize("NFKD", text.replace("º", "o").replace("°", "o").replace("ª", "a"))
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    return _SEPARATORS.sub(" ", letters.casefold()).strip()
