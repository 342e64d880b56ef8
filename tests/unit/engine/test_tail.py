"""Ended attempts are remembered as long as somebody may speak of them, and no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dialer.engine.tail import GRACE, Tail
from dialer.types import AttemptRecord, Outcome
from tests.unit.engine.desk import NOON, a_record

LATER = NOON + GRACE + timedelta(seconds=1)


def ended(place: int = 0, *, talked: bool = False) -> AttemptRecord:
    record = replace(a_record(), call_id=f"t{place:026d}", seq=4, outcome=Outcome.NO_ANSWER, ended_at=NOON)
    return replace(record, bridged_at=NOON) if talked else record


def test_an_attempt_without_a_conversation_is_forgotten_once_the_books_hold_it_and_its_time_is_over():
    tail, record = Tail(), ended()
    tail.keep(record)
    tail.stored([record], NOON)
    assert tail.get(record.call_id) == record
    tail.stored([], LATER)
    assert len(tail) == 0


def test_what_the_books_do_not_hold_stays():
    tail, record = Tail(), ended()
    tail.keep(record)
    tail.stored([replace(record, seq=3)], LATER)
    assert tail.get(record.call_id) == record


def test_a_conversation_stays_for_its_disposition():
    tail, record = Tail(), ended(talked=True)
    tail.keep(record)
    tail.stored([record], LATER)
    assert tail.get(record.call_id) == record


def test_memory_is_bounded_whatever_the_books_do():
    tail = Tail(most=3)
    for place in range(5):
        tail.keep(ended(place))
    assert len(tail) == 3
    assert tail.get(ended(0).call_id) is None
    tail.stored([ended(place) for place in range(5)], LATER)
    assert len(tail) == 0
