"""Whom a call is for and on whose behalf: all that the rules may ask about, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

import phonenumbers

from campaigns.compliance.geography import area_subdivision
from campaigns.compliance.hours import Opening, parse_opening
from campaigns.compliance.matching import Place
from campaigns.compliance.number_blocks import alike
from campaigns.compliance.timetable import Schedule
from campaigns.compliance.windows import OpeningHours, as_opening
from campaigns.compliance.zones import phone_country


@dataclass(frozen=True, slots=True)
class Consent:
    """The debtor asked to be called again: when, until when, and for which number and debts (None: any)."""

    given_at: datetime
    until: datetime
    phone: str | None = None
    accounts: frozenset[int] | None = None

    def covers(self, key: str, now: datetime, longest_days: int | None) -> bool:
        """Say whether frequency rules at a ledger key give way to it now."""
        until = self.until
        if longest_days is not None:
            until = min(until, self.given_at + timedelta(days=longest_days))
        if not self.given_at <= now < until:
            return False
        if key.startswith("phone:"):
            return self.phone in (None, key.removeprefix("phone:"))
        return not key.startswith("debt:") or self.accounts is None or int(key.removeprefix("debt:")) in self.accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One debtor on one phone. An empty text or None says that something is not known.

    `accounts` are the debts this call is about; `days_overdue` is the least overdue of them. `lists` are the
    suppression lists the phone, the person or a debt stands on. `stated_hours` are hours the debtor asked for.
    """

    phone: str
    debtor_id: int
    accounts: tuple[int, ...] = ()
    country: str = ""
    subdivision: str = ""
    locality: str = ""
    stated_zone: str = ""
    stated_hours: tuple[str, ...] = ()
    party: str = "first"
    phone_kind: str = ""
    days_overdue: int | None = None
    noticed_on: date | None = None
    voice_authorised: bool | None = None
    lists: frozenset[str] = frozenset()
    consent: Consent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the campaign and its segment bring along: their own hours, whose debt it is, where the agents sit.

    `profile` names a profile that holds instead of those matched (`demo`); empty in every real campaign.
    """

    hours: tuple[Schedule, ...] = ()
    creditor: str = ""
    agent_in: str = ""
    profile: str = ""
    started_at: datetime | None = None

    @classmethod
    def of(
        cls,
        windows: tuple[OpeningHours, ...] = (),
        segment_windows: tuple[OpeningHours, ...] = (),
        *,
        creditor: str = "",
        agent_in: str = "",
        profile: str = "",
        started_at: datetime | None = None,
    ) -> Terms:
        """Return the terms of a campaign file; windows that are not given restrict nothing."""
        own = (("campaign", windows), ("segment", segment_windows))
        hours = tuple(
            Schedule(owner, "own hours", tuple(as_opening(window) for window in given)) for owner, given in own if given
        )
        return cls(hours=hours, creditor=creditor, agent_in=agent_in, profile=profile, started_at=started_at)


def place_of(subject: Subject, terms: Terms) -> Place:
    """Return what decides which profiles bind this call."""
    return Place(
        country=subject.country,
        subdivision=subject.subdivision,
        locality=subject.locality,
        phone_country=phone_country(subject.phone),
        phone_subdivision=area_subdivision(subject.phone),
        party=subject.party,
        creditor=terms.creditor,
        agent_in=terms.agent_in,
    )


@lru_cache(maxsize=4096)
def stated_schedule(lines: tuple[str, ...]) -> Schedule | None:
    """Return the hours a debtor asked for; raises ValueError for a line that is no window."""
    asked: tuple[Opening, ...] = tuple(parse_opening(line) for line in lines)
    return Schedule("debtor", "asked for", asked) if asked else None


def may_be_wireless(phone: str) -> bool:
    """Say whether a number may be a mobile one; what cannot be told may be."""
    return _wireless(alike(phone))


@lru_cache(maxsize=65536)
def _wireless(phone: str) -> bool:
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return True
    wired = (
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.VOIP,
    )
    return kind not in wired
