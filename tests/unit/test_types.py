"""Ids that Asterisk can tell apart, and records that survive the queues."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.types import (
    ID_LENGTH,
    LIVE_OUTCOMES,
    UNCOUNTED_OUTCOMES,
    AttemptRecord,
    ConfigError,
    DialerError,
    InboundRecord,
    Outcome,
    QueuedLead,
    agent_leg_id,
    attempt_id,
)

instants = st.datetimes(timezones=st.just(UTC))
maybe_instants = st.none() | instants
maybe_text = st.none() | st.text()
leads = st.builds(QueuedLead, due_at=instants, last_agent=maybe_text)
attempts = st.builds(
    AttemptRecord,
    intent_at=instants,
    **{
        f"{moment}_at": maybe_instants
        for moment in ("dialled", "ringing", "answered", "classified", "bridged", "ended", "wrap_ended")
    },
    outcome=st.none() | st.sampled_from(Outcome),
    cause=st.none() | st.integers(0, 127),
    tech_cause=maybe_text,
    agent=maybe_text,
    recording=maybe_text,
    disposition=maybe_text,
    flags=st.lists(st.text()).map(tuple),
)
inbound = st.builds(InboundRecord, arrived_at=instants, bridged_at=maybe_instants, ended_at=maybe_instants)
tries = st.tuples(st.text(), st.integers(0, 10**12), st.integers(1, 999))
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


@given(tries)
def test_every_id_has_the_same_length_and_only_small_letters_and_digits(one: tuple[str, int, int]):
    call_id = attempt_id(*one)
    assert len(call_id) == ID_LENGTH
    assert set(call_id) <= set(string.ascii_lowercase + string.digits)


@given(tries)
def test_the_same_try_has_the_same_id_for_ever(one: tuple[str, int, int]):
    assert attempt_id(*one) == attempt_id(*one)


def test_the_id_of_a_known_try_never_changes():
    # Open attempts of yesterday's version are looked for in Asterisk under this very id.
    assert attempt_id("campaign", 7, 1) == "t6zmcojlydeergtll5h25cfddtu"


@given(tries, tries)
def test_different_tries_have_different_ids(one: tuple[str, int, int], other: tuple[str, int, int]):
    assert (attempt_id(*one) == attempt_id(*other)) == (one == other)


def test_parts_of_an_id_do_not_run_into_each_other():
    assert attempt_id("c", 11, 1) != attempt_id("c", 1, 11)


@given(st.text(), instants, tries)
def test_an_agents_leg_is_never_taken_for_an_attempt(agent: str, at: datetime, one: tuple[str, int, int]):
    leg = agent_leg_id(agent, at)
    assert len(leg) == ID_LENGTH
    assert leg[0] != attempt_id(*one)[0]


def test_an_agent_who_logs_in_again_gets_another_leg():
    assert agent_leg_id("ana", NOON) != agent_leg_id("ana", NOON + timedelta(microseconds=1))


@given(leads)
def test_a_lead_survives_the_queue(lead: QueuedLead):
    assert QueuedLead.from_json(lead.to_json()) == lead


@given(attempts)
def test_an_attempt_survives_the_stream(record: AttemptRecord):
    back = AttemptRecord.from_json(record.to_json())
    assert back == record
    assert type(back.outcome) is type(record.outcome)


@given(inbound)
def test_an_inbound_call_survives_the_stream(record: InboundRecord):
    assert InboundRecord.from_json(record.to_json().encode()) == record


@given(leads)
def test_a_record_is_one_line(lead: QueuedLead):
    assert len(lead.to_json().splitlines()) == 1


def test_times_travel_in_utc():
    bogota = NOON.astimezone(timezone(timedelta(hours=-5)))
    text = InboundRecord(call_id="c", node="a1", phone="+57", dialled="+57", arrived_at=bogota).to_json()
    assert json.loads(text)["arrived_at"] == "2026-03-03T12:00:00+00:00"


@given(leads)
def test_a_key_of_a_newer_version_is_passed_over(lead: QueuedLead):
    newer = json.dumps({**json.loads(lead.to_json()), "mood": "good"})
    assert QueuedLead.from_json(newer) == lead


@given(attempts, st.text())
def test_a_flag_is_kept_once(record: AttemptRecord, flag: str):
    once = record.flagged(flag)
    assert flag in once.flags
    assert once.flagged(flag) == once


def test_a_live_answer_always_counts():
    assert not LIVE_OUTCOMES & UNCOUNTED_OUTCOMES


def test_an_error_carries_a_stable_id():
    assert ConfigError("wrong").error_id == "config"
    assert DialerError("wrong", error_id="very-wrong").error_id == "very-wrong"
    with pytest.raises(DialerError, match="wrong"):
        raise ConfigError("wrong")
