"""Which column is which: by name, in three languages, or by the mapping; doubts are errors that name both columns."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from campaigns.lists.cells import folded
from campaigns.lists.vocabulary import FLAGS, SMALL_WORDS, vocabulary
from dialer.types import InputError

if TYPE_CHECKING:
    from campaigns.lists.mapping import Mapping

IDENTITIES = ("debtor", "document", "number", "phone")
"""What tells people apart, the best first."""

_MANY = frozenset({"phone"})
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each field stands: `at` has one place a field, `phones` several with the kind the header speaks of.

    `headers` are the names in the file, `unread` those nobody asked for, `identity` what tells people apart.
    """

    headers: tuple[str, ...]
    at: dict[str, int]
    phones: tuple[tuple[int, str], ...]
    flags: tuple[tuple[str, int], ...]
    custom: tuple[tuple[str, int], ...]
    unread: tuple[str, ...]
    identity: str

    def header(self, field: str) -> str:
        """Return the file's name for a field, or the field's own name when the file has none."""
        return self.headers[self.at[field]] if field in self.at else field

    def shown(self) -> list[tuple[str, str]]:
        """Return what was understood: the file's name and the field, in the file's order."""
        found = [(place, field) for field, place in self.at.items()]
        found += [(place, f"phone{f' ({kind})' if kind else ''}") for place, kind in self.phones]
        found += [(place, f"flag {flag}") for flag, place in self.flags]
        found += [(place, f"custom.{name}") for name, place in self.custom]
        return [(self.headers[place], field) for place, field in sorted(found)]


def understood(headers: Sequence[str], mapping: Mapping, country: str, custom: Collection[str] = ()) -> Columns:
    """Return what the columns of a header stand for; `custom` are the columns the campaign's segments ask for.

    Raises InputError naming the columns in doubt and the remedy.
    """
    told = _told(headers, mapping)
    found = _guessed(headers, told, mapping, country)
    _refuse_doubts(headers, found)
    at = {field: places[0] for field, places in found.items() if field not in _MANY and field not in FLAGS}
    phones = tuple((place, _phone_kind(headers[place])) for place in found.get("phone", ()))
    flags = tuple((flag, place) for flag in FLAGS for place in found.get(flag, ()))
    own = _custom(headers, mapping, custom)
    used = {*at.values(), *(p for p, _ in phones), *(p for _, p in flags), *(p for _, p in own)}
    unread = tuple(name for place, name in enumerate(headers) if place not in used and name)
    if not phones:
        raise InputError(
            f"no column holds phones; columns: {', '.join(headers)}. Call it phone (or teléfono, celular), "
            'or name it in a mapping: [columns] phone = "..."'
        )
    identity = next(each for each in IDENTITIES if each in at or each == "phone")
    return Columns(tuple(headers), at, phones, flags, own, unread, identity)


def recognised(headers: Iterable[str], country: str) -> int:
    """Return how many of these cells are names of columns: a header has some, a row of data none."""
    return sum(1 for name in headers if field_of(name, country) is not None)


def field_of(header: str, country: str) -> str | None:
    """Return the field a column's name stands for by itself; None when it is not known."""
    return _field(_words(header), country) or _field(_words(_CAMEL.sub(" ", header)), country)


def _field(words: Sequence[str], country: str) -> str | None:
    name = " ".join(words)
    if country in vocabulary()["subdivision_in"].get(name, ()):
        return "subdivision"
    field_by_name = _by_name().get(name)
    return field_by_name or ("phone" if _is_phone(words) else None)


def _words(header: str) -> list[str]:
    return [word for word in folded(header).split() if word not in SMALL_WORDS]


def _is_phone(words: Sequence[str]) -> bool:
    plain = [word.rstrip("0123456789") for word in words]
    plain = [word for word in plain if word]
    known = vocabulary()["phone"]
    return any(word in known["words"] for word in plain) and all(
        word in known["words"] or word in known["beside"] for word in plain
    )


def _phone_kind(header: str) -> str:
    words = {word.rstrip("0123456789") for word in (*_words(header), *_words(_CAMEL.sub(" ", header)))}
    known = vocabulary()["phone"]
    mobile, fixed = not words.isdisjoint(known["mobile"]), not words.isdisjoint(known["fixed"])
    return "" if mobile == fixed else ("mobile" if mobile else "fixed")


@lru_cache(maxsize=1)
def _by_name() -> dict[str, str]:
    return {" ".join(_words(name)): field for field, names in vocabulary()["names"].items() for name in names}


def _told(headers: Sequence[str], mapping: Mapping) -> dict[int, str]:
    """Return the field by place as the mapping says it; an ignored column is the field `ignore`."""
    told: dict[int, str] = {}
    said = [*mapping.columns.items(), *mapping.flags.items(), ("ignore", mapping.ignore)]
    for field, names in said:
        for name in names:
            places = [place for place, header in enumerate(headers) if folded(header) == folded(name)]
            if not places:
                raise InputError(
                    f"the mapping names a column {name!r} for {field}; there are only: {', '.join(headers)}"
                )
            told |= dict.fromkeys(places, field)
    return told


def _guessed(
    headers: Sequence[str], told: dict[int, str], mapping: Mapping, country: str
) -> defaultdict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    mapped = {*mapping.columns, *mapping.flags}
    taken = {folded(name) for name in mapping.custom.values()}
    for place, header in enumerate(headers):
        field = told.get(place) or field_of(header, country)
        by_itself = place not in told
        if field is None or field == "ignore" or (by_itself and (field in mapped or folded(header) in taken)):
            continue
        found[field].append(place)
    for field, names in vocabulary()["fallback"].items():
        if not found.get(field):
            found[field] += [
                place
                for place, header in enumerate(headers)
                if place not in told and field not in mapped and " ".join(_words(header)) in names
            ]
    return defaultdict(list, {field: places for field, places in found.items() if places})


def _refuse_doubts(headers: Sequence[str], found: dict[str, list[int]]) -> None:
    for field, places in found.items():
        if len(places) < 2 or field in _MANY or field in FLAGS:
            continue
        names = [headers[place] for place in places]
        if len({folded(name) for name in names}) < len(names):
            raise InputError(f"columns named twice: {names[0]}; keep one of each")
        wanted = " and ".join(repr(name) for name in names)
        raise InputError(
            f"columns {wanted} may both be {field}; say which in a mapping (--mapping): "
            f'[columns] {field} = "{names[0]}"'
        )


def _custom(headers: Sequence[str], mapping: Mapping, wanted: Collection[str]) -> tuple[tuple[str, int], ...]:
    found = []
    for name in sorted({*wanted, *mapping.custom}):
        header = mapping.custom.get(name, name)
        places = [place for place, each in enumerate(headers) if folded(each) == folded(header)]
        if len(places) > 1:
            raise InputError(f"columns named twice: {header}; keep one of each")
        if not places and name in mapping.custom:
            raise InputError(f"the mapping names a column {header!r} for custom.{name}, but there is none")
        found += [(name, place) for place in places]
    return tuple(found)
