"""The diary: every decision is there for a while, every minute is counted once."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import nan

import numpy as np
import pytest

from campaigns.decisions import Minute
from dialer.engine.diary import KEPT, Diary, Entry, entry, store
from dialer.pacing import Budget, Decision, Snapshot
from dialer.types import Unavailable
from tests.unit.engine.desk import NOON

NOTHING = np.empty(0)


def decided(at: datetime = NOON, dial: int = 2, risk: float = 0.02, cancel: int = 0) -> Entry:
    seen = Snapshot(
        now=at.timestamp(),
        ready_since=np.array([1.0, 2.0]),
        talking_since=np.array([3.0]),
        wrapping_since=NOTHING,
        wrapping_talk_s=NOTHING,
        call_dialled_at=np.array([1.0, 2.0, 3.0]),
        call_stage=np.array([0, 1, 1], dtype=np.int8),
        call_stage_since=np.array([1.0, 2.0, 3.0]),
        call_answer_odds=np.full(3, nan),
        budgets=(Budget("day", 100, 2, 0.03),),
    )
    decision = Decision(dial, np.arange(cancel), f"{dial} more calls", risk)
    return entry(at, "predictive", seen, decision, {"theta": 0.025, "forecast": nan})


def test_an_entry_says_what_the_pacer_saw():
    found = decided()
    assert found.agents == {"ready": 2, "talking": 1, "wrapping": 0}
    assert found.calls == {"dialling": 1, "ringing": 2, "classifying": 0, "waiting": 0}
    assert found.budgets == {"day": {"live": 100, "abandoned": 2, "limit": 0.03}}


def test_figures_that_are_no_number_are_left_out():
    assert decided(risk=nan).risk is None
    assert decided().figures == {"theta": 0.025}


def test_a_past_moment_gives_the_decision_in_force_then():
    diary = Diary(1, "a1")
    entries = [decided(NOON + timedelta(seconds=second), dial=second) for second in range(5)]
    for each in entries:
        diary.write(each)
    assert diary.at(NOON + timedelta(seconds=2.7)) is entries[2]
    assert diary.at(NOON - timedelta(seconds=1)) is None
    assert diary.last(2) == entries[3:]
    assert diary.last(0) == []


def test_memory_is_bounded():
    diary = Diary(1, "a1")
    for second in range(KEPT + 10):
        diary.write(decided(NOON + timedelta(seconds=second)))
    assert len(diary.last(2 * KEPT)) == KEPT


def test_a_minute_is_handed_over_when_it_is_over_and_once():
    diary = Diary(1, "a1")
    for second in (0, 1, 59):
        diary.write(decided(NOON + timedelta(seconds=second), dial=2, cancel=1))
    assert diary.take() == []
    diary.write(decided(NOON + timedelta(seconds=60)))
    (minute,) = diary.take()
    assert (minute.decisions, minute.dialled, minute.cancelled, minute.minute) == (3, 6, 3, NOON)
    assert diary.take() == []


def test_the_last_words_hold_the_running_minute_too():
    diary = Diary(1, "a1")
    diary.write(decided())
    assert [minute.decisions for minute in diary.take(all_of_it=True)] == [1]


async def test_what_the_database_did_not_take_is_offered_again_in_order():
    diary, kept = Diary(1, "a1"), list[Minute]()
    for minute in range(4):
        diary.write(decided(NOON + timedelta(minutes=minute)))

    async def away(minutes: list[Minute]) -> None:
        raise Unavailable("away")

    async def keep(minutes: list[Minute]) -> None:
        kept.extend(minutes)

    with pytest.raises(Unavailable):
        await store([diary], away)
    await store([diary], keep)
    assert [minute.minute for minute in kept] == [NOON + timedelta(minutes=minute) for minute in range(3)]
