"""What follows an outcome: call again, retire the phone, or let the debtor be. Pure: the instant is an argument.

The delays below hold for every campaign that does not say otherwise in `[retries.<outcome>]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from dialer.types import UNCOUNTED_OUTCOMES, Outcome

CALLBACK_DISPOSITION = "callback"
OPT_OUT_DISPOSITION = "opt_out"
_CALLBACK_DELAY = timedelta(hours=24)


class Rule(Protocol):
    """Call again after `delay_m` minutes, at most `max_tries` tries ending so; `dialer.config.RetryRule` is one."""

    @property
    def delay_m(self) -> float:
        """Minutes from the end of the try."""
        ...

    @property
    def max_tries(self) -> int:
        """Tries with this outcome after which the debtor is left alone."""
        ...


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """A rule of the package."""

    delay_m: float
    max_tries: int


@dataclass(frozen=True, slots=True)
class Retry:
    """Call the debtor again, not before `at`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """No further call in this campaign; `reason` is a stable id."""

    reason: str


@dataclass(frozen=True, slots=True)
class RetirePhone:
    """The number is of no use to anybody; `then` is what follows for the debtor."""

    then: Retry | Done


Plan = Retry | Done | RetirePhone

_HOUR_M = 60.0
_DAY_M = 24 * _HOUR_M
# A failure is ours, not the debtor's: a carrier away for an hour must not use a list up, so its limit is wide.
DEFAULT_RULES: Mapping[Outcome, Rule] = {
    Outcome.BUSY: DefaultRule(15, 6),
    Outcome.CONGESTION: DefaultRule(10, 12),
    Outcome.FAILED: DefaultRule(5, 100),
    Outcome.NO_ANSWER: DefaultRule(4 * _HOUR_M, 10),
    Outcome.CANCELLED: DefaultRule(1 * _HOUR_M, 10),
    Outcome.MACHINE: DefaultRule(_DAY_M, 5),
    Outcome.FAX: DefaultRule(_DAY_M, 1),
    Outcome.SCREENED: DefaultRule(_DAY_M, 2),
    Outcome.REJECTED: DefaultRule(_DAY_M, 2),
    Outcome.ABANDONED: DefaultRule(3 * _DAY_M, 2),
    Outcome.EARLY_HANGUP: DefaultRule(4 * _HOUR_M, 3),
    Outcome.DROPPED: DefaultRule(4 * _HOUR_M, 3),
    Outcome.UNKNOWN: DefaultRule(_DAY_M, 3),
}


def plan(
    outcome: Outcome,
    tries_by_outcome: Mapping[str, int],
    rules: Mapping[str, Rule],
    now: datetime,
    *,
    max_tries: int,
    other_phones: int = 0,
    disposition: str | None = None,
) -> Plan:
    """Say what follows a try that ended now with this outcome.

    `tries_by_outcome` counts the debtor's tries in this campaign, this one included; `max_tries` is the
    campaign's limit on those that count. `other_phones` are the debtor's numbers still in use besides this one.
    """
    counted = sum(n for name, n in tries_by_outcome.items() if name not in UNCOUNTED_OUTCOMES)
    if outcome is Outcome.INVALID:
        return RetirePhone(_next_phone(counted, max_tries, other_phones, now))
    asked_for = outcome is Outcome.ABANDONED and disposition == CALLBACK_DISPOSITION
    if outcome is Outcome.ANSWERED or asked_for:
        # Who pressed the key to be called back waits for a call, not for the cool-down of a silent one.
        return _after_conversation(counted, max_tries, disposition, now)
    rule = rules.get(outcome) or DEFAULT_RULES[outcome]
    if tries_by_outcome.get(outcome, 0) >= rule.max_tries:
        return Done(f"max_tries_{outcome}")
    if outcome not in UNCOUNTED_OUTCOMES and counted >= max_tries:
        return Done("max_tries")
    return Retry(now + timedelta(minutes=rule.delay_m))


def _next_phone(counted: int, max_tries: int, other_phones: int, now: datetime) -> Retry | Done:
    if not other_phones:
        return Done("no_phone")
    return Done("max_tries") if counted >= max_tries else Retry(now)


def _after_conversation(counted: int, max_tries: int, disposition: str | None, now: datetime) -> Retry | Done:
    if disposition != CALLBACK_DISPOSITION:
        return Done("answered")
    return Done("max_tries") if counted >= max_tries else Retry(now + _CALLBACK_DELAY)
