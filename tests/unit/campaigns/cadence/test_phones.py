"""Which phone is called next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.cadence import Try, best_phone
from dialer.types import Outcome

AT = datetime(2026, 6, 2, 15, tzinfo=UTC)


def chosen(phones: int, *calls: tuple[int, Outcome]) -> int:
    return best_phone([Try(phone, AT, outcome) for phone, outcome in calls], range(phones))


def test_the_first_of_the_list_goes_first():
    assert chosen(3) == 0


@pytest.mark.parametrize("phones", [2, 3, 5, 10])
def test_unanswered_phones_take_turns(phones: int):
    called: list[tuple[int, Outcome]] = []
    for turn in range(3 * phones):
        following = chosen(phones, *called)
        assert following == turn % phones
        called.append((following, Outcome.NO_ANSWER))


def test_a_phone_that_reached_the_debtor_is_preferred_and_kept_for_some_calls():
    reached = (2, Outcome.EARLY_HANGUP)
    missed = (2, Outcome.NO_ANSWER)
    assert chosen(3, reached) == 2
    assert chosen(3, reached, missed, missed) == 2
    assert chosen(3, reached, missed, missed, missed, missed) == 0


def test_a_busy_line_says_nothing_against_a_phone():
    assert chosen(2, (0, Outcome.BUSY), (0, Outcome.FAILED)) == 0


def test_a_voicemail_is_nobody():
    assert chosen(2, (0, Outcome.MACHINE)) == 1


def test_somebody_else_on_the_line_is_not_the_debtor():
    strangers = [Try(0, AT, Outcome.ANSWERED, "wrong_party")]
    assert best_phone(strangers, [0, 1]) == 1
