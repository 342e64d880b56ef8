"""Which cadence is in force for a segment."""

from __future__ import annotations

from datetime import timedelta

from campaigns.cadence import DEFAULT_RULES, policy_of
from dialer.config import parse_campaign
from dialer.types import Outcome

CAMPAIGN = parse_campaign(
    """
    name = "spring"
    country = "CO"
    trunks = ["main"]
    windows = ["mon-fri 09:00-19:00"]
    max_tries = 8
    [retries.busy]
    delays = ["10m"]
    [retries.machine]
    delays = ["1d"]
    [cadence]
    max_tries_per_day = 3
    look_ahead = "48h"
    [[segments]]
    name = "plain"
    [[segments]]
    name = "hard"
    windows = ["mon-fri 10:00-12:00"]
    [segments.cadence]
    max_tries = 4
    look_ahead = "0m"
    explore = true
    [segments.cadence.retries.busy]
    first = "1h"
    """,
    "test",
)


def test_a_segment_that_says_nothing_follows_the_campaign():
    policy = policy_of(CAMPAIGN, "plain")
    assert (policy.max_tries, policy.max_tries_per_day, policy.look_ahead) == (8, 3, timedelta(hours=48))
    assert policy.rule(Outcome.BUSY).delay(1) == timedelta(minutes=10)
    assert policy.open_hours is not None
    assert {hour % 24 for hour in policy.open_hours} == set(range(9, 19))


def test_a_segment_says_otherwise_key_by_key():
    policy = policy_of(CAMPAIGN, "hard")
    assert (policy.max_tries, policy.max_tries_per_day, policy.look_ahead, policy.explore) == (4, 3, timedelta(), True)
    assert policy.rule(Outcome.BUSY).delay(1) == timedelta(hours=1)
    assert policy.rule(Outcome.MACHINE).delay(1) == timedelta(days=1)
    assert policy.open_hours == frozenset(24 * day + hour for day in range(5) for hour in (10, 11))


def test_what_nobody_says_is_the_packages():
    assert policy_of(CAMPAIGN, "hard").rule(Outcome.NO_ANSWER).delay(1) == timedelta(hours=4)
    assert set(DEFAULT_RULES) | {Outcome.ANSWERED, Outcome.INVALID} == set(Outcome)


def test_a_segment_that_is_gone_follows_the_campaign():
    assert policy_of(CAMPAIGN, "gone").max_tries == 8
