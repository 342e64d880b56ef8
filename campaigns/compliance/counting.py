"""How often a debtor has been called, and how often is enough: the limits of one call, made from its rulebook."""

from __future__ import annotations

from datetime import datetime

from campaigns.compliance.limits import Limit, debt_key, other_channels_key, person_key, phone_key
from campaigns.compliance.periods import since
from campaigns.compliance.rulebook import Rule, Rulebook
from campaigns.compliance.subject import Subject


def keys(subject: Subject) -> tuple[str, ...]:
    """Return every ledger key one dial to this subject counts at: the phone, the person, and each debt."""
    debts = tuple(debt_key(account) for account in subject.accounts)
    return (phone_key(subject.phone), person_key(subject.debtor_id), *debts)


def limits(
    rulebook: Rulebook,
    subject: Subject,
    zones: tuple[str, ...],
    now: datetime,
    *,
    campaign_started_at: datetime | None = None,
    agent_reserved: bool = False,
) -> tuple[Limit, ...]:
    """Return every cap and cool-down that one call must keep, for the ledger to count and to reserve.

    `agent_reserved` says that an agent is held for this call alone. What the debtor agreed to is left out, inside
    its scope and until it expires. One dial for three debts has three limits for each rule about debts.
    """
    return tuple(
        Limit(rule.id, rule.kind, key, since(rule.period, zones, now, campaign_started_at), rule.most, rule.period)
        for rule in rulebook.rules
        if not (agent_reserved and rule.unless == "agent_reserved")
        for key in _keys(rule, subject)
        if not _agreed(subject, key, now, rulebook.facts.consent_days)
    )


def _keys(rule: Rule, subject: Subject) -> tuple[str, ...]:
    match rule.key:
        case "phone":
            return (phone_key(subject.phone),)
        case "person":
            return (person_key(subject.debtor_id),)
        case "debt":
            # A debtor without a known debt is counted as one debt.
            return tuple(debt_key(account) for account in subject.accounts) or (person_key(subject.debtor_id),)
        case _:
            return (other_channels_key(subject.debtor_id),)


def _agreed(subject: Subject, key: str, now: datetime, longest_days: int | None) -> bool:
    return subject.consent is not None and subject.consent.covers(key, now, longest_days)
