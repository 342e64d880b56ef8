"""Words of these stories: an hour somewhere, a debtor, a ledger that counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.compliance import Happening, Judgement, Library, Limit, Position, Subject, Tally, Terms, judge, limits
from dialer.types import Allowed, Refused, Verdict

PHONES = {
    "AR": "+541143215678",
    "BR": "+551132345678",
    "CA": "+14165550123",
    "CL": "+56221234567",
    "CO": "+573001234567",
    "ES": "+34912345678",
    "GB": "+442079460000",
    "IE": "+35316771234",
    "IT": "+390669812345",
    "MX": "+525555123456",
    "PE": "+5117123456",
    "US": "+12125550123",
}
"""A landline of the capital, or a mobile where those are alike."""

RING_S = 28.0


def at(zone: str, text: str, fold: int = 0) -> datetime:
    """Return an instant by somebody's wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def debtor(country: str, subdivision: str = "", **facts: Any) -> Subject:
    """Return a debtor of a country with one debt and a phone of the same country."""
    given: dict[str, Any] = {"phone": PHONES.get(country, "+4915112345678"), "debtor_id": 7, "accounts": (71,)} | facts
    return Subject(country=country, subdivision=subdivision, **given)


def position(subject: Subject, now: datetime, library: Library | None = None, **terms: Any) -> Position:
    """Return where a debtor stands; the story fails if nowhere."""
    found = (library or Library.shipped()).position(subject, Terms(**terms), now)
    assert isinstance(found, Position), found
    return found


def hours(subject: Subject, now: datetime, library: Library | None = None, **terms: Any) -> Verdict:
    """Ask only whether this is an hour to call."""
    found = position(subject, now, library, **terms)
    return found.timetable.may_dial(found.zones, now, found.rulebook.needed_s(RING_S))


def open_at(subject: Subject, now: datetime, library: Library | None = None, **terms: Any) -> bool:
    """Say whether this is an hour to call."""
    return isinstance(hours(subject, now, library, **terms), Allowed)


def tally(limit: Limit, past: Sequence[Happening], now: datetime) -> Tally:
    """Count as the ledger does."""
    found = sorted(h.at for h in past if h.kind is limit.kind and h.key == limit.key and limit.since <= h.at <= now)
    leaves = found[len(found) - limit.most] if len(found) >= limit.most else None
    return Tally(limit, len(found), leaves)


def judged(
    subject: Subject,
    now: datetime,
    past: Sequence[Happening] = (),
    library: Library | None = None,
    *,
    agent_reserved: bool = False,
    **terms: Any,
) -> Judgement:
    """Ask for everything at once: hours, person and counts."""
    found = (library or Library.shipped()).position(subject, Terms(**terms), now)
    if isinstance(found, Refused):
        return judge(found, subject, now, RING_S, ())
    asked = limits(found.rulebook, subject, found.zones, now, agent_reserved=agent_reserved)
    return judge(found, subject, now, RING_S, [tally(limit, past, now) for limit in asked])


def rules(judgement: Judgement) -> list[str]:
    """Return the rules that refuse, in order."""
    return [refusal.rule for refusal in judgement.refusals]
