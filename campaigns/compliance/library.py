"""The profiles of an installation: those shipped, and those of the house, which replace or add to them.

A library never changes; a changed directory makes a new one, and whoever holds it sees the new rules at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Self

from campaigns.compliance.closed_days import check
from campaigns.compliance.geography import belongs
from campaigns.compliance.matching import Place, binds
from campaigns.compliance.rulebook import Rulebook, merged
from campaigns.compliance.schema import UNMATCHED, Profile, parse_profiles
from campaigns.compliance.subject import Subject, Terms, place_of, stated_schedule
from campaigns.compliance.timetable import Schedule, Timetable
from campaigns.compliance.windows import zone_of
from campaigns.compliance.zones import candidate_zones
from dialer.types import ConfigError, Refused

BASE = "base"
DEMO = "demo"

_FAR_EAST = timedelta(hours=14)
_KEPT = 4096
_KEPT_PLACES = 65536


@dataclass(frozen=True, slots=True)
class Position:
    """Where one debtor stands: the rulebook that binds, the zones that count, and the hours that are left."""

    rulebook: Rulebook
    zones: tuple[str, ...]
    timetable: Timetable


class Library:
    """Every profile there is, and the rulebooks made of them.

    Raises ConfigError where a profile is wrong or those that bind together contradict each other.
    """

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self.profiles: Mapping[str, Profile] = MappingProxyType(dict(profiles))
        self._found: dict[tuple[Place, date, str], Rulebook | Refused] = {}
        self._rulebooks: dict[tuple[Place, tuple[str, ...]], Rulebook | Refused] = {}
        self._timetables: dict[tuple[str, tuple[Schedule, ...]], Timetable] = {}
        self._dated = any(profile.rules.match and profile.rules.match.since for profile in profiles.values())
        self._check()

    @classmethod
    def shipped(cls) -> Library:
        """Return the profiles of the package, the same object every time."""
        return _shipped()

    def with_house(self, texts: Mapping[str, str]) -> Self:
        """Return a library in which the profiles of these files (name -> text) replace those of the same id."""
        profiles, seen = dict(self.profiles), dict[str, str]()
        for name, text in sorted(texts.items()):
            for profile in parse_profiles(text, name).values():
                if profile.id in seen:
                    raise ConfigError(f"{name}: [{profile.id}] stands in {seen[profile.id]} as well; keep one of them")
                seen[profile.id] = name
                profiles[profile.id] = profile
        return type(self)(profiles)

    def profile(self, name: str) -> Profile:
        """Return a profile; raise ConfigError naming the known ones."""
        if name not in self.profiles:
            raise ConfigError(f"unknown profile {name!r}; known: {', '.join(self.profiles)}")
        return self.profiles[name]

    def rulebook(self, place: Place, on: date, profile: str = "") -> Rulebook | Refused:
        """Return everything that binds at a place on the debtor's date; `profile` holds instead of those matched.

        Refuses with `unknown_profile` where a country has none, `contradictory_profiles` where nobody could obey all.
        """
        known = self._found.get((place, on, profile))
        if known is None:
            if len(self._found) >= _KEPT_PLACES:
                self._found.clear()
            known = self._found[place, on, profile] = self._bound(place, on, profile)
        return known

    def _bound(self, place: Place, on: date, profile: str) -> Rulebook | Refused:
        if profile:
            return self._joined(place, (self.profile(profile).id,))
        if missing := self._missing(place, on):
            return Refused("unknown_profile", missing)
        return self._joined(place, (BASE, *self._matching(place, on)))

    def _matching(self, place: Place, on: date) -> list[str]:
        matches = ((p.id, p.rules.match) for p in self.profiles.values() if p.id not in UNMATCHED)
        return [name for name, match in matches if match is not None and binds(match, place, on)]

    def position(self, subject: Subject, terms: Terms, now: datetime) -> Position | Refused:
        """Return where a debtor stands now; the first thing asked of any call.

        Refuses with `unknown_profile`, `contradictory_profiles`, `unknown_zone` or `unknown_hours`.
        """
        place = place_of(subject, terms)
        found = self.rulebook(place, (now.astimezone(UTC) + _FAR_EAST).date(), terms.profile)
        if isinstance(found, Refused):
            return found
        zones = candidate_zones(
            stated=subject.stated_zone,
            country=place.country,
            subdivision=place.subdivision,
            locality=place.locality,
            phone=subject.phone,
            evidence=found.evidence,
        )
        if not zones:
            return Refused("unknown_zone", f"stated {subject.stated_zone!r}, {_address(place)}, {subject.phone}")
        if self._dated:
            found = self.rulebook(place, max(now.astimezone(zone_of(zone)).date() for zone in zones), terms.profile)
            if isinstance(found, Refused):
                return found
        try:
            return Position(found, zones, self._timetable(found, subject, terms))
        except ValueError as exc:
            return Refused("unknown_hours", f"the debtor's own hours: {exc}")

    def _missing(self, place: Place, on: date) -> str:
        if not place.country:
            return "the debtor's country is not known; give it in the list or in the campaign"
        if not place.phone_country:
            return "the number belongs to no country"
        whole = {
            p.rules.match.country
            for p in self.profiles.values()
            if p.rules.match and p.rules.match.country and p.rules.windows and binds(p.rules.match, place, on)
        }
        missing = sorted(place.countries - whole)
        return f"no profile for {', '.join(missing)}; write one in compliance.directory" if missing else ""

    def _joined(self, place: Place, ids: tuple[str, ...]) -> Rulebook | Refused:
        where = Place(
            country=place.country,
            subdivision=place.subdivision,
            phone_country=place.phone_country,
            phone_subdivision=place.phone_subdivision,
        )
        known = self._rulebooks.get((where, ids))
        if known is None:
            try:
                known = merged([self.profiles[name] for name in ids], where.subdivisions_in)
            except ConfigError as exc:
                known = Refused("contradictory_profiles", str(exc))
            if len(self._rulebooks) >= _KEPT:
                self._rulebooks.clear()
            self._rulebooks[where, ids] = known
        return known

    def _timetable(self, rulebook: Rulebook, subject: Subject, terms: Terms) -> Timetable:
        asked = stated_schedule(subject.stated_hours)
        own = terms.hours if asked is None else (*terms.hours, asked)
        known = self._timetables.get((rulebook.hash, own))
        if known is None:
            if len(self._timetables) >= _KEPT:
                self._timetables.clear()
            known = self._timetables[rulebook.hash, own] = Timetable((*rulebook.schedules, *own), rulebook.shut)
        return known

    def _check(self) -> None:
        """Join what can meet in one country, so that a contradiction is told when it is loaded."""
        for name in (BASE, DEMO):
            self.profile(name)
        for profile in self.profiles.values():
            if profile.rules.holidays is not None:
                check(profile.id, profile.rules.holidays)
        for where in self._meetings():
            ids = (BASE, *self._matching(where, date.max))
            merged([self.profiles[name] for name in ids], where.subdivisions_in)

    def _meetings(self) -> list[Place]:
        matches = [p.rules.match for p in self.profiles.values() if p.id not in UNMATCHED and p.rules.match]
        found = []
        for country in sorted({match.country for match in matches if match.country}):
            codes = {match.subdiv or "" for match in matches} | {match.agent_in or "" for match in matches}
            own = sorted(code for code in codes if belongs(code, country))
            found += [Place(country=country, phone_country=country, subdivision=code) for code in ["", *own]]
        return found


def _address(place: Place) -> str:
    said = ", ".join(part for part in (place.country, place.subdivision, place.locality) if part)
    return f"address {said!r}"


@lru_cache(maxsize=1)
def _shipped() -> Library:
    folder = files("campaigns.compliance").joinpath("profiles")
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")
    }
    profiles = {
        profile.id: profile
        for name in sorted(texts, key=lambda name: (name != f"{BASE}.toml", name))
        for profile in parse_profiles(texts[name], name).values()
    }
    return Library(profiles)
