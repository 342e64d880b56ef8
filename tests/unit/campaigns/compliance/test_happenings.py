"""What a call leaves behind follows from its record alone, whoever asks and however often."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.compliance import Ended, Kind, counts_as_attempt, happenings
from dialer.types import AttemptRecord, Outcome

PLACED = datetime(2026, 6, 2, 15, tzinfo=UTC)
RECORD = AttemptRecord(
    call_id="c1",
    campaign_id=1,
    campaign="spring",
    segment="late",
    lead_id=3,
    debtor_id=7,
    debtor="4711",
    phone_id=9,
    phone="+573001234567",
    try_no=1,
    node="a1",
    trunk="main",
    intent_at=PLACED - timedelta(milliseconds=20),
    dialled_at=PLACED,
    answered_at=PLACED + timedelta(seconds=9),
    bridged_at=PLACED + timedelta(seconds=10),
    ended_at=PLACED + timedelta(minutes=4),
    outcome=Outcome.ANSWERED,
)


def left(record: AttemptRecord) -> set[tuple[Kind, datetime]]:
    return {(h.kind, h.at) for h in happenings(Ended.of(record, (71,))) if h.key == "person:7"}


def test_a_try_counts_from_its_beginning_and_a_conversation_from_its_end() -> None:
    ended = PLACED + timedelta(minutes=4)
    assert left(RECORD) == {(Kind.ATTEMPT, PLACED), (Kind.CONTACT, ended), (Kind.CONVERSATION, ended)}


def test_every_key_hears_of_it() -> None:
    assert {h.key for h in happenings(Ended.of(RECORD, (71, 72)))} == {
        "phone:+573001234567",
        "person:7",
        "debt:71",
        "debt:72",
    }


def test_the_same_record_leaves_the_same() -> None:
    assert happenings(Ended.of(RECORD, (71,))) == happenings(Ended.of(RECORD, (71,)))
    assert {h.call_id for h in happenings(Ended.of(RECORD, (71,)))} == {"c1"}


def test_whoever_was_joined_to_a_dead_leg_heard_silence() -> None:
    silent = replace(RECORD, bridged_at=None, flags=("dead_leg",))
    assert {kind for kind, _ in left(silent)} == {Kind.ATTEMPT, Kind.CONTACT, Kind.ABANDONED}


def test_a_call_of_which_only_the_intent_is_known_is_a_try() -> None:
    lost = replace(RECORD, dialled_at=None, answered_at=None, bridged_at=None, ended_at=None, outcome=Outcome.UNKNOWN)
    assert left(lost) == {(Kind.ATTEMPT, RECORD.intent_at)}


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome not in ("invalid", "failed")])
def test_what_no_profile_lets_go_is_kept(outcome: Outcome) -> None:
    assert counts_as_attempt(outcome, {"busy", "congestion"})


@pytest.mark.parametrize("outcome", [Outcome.INVALID, Outcome.FAILED])
def test_what_reached_nobody_is_released_whatever_the_profile_says(outcome: Outcome) -> None:
    assert not counts_as_attempt(outcome, {"ring", "voicemail", "answer", "busy", "congestion"})
    assert left(replace(RECORD, outcome=outcome)) == set()
