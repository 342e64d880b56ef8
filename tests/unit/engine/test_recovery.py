"""The evidence table: what an open attempt has become while nobody listened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.ami.client import ChannelRow
from dialer.ami.evidence import Evidence
from dialer.call import Stage
from dialer.engine.recovery import Adoption, is_leg, judge, legs_by_bridge
from dialer.events import Accounted
from dialer.types import UNCOUNTED_OUTCOMES, Outcome, agent_leg_id
from tests.unit.script import CHANNEL, NOON, a_record

BEFORE, AFTER = "a1 2026-03-01 08:00", "a1 2026-03-03 12:01"
RECORD = a_record(incarnation=BEFORE)
LEG = agent_leg_id("ana", NOON)
DOWN, RING, RINGING, UP = 0, 4, 5, 6


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_row(state: int = UP, *, uniqueid: str = RECORD.call_id, **facts: str) -> ChannelRow:
    usual = {"linkedid": uniqueid, "channel": CHANNEL, "context": "dialer-debtor", "exten": "s", "application": "Wait"}
    rest = {"bridge_id": "", "caller": "", "connected": ""}
    return ChannelRow(uniqueid=uniqueid, state=state, duration_s=3, **{**usual, **rest, **facts})


def evidence(**facts: object) -> Evidence:
    return Evidence(RECORD.call_id, started_at=at(1), **facts)  # type: ignore[arg-type]


def judged(
    row: ChannelRow | None = None,
    found: Evidence | None = None,
    *,
    incarnation: str = BEFORE,
    legs: dict[str, str] | None = None,
    log_readable: bool = True,
) -> Adoption | Accounted:
    return judge(RECORD, row, legs or {}, found, incarnation, log_readable=log_readable)


# A channel that lives is adopted where it stands.


@pytest.mark.parametrize(
    ("row", "stage"),
    [
        (a_row(DOWN), Stage.DIALLING),
        (a_row(RING), Stage.DIALLING),
        (a_row(RINGING), Stage.RINGING),
        (a_row(application="AMD"), Stage.CLASSIFYING),
        (a_row(), Stage.WAITING),
        (a_row(context="dialer-join", bridge_id="b1"), Stage.TALKING),
        (a_row(context="dialer-join", bridge_id="b9"), Stage.WAITING),
        (a_row(context="dialer-abandon", application="Playback"), Stage.MESSAGE),
    ],
    ids=["new", "dialled", "ringing", "detection", "waiting", "talking", "bridge without a leg", "message"],
)
@pytest.mark.parametrize("incarnation", [BEFORE, AFTER])
def test_a_living_channel_is_adopted_where_it_stands(row: ChannelRow, stage: Stage, incarnation: str):
    adoption = judged(row, incarnation=incarnation, legs={"b1": LEG})
    assert isinstance(adoption, Adoption)
    assert (adoption.stage, adoption.channel) == (stage, CHANNEL)
    assert adoption.leg_id == (LEG if stage is Stage.TALKING else None)


def test_an_adopted_call_gets_its_true_times_from_the_log():
    adoption = judged(a_row(bridge_id="b1"), evidence(answered_at=at(5), bridged_at=at(6)), legs={"b1": LEG})
    assert isinstance(adoption, Adoption)
    assert (adoption.answered_at, adoption.bridged_at) == (at(5), at(6))


def test_legs_are_found_by_the_bridge_they_sit_in():
    rows = [
        a_row(uniqueid=LEG, bridge_id="b1"),
        a_row(uniqueid="g-somebody-elses", bridge_id="b2"),
        a_row(uniqueid=RECORD.call_id, bridge_id="b1"),
        a_row(uniqueid=agent_leg_id("eva", NOON)),
    ]
    assert legs_by_bridge(rows) == {"b1": LEG}


def test_only_our_own_ids_are_legs():
    assert is_leg(LEG)
    assert not is_leg(RECORD.call_id)
    assert not is_leg("g1")


# A channel that ended is closed with what the log says.


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"answered_at": at(5), "bridged_at": at(6), "cause": 16}, Outcome.ANSWERED),
        ({"answered_at": at(5), "abandoned": True, "cause": 16}, Outcome.ABANDONED),
        ({"answered_at": at(5), "machine": True, "cause": 16}, Outcome.MACHINE),
        ({"answered_at": at(28.1), "cause": 16}, Outcome.EARLY_HANGUP),
        ({"answered_at": at(28.0), "cause": 16}, Outcome.ABANDONED),
        ({"cause": 17}, Outcome.BUSY),
        ({"cause": 19}, Outcome.NO_ANSWER),
        ({"cause": 1}, Outcome.INVALID),
        ({"cause": 34}, Outcome.CONGESTION),
        ({"cause": 21}, Outcome.REJECTED),
        ({"cause": 58}, Outcome.FAILED),
        ({"cause": 16}, Outcome.CANCELLED),
        ({"cause": 127}, Outcome.CANCELLED),
        ({"cause": None}, Outcome.CANCELLED),
    ],
)
@pytest.mark.parametrize("incarnation", [BEFORE, AFTER])
def test_an_ended_channel_is_closed_with_its_cause(facts: dict[str, object], outcome: Outcome, incarnation: str):
    verdict = judged(found=evidence(ended_at=at(30), **facts), incarnation=incarnation)
    assert isinstance(verdict, Accounted)
    assert (verdict.outcome, verdict.cause, verdict.flag) == (outcome, facts["cause"], "reconciled")
    assert verdict.ended_at == at(30)
    assert (verdict.answered_at, verdict.bridged_at) == (facts.get("answered_at"), facts.get("bridged_at"))


# A channel that is gone without an end.


@pytest.mark.parametrize(("incarnation", "flag"), [(AFTER, "asterisk_died"), (BEFORE, "end_not_logged")])
def test_a_channel_without_an_end_was_dropped_and_counts(incarnation: str, flag: str):
    verdict = judged(found=evidence(answered_at=at(5)), incarnation=incarnation)
    assert verdict == Accounted(Outcome.DROPPED, answered_at=at(5), flag=flag)


# No trace at all.


def test_no_trace_in_the_same_asterisk_was_never_placed():
    assert judged() == Accounted(Outcome.FAILED, flag="not_placed")


def test_no_trace_in_a_new_asterisk_is_unknown():
    assert judged(incarnation=AFTER) == Accounted(Outcome.UNKNOWN, flag="no_trace")


def test_an_intent_of_an_unknown_asterisk_is_unknown():
    assert judge(a_record(), None, {}, None, BEFORE) == Accounted(Outcome.UNKNOWN, flag="no_trace")


def test_when_the_log_cannot_be_read_no_trace_proves_nothing():
    assert judged(log_readable=False) == Accounted(Outcome.UNKNOWN, flag="no_trace")


@pytest.mark.parametrize("moment", ["ringing_at", "answered_at"])
def test_a_call_we_heard_of_was_placed_whatever_the_log_says(moment: str):
    record = replace(RECORD, **{moment: at(3)})  # type: ignore[arg-type]
    assert judge(record, None, {}, None, BEFORE) == Accounted(Outcome.UNKNOWN, flag="no_trace")


# Laws.

times = st.none() | st.floats(1, 100).map(at)
found = st.none() | st.builds(
    Evidence,
    st.just(RECORD.call_id),
    started_at=times,
    answered_at=times,
    bridged_at=times,
    abandoned=st.booleans(),
    machine=st.booleans(),
    ended_at=times,
    cause=st.none() | st.integers(0, 127),
)
incarnations = st.sampled_from([BEFORE, AFTER])


@given(found, incarnations, st.booleans())
def test_a_call_that_may_have_rung_counts(what: Evidence | None, incarnation: str, log_readable: bool):
    verdict = judged(found=what, incarnation=incarnation, log_readable=log_readable)
    assert isinstance(verdict, Accounted)
    if verdict.outcome in UNCOUNTED_OUTCOMES:
        never_placed = what is None and log_readable and incarnation == BEFORE
        refused = what is not None and what.ended_at is not None and what.answered_at is None and what.cause
        assert never_placed or refused


@given(found, incarnations)
def test_whatever_lives_is_never_closed(what: Evidence | None, incarnation: str):
    assert isinstance(judged(a_row(), what, incarnation=incarnation), Adoption)
