"""The delays and limits in force for a segment: its own, else its campaign's, else those of the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from campaigns.cadence.hours import whole_hours
from dialer.campaign_file import CampaignConfig, SegmentCadence, Window
from dialer.types import Outcome


class Rule(Protocol):
    """How long to wait after an outcome; `dialer.campaign_file.RetryRule` is one."""

    @property
    def max_tries(self) -> int:
        """Tries with this outcome after which the debtor is left alone."""
        ...

    def delay(self, tries: int) -> timedelta:
        """Return the wait after so many tries with this outcome, the one just ended included."""
        ...


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """A rule of the package: the same delay every time."""

    wait: timedelta
    max_tries: int

    def delay(self, tries: int) -> timedelta:
        """Return the delay."""
        return self.wait


_M, _H, _D = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# A failure is ours, not the debtor's: a carrier away for an hour must not use a list up, so its limit is wide.
DEFAULT_RULES: Mapping[Outcome, Rule] = {
    Outcome.BUSY: DefaultRule(15 * _M, 6),
    Outcome.CONGESTION: DefaultRule(10 * _M, 12),
    Outcome.FAILED: DefaultRule(5 * _M, 100),
    Outcome.NO_ANSWER: DefaultRule(4 * _H, 10),
    Outcome.CANCELLED: DefaultRule(1 * _H, 10),
    Outcome.MACHINE: DefaultRule(_D, 5),
    Outcome.FAX: DefaultRule(_D, 1),
    Outcome.SCREENED: DefaultRule(_D, 2),
    Outcome.REJECTED: DefaultRule(_D, 2),
    Outcome.ABANDONED: DefaultRule(3 * _D, 2),
    Outcome.EARLY_HANGUP: DefaultRule(4 * _H, 3),
    Outcome.DROPPED: DefaultRule(4 * _H, 3),
    Outcome.UNKNOWN: DefaultRule(_D, 3),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A segment's cadence; `open_hours` are those of the week that its windows leave open, None without windows."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    max_tries: int = 10
    max_tries_per_day: int | None = None
    look_ahead: timedelta = timedelta()
    explore: bool = False
    open_hours: frozenset[int] | None = None

    def rule(self, outcome: Outcome) -> Rule:
        """Return the rule of an outcome that is retried."""
        return self.rules.get(outcome) or DEFAULT_RULES[outcome]


def policy_of(campaign: CampaignConfig, segment: str) -> Policy:
    """Return the cadence of a segment; one the campaign does not know follows the campaign's."""
    whole = campaign.cadence
    own = next((each for each in campaign.segments if each.name == segment), None)
    part = own.cadence if own else SegmentCadence()
    said = (campaign.windows, own.windows if own else ())
    return Policy(
        rules={**campaign.retries, **part.retries},
        max_tries=part.max_tries or campaign.max_tries,
        max_tries_per_day=part.max_tries_per_day or whole.max_tries_per_day,
        look_ahead=whole.look_ahead if part.look_ahead is None else part.look_ahead,
        explore=whole.explore if part.explore is None else part.explore,
        open_hours=whole_hours(tuple(Window.parse(line) for line in lines) for lines in said if lines),
    )
