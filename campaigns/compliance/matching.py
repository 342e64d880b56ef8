"""Which profiles bind a call: by where the debtor lives, where the number belongs, and where the agent sits.

What is not known could be anything: a profile that may bind does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from campaigns.compliance.geography import EU, belongs, parent, same_locality
from campaigns.compliance.schema import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What decides which profiles bind; an empty text says that something is not known.

    `subdivision`, `phone_subdivision` and `agent_in` are codes of ISO 3166-2; `party` is `first` for the debtor.
    """

    country: str
    subdivision: str = ""
    locality: str = ""
    phone_country: str = ""
    phone_subdivision: str = ""
    party: str = "first"
    creditor: str = ""
    agent_in: str = ""

    @property
    def countries(self) -> frozenset[str]:
        """The countries whose rules bind: of the address and of the number."""
        return frozenset(country for country in (self.country, self.phone_country) if country)

    def subdivisions_in(self, country: str) -> tuple[str, ...]:
        """Return what is known of the subdivision in one country: the address first, else the number's area."""
        for code, owner in ((self.subdivision, self.country), (self.phone_subdivision, self.phone_country)):
            if owner == country and belongs(code, country):
                return (code, parent(code)) if parent(code) != code else (code,)
        return ()


def binds(match: Match, place: Place, on: date) -> bool:
    """Say whether a profile binds, or may; `on` is the debtor's date."""
    if match.since is not None and on < match.since:
        return False
    bound = [answer is not False for answer in _answers(match, place)]
    return any(bound) if match.mode == "any" else all(bound)


def _answers(match: Match, place: Place) -> Iterator[bool | None]:
    """Yield whether each key that is given holds; None where it may."""
    if match.country:
        yield match.country in place.countries
    if match.region:
        yield bool(place.countries & EU)
    if match.subdiv:
        yield _in_subdivision(match.subdiv, place)
    if match.locality:
        yield same_locality(match.locality, place.locality) if place.locality else None
    if match.party:
        yield match.party == place.party
    if match.creditor:
        yield match.creditor == place.creditor if place.creditor else None
    if match.agent_in:
        yield _agent_in(match.agent_in, place)


def _in_subdivision(wanted: str, place: Place) -> bool | None:
    country = wanted[:2]
    if country not in place.countries:
        return False
    known = place.subdivisions_in(country)
    return wanted in known if known else None


def _agent_in(wanted: str, place: Place) -> bool | None:
    if place.agent_in:
        return wanted == place.agent_in
    return None if wanted[:2] in place.countries else False
