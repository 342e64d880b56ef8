"""What follows an outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.retries import DEFAULT_RULES, Done, Plan, RetirePhone, Retry, plan
from dialer.config import RetryRule
from dialer.types import Outcome

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)


def first(outcome: Outcome, **how: object) -> Plan:
    return plan(outcome, {outcome: 1}, {}, NOW, **{"max_tries": 10, **how})  # type: ignore[arg-type]


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
def test_a_first_try_is_repeated_after_its_delay(outcome: Outcome, minutes: int) -> None:
    assert first(outcome) == Retry(NOW + timedelta(minutes=minutes))


def test_every_outcome_has_a_plan() -> None:
    assert set(DEFAULT_RULES) | {Outcome.ANSWERED, Outcome.INVALID} == set(Outcome)


def test_the_campaigns_own_rule_wins() -> None:
    rules = {"busy": RetryRule(delay_m=2, max_tries=3)}
    assert plan(Outcome.BUSY, {"busy": 2}, rules, NOW, max_tries=10) == Retry(NOW + timedelta(minutes=2))


def test_the_limit_per_outcome_ends_it() -> None:
    rules = {"busy": RetryRule(delay_m=2, max_tries=3)}
    assert plan(Outcome.BUSY, {"busy": 3}, rules, NOW, max_tries=10) == Done("max_tries_busy")


def test_the_campaigns_limit_ends_it() -> None:
    assert plan(Outcome.BUSY, {"busy": 1, "no_answer": 3}, {}, NOW, max_tries=4) == Done("max_tries")


def test_tries_that_do_not_count_use_nothing_up() -> None:
    assert isinstance(plan(Outcome.BUSY, {"busy": 1, "failed": 9}, {}, NOW, max_tries=2), Retry)
    assert isinstance(plan(Outcome.FAILED, {"failed": 9}, {}, NOW, max_tries=2), Retry)


def test_an_invalid_number_gives_way_to_the_next() -> None:
    assert first(Outcome.INVALID, other_phones=1) == RetirePhone(Retry(NOW))


def test_the_last_invalid_number_ends_it() -> None:
    assert first(Outcome.INVALID) == RetirePhone(Done("no_phone"))


def test_a_conversation_ends_it() -> None:
    assert first(Outcome.ANSWERED, disposition="promise") == Done("answered")


def test_a_promised_callback_reopens_it() -> None:
    assert first(Outcome.ANSWERED, disposition="callback") == Retry(NOW + timedelta(hours=24))


@given(st.sampled_from(Outcome), st.dictionaries(st.sampled_from(Outcome), st.integers(1, 30)), st.integers(1, 20))
def test_nobody_is_called_before_now_nor_beyond_the_limit(
    outcome: Outcome, tries: dict[Outcome, int], max_tries: int
) -> None:
    tries[outcome] = tries.get(outcome, 1)
    decided = plan(outcome, {str(k): n for k, n in tries.items()}, {}, NOW, max_tries=max_tries)
    assert not isinstance(decided, Retry) or decided.at > NOW
    counted = sum(n for name, n in tries.items() if name not in {Outcome.INVALID, Outcome.FAILED})
    assert counted < max_tries or outcome is Outcome.FAILED or not isinstance(decided, Retry)
