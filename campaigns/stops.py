"""Who must not be called, in words: kinds of suppression, what each is kept by, and which hold a call back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from campaigns.compliance import debt_key, person_key, phone_key
from dialer.types import Refused

RULE = "suppressed"

Scope = Literal["phone", "person", "debt"]


class StopKind(StrEnum):
    """Why we ourselves do not call; every other kind is the name of an imported do-not-call list."""

    INTERNAL = "internal"
    CEASE_REQUEST = "cease_request"
    REPRESENTED = "represented"
    DECEASED = "deceased"
    WRONG_NUMBER = "wrong_number"
    DISPUTE = "dispute"
    HARDSHIP = "hardship"


OWN_KINDS = frozenset(kind.value for kind in StopKind)
"""These hold a call back whatever profile is in force; a do-not-call list only where a profile names it."""

ABOUT_A_PERSON = frozenset({StopKind.CEASE_REQUEST, StopKind.REPRESENTED, StopKind.DECEASED, StopKind.HARDSHIP})
"""Told with a number, these hold for everybody who has it, on all their numbers."""

BY_DISPOSITION: Mapping[str, tuple[StopKind, Scope]] = MappingProxyType(
    {
        "wrong_party": (StopKind.WRONG_NUMBER, "phone"),
        "wrong_number": (StopKind.WRONG_NUMBER, "phone"),
        "numero_equivocado": (StopKind.WRONG_NUMBER, "phone"),
        "deceased": (StopKind.DECEASED, "person"),
        "fallecido": (StopKind.DECEASED, "person"),
        "represented": (StopKind.REPRESENTED, "person"),
        "con_abogado": (StopKind.REPRESENTED, "person"),
        "cease": (StopKind.CEASE_REQUEST, "person"),
        "cease_request": (StopKind.CEASE_REQUEST, "person"),
        "no_llamar": (StopKind.CEASE_REQUEST, "person"),
        "dispute": (StopKind.DISPUTE, "debt"),
        "disputa": (StopKind.DISPUTE, "debt"),
        "hardship": (StopKind.HARDSHIP, "person"),
        "vulnerable": (StopKind.HARDSHIP, "person"),
    }
)
"""What an agent says of a conversation that ends all calls: to the number, to the person, or about the debt."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One suppression in force; `until` None means until somebody lifts it."""

    key: str
    kind: str
    until: datetime | None = None
    by: str = ""
    since: datetime | None = None

    def __str__(self) -> str:
        """Say it in a few words."""
        since = f" since {self.since:%Y-%m-%d %H:%M}" if self.since else ""
        return f"{self.kind} on {self.key}{since}" + (f", by {self.by}" if self.by else "")


Stops = Mapping[str, Sequence[Stop]]
"""Suppressions in force, by key."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A debtor on one phone, and the debts the call is about."""

    phone: str
    debtor_id: int
    accounts: tuple[int, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything a suppression of this call may be kept by."""
        return (phone_key(self.phone), person_key(self.debtor_id), *map(debt_key, self.accounts))


def blocks(kind: str, lists: frozenset[str] | None) -> bool:
    """Say whether a kind holds calls back where the profiles name these lists; None: all lists there are."""
    return kind in OWN_KINDS or lists is None or kind in lists


def held_back(stops: Stops, callee: Callee, lists: frozenset[str] | None = None) -> Refused | None:
    """Return why nobody may be called on this phone now, or None.

    Debts hold a call back only when nothing is left to talk about: every one of them is suppressed.
    """
    direct = [
        stop
        for key in (phone_key(callee.phone), person_key(callee.debtor_id))
        for stop in stops.get(key, ())
        if blocks(stop.kind, lists)
    ]
    if direct:
        return Refused(RULE, "; ".join(map(str, direct)), _last(direct))
    by_debt = [[stop for stop in stops.get(debt_key(debt), ()) if blocks(stop.kind, lists)] for debt in callee.accounts]
    if not by_debt or not all(by_debt):
        return None
    ends = [_last(found) for found in by_debt]
    first = min((end for end in ends if end is not None), default=None)
    return Refused(RULE, "; ".join(str(stop) for found in by_debt for stop in found), first)


def _last(stops: Iterable[Stop]) -> datetime | None:
    """Return when the last of them ends; None for never."""
    ends = [stop.until for stop in stops]
    return None if None in ends else max((end for end in ends if end is not None), default=None)
