"""What follows a try."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.cadence import Done, HourRate, Next, Plan, Policy, Rates, RetirePhone, Try, plan
from dialer.config import RetryRule
from dialer.types import Outcome

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)
BOGOTA = ZoneInfo("America/Bogota")
FIRST, SECOND = 1, 2


def after(*outcomes: Outcome, phones: Sequence[int] = (FIRST,), policy: Policy | None = None) -> Plan:
    """Return what follows tries an hour apart on the first phone, the last of them now."""
    tries = [Try(FIRST, NOW - timedelta(hours=len(outcomes) - n), o) for n, o in enumerate(outcomes, 1)]
    return plan(tries, phones, policy or Policy(), NOW)


@pytest.mark.parametrize(
    ("outcome", "minutes"),
    [
        (Outcome.BUSY, 15),
        (Outcome.CONGESTION, 10),
        (Outcome.FAILED, 5),
        (Outcome.NO_ANSWER, 240),
        (Outcome.CANCELLED, 60),
        (Outcome.MACHINE, 1440),
        (Outcome.REJECTED, 1440),
        (Outcome.ABANDONED, 4320),
        (Outcome.EARLY_HANGUP, 240),
        (Outcome.DROPPED, 240),
        (Outcome.UNKNOWN, 1440),
    ],
)
def test_a_first_try_is_repeated_after_its_delay(outcome: Outcome, minutes: int):
    assert after(outcome) == Next(NOW + timedelta(minutes=minutes), FIRST)


def test_the_policys_own_rule_wins():
    policy = Policy(rules={"busy": RetryRule(delay_m=2)})
    assert after(Outcome.BUSY, policy=policy) == Next(NOW + timedelta(minutes=2), FIRST)


def test_the_limit_per_outcome_ends_it():
    policy = Policy(rules={"busy": RetryRule(delay_m=2, max_tries=3)})
    assert after(*[Outcome.BUSY] * 3, policy=policy) == Done("max_tries_busy")


def test_the_limit_in_all_ends_it():
    assert after(Outcome.NO_ANSWER, Outcome.BUSY, policy=Policy(max_tries=2)) == Done("max_tries")


def test_tries_that_do_not_count_use_nothing_up():
    failures = [Outcome.FAILED] * 9
    assert isinstance(after(*failures, Outcome.BUSY, policy=Policy(max_tries=2)), Next)
    assert isinstance(after(Outcome.BUSY, Outcome.BUSY, *failures, policy=Policy(max_tries=2)), Next)


def test_an_invalid_number_gives_way_to_the_next_at_once():
    assert after(Outcome.INVALID, phones=[FIRST, SECOND]) == RetirePhone(Next(NOW, SECOND))


def test_the_last_invalid_number_ends_it():
    assert after(Outcome.INVALID) == RetirePhone(Done("no_phone"))


def test_a_debtor_whose_phones_were_all_retired_meanwhile_is_let_be():
    assert after(Outcome.BUSY, phones=[]) == Done("no_phone")


def test_a_conversation_ends_it():
    assert after(Outcome.ANSWERED) == Done("answered")


def test_an_unanswered_phone_gives_way_to_the_next():
    followed = after(Outcome.NO_ANSWER, phones=[FIRST, SECOND])
    assert followed == Next(NOW + timedelta(hours=4), SECOND)


def test_a_used_up_day_ends_at_the_debtors_midnight():
    tries = [Try(FIRST, NOW, Outcome.BUSY), Try(FIRST, NOW, Outcome.BUSY)]
    followed = plan(tries, [FIRST], Policy(max_tries_per_day=2), NOW, zone=BOGOTA)
    assert followed == Next(datetime(2026, 6, 3, 5, tzinfo=UTC), FIRST)


def test_yesterdays_tries_leave_today_free():
    tries = [Try(FIRST, NOW - timedelta(days=1), Outcome.BUSY), Try(FIRST, NOW, Outcome.BUSY)]
    followed = plan(tries, [FIRST], Policy(max_tries_per_day=2), NOW, zone=BOGOTA)
    assert followed == Next(NOW + timedelta(minutes=15), FIRST)


RULES = st.one_of(
    st.builds(RetryRule, delay_m=st.floats(0.1, 50_000), max_tries=st.integers(1, 9)),
    st.builds(
        RetryRule,
        delays=st.lists(st.timedeltas(timedelta(minutes=1), timedelta(weeks=3)), min_size=1, max_size=4).map(tuple),
        max_tries=st.integers(1, 9),
    ),
    st.builds(
        RetryRule,
        first=st.timedeltas(timedelta(minutes=1), timedelta(days=2)),
        factor=st.floats(1, 20),
        longest=st.timedeltas(timedelta(minutes=1), timedelta(weeks=4)),
        max_tries=st.integers(1, 9),
    ),
)
RETRIED = [outcome for outcome in Outcome if outcome not in {Outcome.ANSWERED, Outcome.INVALID}]
POLICIES = st.builds(
    Policy,
    rules=st.dictionaries(st.sampled_from(RETRIED).map(str), RULES),
    max_tries=st.integers(1, 12),
    max_tries_per_day=st.none() | st.integers(1, 4),
    look_ahead=st.sampled_from([timedelta(), timedelta(hours=5), timedelta(hours=48)]),
    explore=st.booleans(),
)
HISTORIES = st.lists(
    st.builds(
        Try,
        st.sampled_from([1, 2, 3]),
        st.timedeltas(timedelta(days=-30), timedelta()).map(lambda ago: NOW + ago),
        st.sampled_from(Outcome),
    ),
    min_size=1,
    max_size=15,
).map(lambda tries: sorted(tries, key=lambda each: each.at))
LEARNT = Rates({hour: HourRate(20, hour % 11) for hour in range(30, 120)})


@given(HISTORIES, st.lists(st.sampled_from([1, 2, 3]), unique=True), POLICIES, st.floats(0, 1))
def test_never_before_the_floor_never_a_retired_phone_never_beyond_the_limits(
    tries: list[Try], phones: list[int], policy: Policy, luck: float
):
    last = tries[-1]
    decided = plan(tries, phones, policy, NOW, zone=BOGOTA, rates=LEARNT, luck=luck)
    if isinstance(decided, RetirePhone):
        assert last.outcome is Outcome.INVALID
        decided = decided.then
        assert not isinstance(decided, Next) or decided.phone_id != last.phone_id
    if isinstance(decided, Done):
        return
    assert decided.phone_id in phones
    counted = sum(each.counts for each in tries)
    assert counted < policy.max_tries or not last.counts
    if last.outcome is not Outcome.INVALID:
        same = sum(each.outcome is last.outcome for each in tries)
        rule = policy.rule(last.outcome)
        assert same < rule.max_tries
        floor = NOW + rule.delay(same)
        assert floor <= decided.at <= floor + policy.look_ahead + timedelta(days=2)
    day = decided.at.astimezone(BOGOTA).date()
    on_that_day = sum(each.counts and each.at.astimezone(BOGOTA).date() == day for each in tries)
    assert policy.max_tries_per_day is None or on_that_day < policy.max_tries_per_day


@given(RULES, st.integers(1, 120))
def test_delays_are_longer_than_nothing_and_those_that_grow_never_shrink(rule: RetryRule, tries: int):
    assert rule.delay(tries) > timedelta()
    if rule.first is not None:
        assert rule.first <= rule.delay(tries) <= rule.delay(tries + 1) <= max(rule.longest, rule.first)


def test_delays_of_a_list_follow_one_another_and_the_last_repeats():
    rule = RetryRule.model_validate({"delays": ["4h", "1d"]})
    assert [rule.delay(n) for n in (1, 2, 3)] == [timedelta(hours=4), timedelta(days=1), timedelta(days=1)]
