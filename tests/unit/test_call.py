"""The life of one call: every outcome as a story."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.call import Call, CallRules, Recording, Stage
from dialer.commands import (
    Command,
    Finish,
    FreeAgent,
    HangUp,
    Join,
    KeepRecording,
    PlayNotice,
    Save,
    SeekAgent,
    StartRecording,
    StartTimer,
)
from dialer.events import (
    Accounted,
    AgentReserved,
    Answered,
    CancelOrdered,
    ChannelMade,
    Classified,
    HungUp,
    Joined,
    JoinFailed,
    MessageBegan,
    Noticed,
    NotPlaced,
    OriginateFailed,
    Rang,
    RecordingClosed,
    TimerFired,
    Unjoined,
    Written,
)
from dialer.types import Outcome
from tests.unit.script import CHANNEL, NOON, Script, a_record, dialling, ringing, talking, waiting

RING: list[Command] = [StartTimer("ring", 28.0)]
ENDED: list[Command] = [Save(), Finish()]


# A conversation.


def test_a_person_who_answers_is_joined_to_an_agent():
    script = dialling() >> 2.0 >> Rang(CHANNEL) << RING
    script >> 5.0 >> Answered(CHANNEL) << [SeekAgent(), Save()]
    script >> AgentReserved("ana") << [Join("ana")]
    script >> 0.005 >> Joined() << [Save()]
    script >> 60.0 >> HungUp(16) << [FreeAgent("ana", talked=True), *ENDED]
    assert script.outcome is Outcome.ANSWERED
    assert script.record.agent == "ana"


def test_the_record_keeps_when_each_thing_happened():
    record = (talking() >> 60.0 >> HungUp(16, "200")).record
    moments = (record.dialled_at, record.ringing_at, record.answered_at, record.bridged_at, record.ended_at)
    passed = [(moment - NOON).total_seconds() for moment in moments if moment is not None]
    assert passed == [0.0, 3.0, 8.0, 8.005, 68.005]
    assert record.classified_at == record.answered_at
    assert (record.cause, record.tech_cause) == (16, "200")


def test_a_recorded_conversation_keeps_its_audio_with_the_size_asterisk_said():
    script = talking(Recording.NOW) >> 60.0 >> RecordingClosed(960_000)
    script >> HungUp(16) << [FreeAgent("ana", talked=True), KeepRecording(960_000), *ENDED]


def test_a_recording_nobody_closed_is_kept_all_the_same():
    talking(Recording.NOW) >> 60.0 >> HungUp(16) << [FreeAgent("ana", talked=True), KeepRecording(None), *ENDED]


def test_recording_begins_after_the_notice():
    script = waiting(Recording.NOTICE) >> AgentReserved("ana") >> Joined() << [PlayNotice(), Save()]
    script >> 4.0 >> Noticed() << [StartRecording()]
    script >> Noticed() << []


def test_without_recording_there_is_no_notice():
    waiting() >> AgentReserved("ana") >> Joined() << [Save()]


def test_a_join_after_the_limit_is_flagged():
    assert "late_join" in (waiting() >> 1.9 >> AgentReserved("ana") >> 0.2 >> Joined()).record.flags
    assert "late_join" not in (waiting() >> 1.9 >> AgentReserved("ana") >> 0.1 >> Joined()).record.flags


def test_a_call_answered_without_ringing_is_a_call_all_the_same():
    dialling() >> Answered(CHANNEL) << [SeekAgent(), Save()]


# Live, but without an agent.


def test_a_debtor_who_hangs_up_within_two_seconds_was_early():
    assert (waiting() >> 1.999 >> HungUp(16)).outcome is Outcome.EARLY_HANGUP


def test_at_two_seconds_the_debtor_was_abandoned():
    assert (waiting() >> 2.0 >> HungUp(16)).outcome is Outcome.ABANDONED


def test_who_hears_the_message_was_abandoned_however_soon():
    script = waiting() >> 1.5 >> MessageBegan() << [Save()]
    script >> 0.1 >> HungUp(16) << ENDED
    assert script.outcome is Outcome.ABANDONED


def test_when_the_answers_event_was_lost_the_message_tells_of_it():
    script = ringing() >> 7.0 >> MessageBegan() << [Save()]
    assert script.record.answered_at == script.record.classified_at == script.now
    assert (script >> 9.0 >> HungUp(16)).outcome is Outcome.ABANDONED


def test_the_dialplan_wins_at_the_boundary():
    script = waiting() >> 1.99 >> AgentReserved("ana") >> 0.02 >> MessageBegan()
    script << [FreeAgent("ana", talked=False), Save()]
    script >> JoinFailed(refused=True) << []
    assert (script >> HungUp(16)).outcome is Outcome.ABANDONED


def test_a_refused_join_means_that_the_message_plays():
    script = waiting() >> 1.99 >> AgentReserved("ana") >> 0.02 >> JoinFailed(refused=True)
    script << [FreeAgent("ana", talked=False), Save()]
    assert script.call.stage is Stage.MESSAGE


def test_a_join_to_a_vanished_channel_frees_the_agent_and_waits_for_the_hangup():
    script = waiting() >> 0.5 >> AgentReserved("ana") >> JoinFailed(refused=False)
    script << [FreeAgent("ana", talked=False), Save()]
    assert (script >> 0.1 >> HungUp(16)).outcome is Outcome.EARLY_HANGUP


def test_a_message_announced_late_does_not_disturb_a_conversation():
    talking() >> MessageBegan() << []


def test_an_agent_who_comes_too_late_is_free_at_once():
    script = waiting() >> 2.0 >> MessageBegan()
    script >> AgentReserved("ana") << [FreeAgent("ana", talked=False)]


def test_an_agent_reserved_for_a_call_that_has_one_is_free_at_once():
    talking() >> AgentReserved("eva") << [FreeAgent("eva", talked=False)]


# Agents who vanish.


def test_a_dead_leg_sends_the_debtor_to_another_agent():
    script = talking() >> 1.0 >> Unjoined("FAILED")
    script << [FreeAgent("ana", talked=False, lost=True), SeekAgent(), Save()]
    assert (script.record.agent, script.record.bridged_at) == (None, None)
    script >> AgentReserved("eva") >> 0.005 >> Joined() >> 60.0 >> HungUp(16)
    assert (script.outcome, script.record.agent) == (Outcome.ANSWERED, "eva")
    assert "dead_leg" in script.record.flags


def test_a_debtor_left_on_a_dead_leg_without_rescue_was_abandoned():
    script = talking() >> 1.0 >> Unjoined("FAILED") >> 2.0 >> MessageBegan() >> 5.0 >> HungUp(16)
    assert script.outcome is Outcome.ABANDONED


def test_a_leg_that_never_joined_is_a_dead_leg():
    script = waiting() >> AgentReserved("ana") >> 0.3 >> Unjoined("NONEXISTENT")
    script << [FreeAgent("ana", talked=False, lost=True), SeekAgent(), Save()]
    assert script.record.flags == ("dead_leg",)


def test_an_agent_lost_after_a_conversation_leaves_an_answered_call():
    script = talking(Recording.NOW) >> 30.0 >> Unjoined("SUCCESS")
    script << [FreeAgent("ana", talked=True, lost=True), SeekAgent(), Save()]
    script >> 2.0 >> MessageBegan() >> 5.0 >> HungUp(16) << [KeepRecording(None), *ENDED]
    assert (script.outcome, script.record.agent) == (Outcome.ANSWERED, "ana")
    assert "agent_lost" in script.record.flags


def test_another_agent_takes_a_lost_conversation_over():
    script = talking() >> 30.0 >> Unjoined("SUCCESS") >> AgentReserved("eva") >> Joined() << [Save()]
    assert "late_join" not in script.record.flags
    script >> 30.0 >> HungUp(16) << [FreeAgent("eva", talked=True), *ENDED]
    assert script.record.agent == "eva"


@pytest.mark.parametrize("joined", [True, False], ids=["joined", "never joined"])
def test_a_second_agent_on_a_dead_leg_does_not_undo_the_first_conversation(joined: bool):
    script = talking() >> 30.0 >> Unjoined("SUCCESS") >> AgentReserved("eva")
    began = script.record.bridged_at
    if joined:
        script >> Joined()
    script >> 1.0 >> Unjoined("FAILED") << [FreeAgent("eva", talked=False, lost=True), SeekAgent(), Save()]
    assert (script.record.agent, script.record.bridged_at) == ("ana", began)
    assert script.record.flags == ("agent_lost", "dead_leg")


def test_a_conversation_found_again_after_a_restart_counts_from_its_true_beginning():
    record = a_record(answered_at=NOON, classified_at=NOON, bridged_at=NOON, agent="ana")
    found = Call(record=record, stage=Stage.TALKING, agent="ana", since=NOON + timedelta(minutes=5))
    script = Script(found, NOON + timedelta(minutes=5)) >> 1.0 >> Unjoined("SUCCESS")
    assert script.record.flags == ("agent_lost",)


# Nobody answered.


@pytest.mark.parametrize(
    ("cause", "tech_cause", "outcome"),
    [
        (17, "486", Outcome.BUSY),
        (19, "480", Outcome.NO_ANSWER),
        (18, "408", Outcome.NO_ANSWER),
        (21, "603", Outcome.REJECTED),
        (21, "403", Outcome.FAILED),
        (1, "404", Outcome.INVALID),
        (34, "503", Outcome.CONGESTION),
        (127, "487", Outcome.FAILED),
    ],
)
def test_a_refused_call_ends_as_its_cause_says(cause: int, tech_cause: str, outcome: Outcome):
    script = ringing() >> 3.0 >> HungUp(cause, tech_cause) << ENDED
    assert script.outcome is outcome


def test_a_phone_that_never_rings_is_given_up_after_ring_and_set_up():
    script = Script(Call(record=a_record())) >> Written() << [StartTimer("setup", 32.0)]
    script = script >> ChannelMade(CHANNEL) >> 32.0 >> TimerFired("setup") << [HangUp(CHANNEL)]
    script >> HungUp(16)
    assert script.call.record.outcome is Outcome.NO_ANSWER


def test_a_phone_that_rings_late_still_rings_its_time():
    script = Script(Call(record=a_record())) >> Written() >> ChannelMade(CHANNEL) >> 25.0 >> Rang(CHANNEL) >> 7.0
    script >> TimerFired("setup") << []
    assert script.call.stage is Stage.RINGING


def test_we_stop_ringing_at_the_ring_timeout():
    script = ringing() >> 28.0 >> TimerFired("ring") << [HangUp(CHANNEL)]
    script >> 0.01 >> HungUp(127, "487") << ENDED
    assert script.outcome is Outcome.NO_ANSWER


def test_a_busy_signal_that_crosses_our_hangup_is_still_busy():
    script = ringing() >> 28.0 >> TimerFired("ring") >> HungUp(17, "486")
    assert script.outcome is Outcome.BUSY


def test_an_answer_that_crosses_our_hangup_was_abandoned_by_us():
    script = ringing() >> 28.0 >> TimerFired("ring") >> Answered(CHANNEL) >> 0.01 >> HungUp(16, "200")
    assert script.outcome is Outcome.ABANDONED


def test_an_originate_without_a_channel_failed():
    script = dialling() >> OriginateFailed(0) << ENDED
    assert script.outcome is Outcome.FAILED


def test_with_a_channel_the_hangup_decides_not_the_originates_answer():
    script = dialling() >> ChannelMade(CHANNEL) >> OriginateFailed(0) << []
    assert (script >> HungUp(17, "486")).outcome is Outcome.BUSY


@pytest.mark.parametrize("written", [True, False])
def test_a_call_that_was_certainly_not_placed_failed(written: bool):
    script = Script(Call(record=a_record()))
    if written:
        script >> Written()
    script >> NotPlaced("the trunk is full") << ENDED
    assert script.outcome is Outcome.FAILED


def test_a_channel_proves_that_the_call_was_placed():
    dialling() >> ChannelMade(CHANNEL) >> NotPlaced("late") << []


# Cancelled by us.


def test_a_ringing_call_is_cancelled_at_once_after_the_minimum_ring():
    script = ringing() >> 15.0 >> CancelOrdered() << [HangUp(CHANNEL)]
    assert (script >> HungUp(127, "487")).outcome is Outcome.CANCELLED
    assert script.record.flags == ()


def test_before_the_minimum_ring_a_cancel_waits():
    script = ringing() >> 5.0 >> CancelOrdered() << [StartTimer("min_ring", 10.0)]
    script >> CancelOrdered() << []
    script >> 10.0 >> TimerFired("min_ring") << [HangUp(CHANNEL)]
    assert (script >> HungUp(127, "487")).outcome is Outcome.CANCELLED


def test_a_call_that_has_not_rung_is_cancelled_after_it_has_rung_long_enough():
    script = dialling() >> CancelOrdered() << []
    script >> 3.0 >> Rang(CHANNEL) << [*RING, StartTimer("min_ring", 15.0)]
    script >> 15.0 >> TimerFired("min_ring") << [HangUp(CHANNEL)]


def test_a_timer_nobody_waits_for_does_nothing():
    ringing() >> 15.0 >> TimerFired("min_ring") << []


def test_a_person_who_answers_while_a_cancel_waits_is_served():
    script = ringing() >> 5.0 >> CancelOrdered() >> 2.0 >> Answered(CHANNEL) << [SeekAgent(), Save()]
    script >> TimerFired("min_ring") << []
    assert (script >> 1.0 >> HungUp(16)).outcome is Outcome.EARLY_HANGUP


def test_a_far_end_that_gives_up_while_a_cancel_waits_ends_as_its_cause_says():
    assert (ringing() >> 5.0 >> CancelOrdered() >> HungUp(127, "487")).outcome is Outcome.FAILED


def test_a_forced_cancel_cuts_below_the_minimum_ring_and_says_so():
    script = ringing() >> 5.0 >> CancelOrdered(forced=True) << [HangUp(CHANNEL)]
    assert (script >> HungUp(127, "487")).outcome is Outcome.CANCELLED
    assert script.record.flags == ("cut_below_minimum_ring",)


def test_a_forced_cancel_after_the_minimum_ring_has_nothing_to_say():
    assert (ringing() >> 15.0 >> CancelOrdered(forced=True)).record.flags == ()


def test_a_call_whose_channel_is_not_known_yet_is_cut_by_its_id():
    script = dialling() >> CancelOrdered(forced=True)
    script << [HangUp(script.call.call_id)]


def test_a_live_person_is_not_cancelled():
    waiting() >> CancelOrdered() << []
    talking() >> CancelOrdered(forced=True) << []


def test_a_live_person_cut_by_force_was_abandoned():
    script = waiting() >> 0.5 >> CancelOrdered(forced=True) << [HangUp(CHANNEL)]
    assert (script >> HungUp(16)).outcome is Outcome.ABANDONED
    assert script.record.flags == ()


# Answer-machine detection.


def classifying() -> Script:
    return ringing() >> 5.0 >> Answered(CHANNEL, amd=True) << [Save()]


@pytest.mark.parametrize("verdict", ["HUMAN", "NOTSURE"])
def test_who_is_not_surely_a_machine_gets_an_agent(verdict: str):
    script = classifying() >> 1.1 >> Classified(verdict) << [SeekAgent(), Save()]
    assert script.record.classified_at == script.now


def test_a_machine_gets_nobody():
    script = classifying() >> 1.1 >> Classified("MACHINE") << []
    assert (script >> 0.01 >> HungUp(16) << ENDED).outcome is Outcome.MACHINE


def test_a_person_who_hangs_up_during_the_detection_was_early():
    assert (classifying() >> 0.6 >> Classified("HANGUP") >> HungUp(16)).outcome is Outcome.EARLY_HANGUP
    assert (classifying() >> 0.6 >> HungUp(16)).outcome is Outcome.EARLY_HANGUP


def test_with_detection_the_two_seconds_count_from_the_verdict():
    assert (classifying() >> 1.1 >> Classified("HUMAN") >> 1.9 >> HungUp(16)).outcome is Outcome.EARLY_HANGUP
    assert (classifying() >> 1.1 >> Classified("HUMAN") >> 2.0 >> HungUp(16)).outcome is Outcome.ABANDONED


# After a loss of contact.


def test_evidence_closes_a_call_with_its_true_times():
    answered_at, bridged_at, ended_at = (NOON + timedelta(seconds=passed) for passed in (9, 10, 40))
    script = dialling(Recording.NOW) >> 300.0
    script >> Accounted(Outcome.ANSWERED, 16, answered_at, bridged_at, ended_at) << [KeepRecording(None), *ENDED]
    assert (script.outcome, script.record.cause, script.record.ended_at) == (Outcome.ANSWERED, 16, ended_at)
    assert script.record.flags == ("reconciled",)


def test_what_we_saw_ourselves_is_not_overwritten_by_evidence():
    script = waiting()
    seen = script.record.answered_at
    script >> 60.0 >> Accounted(Outcome.ABANDONED, answered_at=NOON)
    assert script.record.answered_at == seen


def test_an_agent_held_by_a_closed_call_is_free():
    talking() >> 60.0 >> Accounted(Outcome.DROPPED, flag="asterisk_died") << [FreeAgent("ana", talked=True), *ENDED]


def test_a_call_we_cancelled_ourselves_is_not_mistaken_for_a_failure():
    script = ringing() >> 16.0 >> CancelOrdered() >> 60.0 >> Accounted(Outcome.FAILED, 127)
    assert script.outcome is Outcome.CANCELLED


def test_evidence_of_a_failure_stands_for_a_call_we_did_not_touch():
    assert (dialling() >> Accounted(Outcome.FAILED, flag="not_placed")).outcome is Outcome.FAILED


def test_rules_of_their_own_are_followed():
    call = Call(record=a_record(), rules=replace(CallRules(), connect_within_s=1.0, min_ring_s=20.0))
    script = Script(call) >> Written() >> Rang(CHANNEL) >> 15.0 >> CancelOrdered() << [StartTimer("min_ring", 5.0)]
    assert (script >> Answered(CHANNEL) >> 1.0 >> HungUp(16)).outcome is Outcome.ABANDONED
