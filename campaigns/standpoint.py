"""How the rules see a call: one debtor on one phone, and what the campaign brings along. Pure.

Whoever calls and whoever explains why nobody is called ask through here, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from campaigns.compliance import (
    Consent,
    Judgement,
    Position,
    Subject,
    Tally,
    Terms,
    judge,
    needs_reserved_agent,
)
from dialer.config import CampaignConfig, Window
from dialer.types import Refused


class Called(Protocol):
    """A call as far as the law asks; `dialer.types.AttemptRecord` is one."""

    @property
    def phone(self) -> str:
        """The number (E.164)."""
        ...

    @property
    def debtor_id(self) -> int:
        """Whose it is."""
        ...

    @property
    def accounts(self) -> tuple[int, ...]:
        """The debts it is about."""
        ...

    @property
    def place(self) -> tuple[str, ...]:
        """Country, subdivision, locality and party, as far as they are known."""
        ...

    @property
    def time_zone(self) -> str:
        """What is stated of the debtor's clock."""
        ...


class Waiting(Called, Protocol):
    """A call that is not placed yet; `dialer.types.QueuedLead` is one."""

    @property
    def phone_kind(self) -> str:
        """What the list says of the number: `mobile`, `home`, `work`, or nothing."""
        ...

    @property
    def days_overdue(self) -> int | None:
        """How long the least overdue of its debts is; None where one is not known."""
        ...

    @property
    def asked_at(self) -> datetime | None:
        """When the debtor asked to be called, and until when that counts."""
        ...

    @property
    def asked_until_at(self) -> datetime | None:
        """Until when a debtor who asked may be called whatever caps say."""
        ...


def subject_of(lead: Waiting, country: str) -> Subject:
    """Return the debtor as the rules see him; `country` is the campaign's, for debtors without an address."""
    seen = subject_of_call(lead, country)
    consent = None
    if lead.asked_at is not None and lead.asked_until_at is not None:
        consent = Consent(lead.asked_at, lead.asked_until_at, phone=lead.phone)
    return replace(seen, phone_kind=lead.phone_kind, days_overdue=lead.days_overdue, consent=consent)


def subject_of_call(call: Called, country: str) -> Subject:
    """Return the debtor of a call that was placed: enough to find the rules it stood under."""
    place = (*call.place, "", "", "", "")[:4]
    return Subject(
        phone=call.phone,
        debtor_id=call.debtor_id,
        accounts=call.accounts,
        country=place[0] or country,
        subdivision=place[1],
        locality=place[2],
        stated_zone=call.time_zone,
        party=place[3] or "first",
    )


def least_overdue(debts: Iterable[tuple[int, int | None]], about: Collection[int]) -> int | None:
    """Return the days overdue of the least overdue debt a call is about (none named: all); None where one is unknown.

    `debts` are the debtor's, each with its days.
    """
    days = [overdue for account, overdue in debts if not about or account in about]
    known = [overdue for overdue in days if overdue is not None]
    return min(known) if known and len(known) == len(days) else None


def terms_of(campaign: CampaignConfig, segment: str, started_at: datetime | None) -> Terms:
    """Return what campaign and segment bring along; a segment that is gone brings nothing of its own."""
    own = next((each.windows for each in campaign.segments if each.name == segment), ())
    return Terms.of(
        _windows(campaign.windows),
        _windows(own),
        creditor=campaign.creditor,
        agent_in=campaign.agent_in,
        profile=campaign.profile,
        started_at=started_at,
    )


def judged(
    position: Position | Refused,
    subject: Subject,
    now: datetime,
    ring_s: float,
    tallies: Sequence[Tally] | None,
    *,
    campaign_started_at: datetime | None = None,
) -> Judgement:
    """Return what the rules say of a call by a dialer that may abandon it; the arguments are those of `judge`."""
    judgement = judge(position, subject, now, ring_s, tallies, campaign_started_at=campaign_started_at)
    if isinstance(position, Refused) or not needs_reserved_agent(position.rulebook.facts, subject.phone):
        return judgement
    # The message of an abandoned call may not be played there. That is known before anything is counted.
    alone = Refused("agent_not_reserved", f"{subject.phone} may be called only with an agent held for it")
    counted = sum(tally.full for tally in tallies or ())
    first = len(judgement.refusals) - counted
    refusals = (*judgement.refusals[:first], alone, *judgement.refusals[first:])
    return replace(judgement, refusals=refusals, until=None)


def _windows(lines: Sequence[str]) -> tuple[Window, ...]:
    return tuple(Window.parse(line) for line in lines)
