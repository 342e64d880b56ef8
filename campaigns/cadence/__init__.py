"""What follows a try: when, and on which phone, a debtor is called again. Pure: instants and luck are arguments.

`plan` holds the delays and limits, `hours` the best hour, `phones` the best phone; docs/cadence.md says it in words.
"""

from __future__ import annotations

from campaigns.cadence.hours import NO_RATES, HourRate, Rates, best_moment, week_hour, whole_hours
from campaigns.cadence.phones import best_phone
from campaigns.cadence.planning import plan
from campaigns.cadence.policy import DEFAULT_RULES, DefaultRule, Policy, policy_of
from campaigns.cadence.tries import (
    CALLBACK_DISPOSITION,
    OPT_OUT_DISPOSITION,
    PROMISE_DISPOSITION,
    Done,
    Next,
    Plan,
    RetirePhone,
    Try,
)

__all__ = [
    "CALLBACK_DISPOSITION",
    "DEFAULT_RULES",
    "NO_RATES",
    "OPT_OUT_DISPOSITION",
    "PROMISE_DISPOSITION",
    "DefaultRule",
    "Done",
    "HourRate",
    "Next",
    "Plan",
    "Policy",
    "Rates",
    "RetirePhone",
    "Try",
    "best_moment",
    "best_phone",
    "plan",
    "policy_of",
    "week_hour",
    "whole_hours",
]
