"""One answer to one question: may this debtor be called on this phone now, by which rule not, and when next?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from campaigns.compliance.library import Position
from campaigns.compliance.limits import Tally, person_key
from campaigns.compliance.periods import ends, frees_at
from campaigns.compliance.rulebook import Bound, Facts
from campaigns.compliance.subject import Subject
from campaigns.compliance.windows import zone_of
from dialer.types import Allowed, Refused, Verdict

NOON = time(12)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of one call, with everything the audit keeps.

    `refusals` begins with the rule that refuses first and holds all others; `until` is the first moment at which
    nothing that is known now refuses any more, None when no moment is known.
    """

    refusals: tuple[Refused, ...]
    until: datetime | None
    zones: tuple[str, ...] = ()
    bound: tuple[Bound, ...] = ()
    rulebook: str = ""
    tallies: tuple[Tally, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the call may be placed."""
        return not self.refusals

    @property
    def verdict(self) -> Verdict:
        """The answer in short: the first refusal, with the moment at which all of them are over."""
        if not self.refusals:
            return Allowed()
        first = self.refusals[0]
        return Refused(first.rule, first.detail, self.until)

    def audit(self) -> dict[str, object]:
        """Return the judgement as plain values for a log or a column of JSON."""
        return {
            "allowed": self.allowed,
            "refusals": [[r.rule, r.detail, r.until and r.until.isoformat()] for r in self.refusals],
            "until": self.until and self.until.isoformat(),
            "zones": list(self.zones),
            "rulebook": self.rulebook,
            "profiles": [[b.id, b.version, b.hash] for b in self.bound],
            "counters": [
                [t.limit.rule, t.limit.kind.value, t.limit.key, t.count, t.limit.most, t.limit.period]
                for t in self.tallies
            ],
        }


def judge(
    position: Position | Refused,
    subject: Subject,
    now: datetime,
    ring_s: float,
    tallies: Sequence[Tally] | None,
    *,
    campaign_started_at: datetime | None = None,
) -> Judgement:
    """Say whether a call placed now and ringing at most `ring_s` seconds keeps every rule.

    `tallies` are the counts of `limits(...)`; None says that the ledger does not know, and what is not known
    refuses (`ledger_unknown`). A position that was refused stays so.
    """
    if isinstance(position, Refused):
        return Judgement((position,), None)
    refusals = [*of_the_person(position.rulebook.facts, subject, now, position.zones)]
    needed = position.rulebook.needed_s(ring_s)
    opens = position.timetable.may_dial(position.zones, now, needed)
    if isinstance(opens, Refused):
        refusals.append(opens)
    if tallies is None:
        refusals.append(Refused("ledger_unknown", "the counts of the past are not loaded"))
    refusals += [_refused(tally, position.zones, campaign_started_at) for tally in tallies or () if tally.full]
    return Judgement(
        tuple(refusals),
        _until(position, refusals, now, needed),
        position.zones,
        position.rulebook.bound,
        position.rulebook.hash,
        tuple(tallies or ()),
    )


def _refused(tally: Tally, zones: Sequence[str], started_at: datetime | None) -> Refused:
    limit = tally.limit
    said = f"{tally.count} of {limit.most} {limit.kind.value} at {limit.key} in {limit.period}"
    return Refused(limit.rule, said, frees_at(tally, zones, started_at))


def _until(position: Position, refusals: Sequence[Refused], now: datetime, needed_s: float) -> datetime | None:
    if not refusals:
        return now
    moments = [refusal.until for refusal in refusals]
    known = [moment for moment in moments if moment is not None]
    if len(known) < len(moments):
        return None
    return position.timetable.next_opening(position.zones, max(known), needed_s)


Check = Callable[[Facts, Subject, datetime, Sequence[str]], Refused | None]


def of_the_person(facts: Facts, subject: Subject, now: datetime, zones: Sequence[str]) -> Iterator[Refused]:
    """Yield what refuses because of who the debtor is, whatever the hour."""
    for check in _CHECKS:
        refused = check(facts, subject, now, zones)
        if refused is not None:
            yield refused


def _suppressed(facts: Facts, subject: Subject, _now: datetime, _zones: Sequence[str]) -> Refused | None:
    found = sorted(subject.lists & facts.dnc)
    return Refused("suppressed", f"on the lists {', '.join(found)}") if found else None


def _third_party(facts: Facts, subject: Subject, _now: datetime, _zones: Sequence[str]) -> Refused | None:
    if not facts.third_party_blocked or subject.party == "first":
        return None
    return Refused("third_party", f"{person_key(subject.debtor_id)} is {subject.party!r}, not the debtor")


def _workplace(facts: Facts, subject: Subject, _now: datetime, _zones: Sequence[str]) -> Refused | None:
    if facts.workplace_blocked and subject.phone_kind == "work":
        return Refused("workplace", f"{subject.phone} is a workplace")
    return None


def _channel(facts: Facts, subject: Subject, _now: datetime, _zones: Sequence[str]) -> Refused | None:
    if facts.voice_must_be_authorised and subject.voice_authorised is False:
        return Refused("channel_not_authorised", "the debtor has not authorised calls")
    return None


def _overdue(facts: Facts, subject: Subject, _now: datetime, _zones: Sequence[str]) -> Refused | None:
    least = facts.min_days_overdue
    if not least or (subject.days_overdue is not None and subject.days_overdue >= least):
        return None
    known = "not known" if subject.days_overdue is None else str(subject.days_overdue)
    return Refused("min_days_overdue", f"days overdue {known}, at least {least} wanted")


def _notice(facts: Facts, subject: Subject, now: datetime, zones: Sequence[str]) -> Refused | None:
    if facts.wait_after_notice is None:
        return None
    if subject.noticed_on is None:
        return Refused("wait_after_notice", "the day of the notice is not known")
    until = max(
        ends(facts.wait_after_notice, (zone,), datetime.combine(subject.noticed_on, NOON, tzinfo=zone_of(zone)))
        for zone in zones
    )
    return Refused("wait_after_notice", f"noticed on {subject.noticed_on}", until) if now < until else None


_CHECKS: tuple[Check, ...] = (_suppressed, _third_party, _workplace, _channel, _overdue, _notice)
