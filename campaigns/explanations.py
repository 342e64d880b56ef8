"""What is told about whom may be called: one lead in full, or a campaign counted by rule. Plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.compliance import Tally, library_versions
from campaigns.reasons import Answer
from dialer.types import Refused


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that decides whether one lead is called on one phone at a moment."""

    campaign: str
    at: datetime
    debtor: str
    name: str
    lead_id: int
    segment: str
    phone: str
    answer: Answer
    notes: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether nothing refuses."""
        return not self.answer.refusals

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain values, for JSON."""
        first, until, judged = self.answer.first, self.answer.until, self.answer.judgement.audit()
        return {
            "campaign": self.campaign,
            "at": self.at.isoformat(),
            "debtor": self.debtor,
            "name": self.name,
            "lead": self.lead_id,
            "segment": self.segment,
            "phone": self.phone,
            "allowed": self.allowed,
            "first": first.rule if first else None,
            "refusals": [
                {"rule": r.rule, "detail": r.detail, "until": r.until and r.until.isoformat()}
                for r in self.answer.refusals
            ],
            "next": until and until.isoformat(),
            "counters": [_counter(tally) for tally in self.answer.judgement.tallies],
            "zones": judged["zones"],
            "profiles": judged["profiles"],
            "rulebook": judged["rulebook"],
            "versions": dict(library_versions()),
            "notes": list(self.notes),
        }


def _counter(tally: Tally) -> dict[str, Any]:
    limit = tally.limit
    return {
        "rule": limit.rule,
        "kind": limit.kind.value,
        "key": limit.key,
        "count": tally.count,
        "most": limit.most,
        "period": limit.period,
        "since": limit.since.isoformat(),
    }


@dataclass(frozen=True, slots=True)
class Dialable:
    """A campaign's leads at a moment, each counted once: callable `now`, or under the first rule that refuses it.

    `next_moments` are the times from which so many of the refused may be called, the nearest first; `obstacles` hold
    up the whole campaign and are in no count. `took_s` is how long the counting took.
    """

    campaign: str
    at: datetime
    now: int
    refused: Mapping[str, int]
    reasons: Mapping[str, Mapping[str, int]]
    next_moments: Sequence[tuple[datetime, int]]
    segments: Mapping[str, int]
    obstacles: tuple[Refused, ...] = ()
    took_s: float = 0.0

    @property
    def leads(self) -> int:
        """All leads there are."""
        return self.now + sum(self.refused.values())

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {
            "campaign": self.campaign,
            "at": self.at.isoformat(),
            "leads": self.leads,
            "dialable": self.now,
            "refused": dict(self.refused),
            "reasons": {rule: dict(counts) for rule, counts in self.reasons.items()},
            "next": [[moment.isoformat(), count] for moment, count in self.next_moments],
            "segments": dict(self.segments),
            "obstacles": [{"rule": o.rule, "detail": o.detail} for o in self.obstacles],
            "took_s": round(self.took_s, 3),
        }
