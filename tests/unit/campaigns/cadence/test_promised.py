"""Promised calls and promised payments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from campaigns.cadence import Done, Next
from campaigns.cadence.promised import (
    CallbackDue,
    Followed,
    ForAgent,
    Kept,
    NotYet,
    PaymentPromise,
    after_call,
    kept,
    rests_until,
    who_takes,
)
from dialer.types import Outcome

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
MONDAY = date(2026, 6, 1)
ROSAS = CallbackDue(NOW, "rosa", fallback_at=NOW + HOUR, expires_at=NOW + 24 * HOUR)


def followed(
    decided: Next | Done, callback: CallbackDue | None, outcome: Outcome = Outcome.NO_ANSWER, ended: datetime = NOW
) -> Followed:
    return after_call(decided, outcome, ended, callback, phone_id=7, priority=100)


def test_a_callback_for_anyone_is_taken_at_once():
    assert who_takes(CallbackDue(NOW), NOW, []) == ForAgent(None)


def test_a_promised_agent_who_is_at_work_takes_it():
    assert who_takes(ROSAS, NOW, ["rosa", "bob"]) == ForAgent("rosa")


def test_a_promised_agent_who_is_not_is_waited_for_until_the_fallback():
    assert who_takes(ROSAS, NOW, ["bob"]) == NotYet(NOW + HOUR)
    assert who_takes(ROSAS, NOW + HOUR, ["bob"]) == ForAgent(None)


def test_without_a_promise_the_delays_stand_and_an_end_is_no_longer_urgent():
    assert followed(Next(NOW, 3), None) == Followed(Next(NOW, 3), None)
    assert followed(Done("max_tries"), None) == Followed(Done("max_tries"), 0)


def test_a_call_promised_in_a_conversation_comes_on_the_same_phone_and_before_all_others():
    later = CallbackDue(NOW + HOUR)
    assert followed(Done("answered"), later, Outcome.ANSWERED) == Followed(Next(NOW + HOUR, 7), 100)


def test_a_promised_call_is_made_even_where_the_tries_are_used_up():
    assert followed(Done("max_tries"), CallbackDue(NOW + HOUR)) == Followed(Next(NOW + HOUR, 7), 100)


def test_a_conversation_keeps_the_promise():
    assert followed(Done("answered"), ROSAS, Outcome.ANSWERED) == Followed(Done("answered"), 0, kept=True)


def test_one_called_in_vain_is_called_again_before_all_others():
    assert followed(Next(NOW + HOUR, 3), ROSAS) == Followed(Next(NOW + HOUR, 3), 100)


def test_beyond_its_expiry_it_is_an_ordinary_one_again():
    assert followed(Next(NOW + 24 * HOUR, 3), ROSAS) == Followed(Next(NOW + 24 * HOUR, 3), 0, kept=True)


@pytest.mark.parametrize(
    ("amount", "owed_then", "owed_now", "day", "verdict"),
    [
        (100, 500, 400, 0, Kept.KEPT),
        (100, 500, 401, 0, Kept.OPEN),
        (100, 500, 401, 1, Kept.BROKEN),
        (100, 500, 500, 1, Kept.BROKEN),
        (100, None, 400, 0, Kept.OPEN),
        (100, None, None, 1, Kept.BROKEN),
        (None, 500, 1, 0, Kept.OPEN),
        (None, 500, 0, 0, Kept.KEPT),
        (None, None, 0, 0, Kept.KEPT),
    ],
)
def test_a_payment_seen_keeps_a_promise_and_a_day_without_one_breaks_it(
    amount: int | None, owed_then: int | None, owed_now: int | None, day: int, verdict: Kept
):
    def money(units: int | None) -> Decimal | None:
        return None if units is None else Decimal(units)

    promise = PaymentPromise(MONDAY, money(amount), money(owed_then))
    assert kept(promise, money(owed_now), MONDAY + timedelta(days=day)) is verdict


def test_days_of_grace_are_waited_for():
    promise = PaymentPromise(MONDAY, Decimal(100), Decimal(500))
    assert kept(promise, Decimal(500), MONDAY + timedelta(days=2), grace_days=2) is Kept.OPEN
    assert kept(promise, Decimal(500), MONDAY + timedelta(days=3), grace_days=2) is Kept.BROKEN


def test_a_promised_debt_rests_until_the_debtors_day_after_the_first_promise():
    bogota = ZoneInfo("America/Bogota")
    days = [date(2026, 6, 9), date(2026, 6, 4)]
    assert rests_until(days, bogota) == datetime(2026, 6, 5, 5, tzinfo=UTC)
    assert rests_until(days, bogota, grace_days=1) == datetime(2026, 6, 6, 5, tzinfo=UTC)
