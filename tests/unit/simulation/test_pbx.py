"""The simulated node by its orders and events: every story the dialplan can tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.simulation.far_end import LegReply, Reply
from dialer.simulation.node import OriginateOrder, Refused
from dialer.simulation.switch import Settings
from tests.unit.simulation.workbench import (
    CALL,
    CALLER_ID,
    LEG,
    OTHER_CALL,
    OTHER_LEG,
    STAYS,
    Workbench,
)

RECORDING = f"/var/spool/asterisk/dialer/{CALL}.raw"
RINGS = Reply(rings_after_s=1.0)


@pytest.fixture
def bench() -> Workbench:
    return Workbench()


class TestConversation:
    def test_a_debtor_is_called_answers_and_is_announced(self, bench: Workbench):
        bench.call()
        bench.forward(5)
        assert bench.story() == ["Newchannel", "Newstate", "Newstate", "OriginateResponse", "DialerAnswered"]

    def test_the_channel_rings_before_it_is_up(self, bench: Workbench):
        bench.call()
        bench.forward(5)
        assert [event["ChannelState"] for event in bench.named("Newstate")] == ["5", "6"]

    def test_debtor_and_agent_meet_in_a_bridge_of_two(self, bench: Workbench):
        bench.conversation()
        entered = [event for event in bench.named("BridgeEnter") if event["BridgeTechnology"] == "simple_bridge"]
        assert [(event["Uniqueid"], event["BridgeNumChannels"]) for event in entered] == [(LEG, "1"), (CALL, "2")]

    def test_both_belong_to_one_call_from_then_on(self, bench: Workbench):
        bench.conversation()
        assert {row.linkedid for row in bench.node.channels()} == {LEG}

    def test_the_agent_waits_again_when_the_debtor_is_hung_up(self, bench: Workbench):
        bench.conversation()
        bench.forward(60)
        bench.node.hang_up(CALL, 16)
        bench.forward()
        assert bench.last("BridgeEnter", LEG)["BridgeTechnology"] == "holding_bridge"

    def test_a_very_short_hold_pauses_before_the_agent_waits_again(self, bench: Workbench):
        bench.agent()
        bench.node.redirect(LEG, "dialer-agent", "s", 4)
        bench.forward()
        assert bench.place(LEG) == ("dialer-agent", "BridgeWait")

    def test_the_debtor_hangs_up_after_the_talk(self, bench: Workbench):
        bench.conversation(replace(STAYS, talk_s=90.0))
        bench.forward(89)
        assert bench.named("Hangup", CALL) == []
        bench.forward(1)
        assert bench.last("Hangup", CALL)["Cause"] == "16"

    def test_one_agent_talks_to_one_debtor_after_the_other(self, bench: Workbench):
        leg = bench.conversation(replace(STAYS, talk_s=30.0))
        bench.forward(31)
        bench.call(OTHER_CALL, "+5491155500300")
        bench.forward(5)
        bench.join(leg, OTHER_CALL)
        assert bench.last("BridgeEnter", OTHER_CALL)["BridgeNumChannels"] == "2"

    def test_the_recording_is_closed_and_its_size_told_before_the_hangup(self, bench: Workbench):
        bench.conversation(DIALER_RECORD="now")
        bench.node.hang_up(CALL, 16)
        bench.forward()
        assert bench.story()[-2:] == ["DialerRecorded", "Hangup"]
        assert bench.last("DialerRecorded")["Size"] == "1000"
        assert [str(path) for path in bench.recorder.files] == [RECORDING]

    def test_a_conversation_that_is_not_recorded_tells_no_size(self, bench: Workbench):
        bench.conversation()
        bench.node.hang_up(CALL, 16)
        bench.forward()
        assert bench.named("DialerRecorded") == []

    def test_a_recording_can_begin_in_mid_conversation(self, bench: Workbench):
        bench.conversation(DIALER_RECORD="notice")
        bench.node.mix_monitor(CALL, RECORDING, "D")
        bench.node.hang_up(CALL, 16)
        bench.forward()
        assert bench.last("DialerRecorded")["Size"] == "1000"

    def test_the_debtors_voice_is_its_own(self, bench: Workbench):
        bench.conversation(DIALER_RECORD="now")
        assert bench.recorder.voices[0].left_seed == STAYS.speech_seed

    def test_the_call_log_knows_the_whole_life(self, bench: Workbench):
        bench.conversation()
        bench.node.hang_up(CALL, 16)
        bench.forward()
        lines = [line for line in bench.book.lines if CALL in line]
        words = ["CHAN_START", "ANSWER", "BRIDGE_ENTER", "HANGUP", "CHAN_END"]
        assert [line.split()[0] for line in lines] == words


class TestAgentFirst:
    def test_the_debtor_goes_on_when_the_agent_hangs_up(self, bench: Workbench):
        bench.conversation()
        bench.node.phone_hangs_up("1001")
        bench.forward()
        assert bench.last("DialerUnjoined", CALL)["Result"] == "SUCCESS"

    def test_another_agent_takes_over_within_two_seconds(self, bench: Workbench):
        bench.conversation()
        other = bench.agent("1002", OTHER_LEG, "bob")
        bench.node.phone_hangs_up("1001")
        bench.forward(1.9)
        bench.join(other, name="bob")
        assert bench.last("BridgeEnter", CALL)["BridgeNumChannels"] == "2"

    def test_nobody_takes_over_and_the_message_is_played(self, bench: Workbench):
        bench.conversation()
        bench.node.phone_hangs_up("1001")
        bench.forward(2)
        assert bench.story()[-1] == "DialerAbandoned"

    def test_a_join_to_a_leg_that_is_gone_fails_but_the_debtor_stays(self, bench: Workbench):
        bench.call()
        bench.forward(5)
        bench.join("PJSIP/1001-00000099")
        assert bench.last("DialerUnjoined", CALL)["Result"] == "NONEXISTENT"

    def test_a_phone_that_falls_silent_is_noticed_and_its_leg_stays(self, bench: Workbench):
        bench.conversation()
        bench.phones.lose("1001")
        bench.forward(1.7)
        assert bench.node.contacts() == {"1001": "Reachable"}
        bench.forward(0.1)
        assert bench.last("ContactStatus")["ContactStatus"] == "Unreachable"
        assert len(bench.node.channels()) == 2

    def test_the_leg_of_a_silent_phone_ends_where_a_timeout_is_set(self):
        bench = Workbench(settings=Settings(dead_leg_s=30.0))
        bench.conversation()
        bench.phones.lose("1001")
        bench.forward(30)
        assert bench.named("DialerUnjoined", CALL) != []

    def test_a_phone_that_comes_back_in_time_is_not_missed(self, bench: Workbench):
        bench.agent()
        bench.phones.lose("1001")
        bench.phones.register("1001")
        bench.forward(5)
        assert bench.last("ContactStatus")["ContactStatus"] == "Reachable"


class TestNobodyJoins:
    def test_message_and_menu_follow_after_two_seconds(self, bench: Workbench):
        bench.call(reply=replace(STAYS, menu_choice="callback"))
        bench.forward(6.9)
        assert bench.named("DialerAbandoned") == []
        bench.forward(0.1)
        assert bench.named("DialerAbandoned") != []
        bench.forward(60)
        assert bench.story()[-3:] == ["DialerAbandoned", "DialerMenu", "Hangup"]
        assert bench.last("DialerMenu")["Choice"] == "callback"

    def test_the_call_log_says_abandoned(self, bench: Workbench):
        bench.call()
        bench.forward(60)
        assert f"DIALER_ABANDONED {CALL}" in bench.book.lines

    def test_a_join_that_comes_too_late_is_refused(self, bench: Workbench):
        leg = bench.agent()
        bench.call()
        bench.forward(7.5)
        bench.join(leg)
        assert bench.story()[-1] == "DialerJoinRefused"
        bench.forward(60)
        assert len(bench.named("DialerAbandoned")) == 1
        assert bench.named("Hangup", CALL) != []

    def test_the_debtor_who_loses_patience_is_gone(self, bench: Workbench):
        bench.call(reply=replace(STAYS, patience_s=0.5))
        bench.forward(5.5)
        assert bench.story()[-1] == "Hangup"
        assert bench.last("Hangup")["Cause"] in {"0", "16"}

    def test_whoever_talks_has_patience(self, bench: Workbench):
        bench.conversation(replace(STAYS, patience_s=0.5))
        bench.forward(60)
        assert bench.named("Hangup", CALL) == []

    def test_a_message_that_hangs_is_cut_by_the_cap(self):
        bench = Workbench(settings=Settings(menu_none_s=1000.0))
        bench.call()
        bench.forward(5 + 2 + 90)
        assert bench.story()[-2:] == ["DialerMenu", "Hangup"]


class TestDetection:
    def test_a_machine_is_hung_up_by_the_dialplan(self, bench: Workbench):
        reply = replace(STAYS, machine=True, amd_s=0.8, amd_status="MACHINE", amd_cause="LONGGREETING-760-750")
        bench.call(reply=reply, DIALER_AMD="1")
        bench.forward(5.8)
        assert bench.story()[-3:] == ["DialerAnswered", "DialerClassified", "Hangup"]
        assert bench.last("DialerClassified")["Status"] == "MACHINE"
        assert f"DIALER_MACHINE {CALL} LONGGREETING-760-750" in bench.book.lines

    def test_a_person_is_told_apart_and_waits_for_an_agent(self, bench: Workbench):
        bench.call(DIALER_AMD="1")
        bench.forward(6)
        assert bench.last("DialerAnswered")["Amd"] == "1"
        assert bench.last("DialerClassified")["Status"] == "HUMAN"
        assert bench.place(CALL) == ("dialer-debtor", "Wait")

    def test_a_redirect_interrupts_the_detection(self, bench: Workbench):
        leg = bench.agent()
        bench.call(DIALER_AMD="1")
        bench.forward(5.5)
        bench.join(leg)
        bench.forward(10)
        assert bench.named("DialerClassified") == []


REFUSALS = {
    401: 21, 403: 21, 404: 1, 405: 127, 407: 21, 408: 18, 410: 22, 420: 3, 480: 19, 481: 127, 484: 28, 485: 1,
    486: 17, 487: 127, 488: 58, 500: 38, 501: 29, 502: 27, 503: 34, 504: 102, 505: 127, 599: 34, 600: 17, 603: 21,
    604: 1, 606: 58,
}  # fmt: skip


class TestUnanswered:
    @pytest.mark.parametrize(("sip", "cause"), REFUSALS.items())
    def test_a_refusal_is_a_cause_and_the_sip_status(self, bench: Workbench, sip: int, cause: int):
        bench.call(reply=Reply(ends_after_s=2.0, sip=sip))
        bench.forward(2)
        assert bench.story() == ["Newchannel", "OriginateResponse", "Hangup"]
        ended = bench.last("Hangup")
        assert (ended["Cause"], ended["TechCause"]) == (str(cause), str(sip))
        assert (bench.last("OriginateResponse")["Response"], bench.last("OriginateResponse")["Reason"]) == (
            "Failure",
            "0",
        )

    def test_nobody_answers_and_our_timeout_ends_it(self, bench: Workbench):
        bench.call(reply=RINGS)
        bench.forward(29.9)
        assert bench.named("Hangup") == []
        bench.forward(0.1)
        ended = bench.last("Hangup")
        assert (ended["Cause"], ended["TechCause"], ended["ChannelState"]) == ("19", "480", "5")
        assert bench.last("OriginateResponse")["Reason"] == "3"

    def test_we_give_up_while_it_rings(self, bench: Workbench):
        bench.call(reply=RINGS)
        bench.forward(20)
        bench.node.hang_up(CALL, 16)
        bench.forward()
        assert bench.story()[-2:] == ["OriginateResponse", "Hangup"]
        assert bench.last("Hangup")["Cause"] == "16"
        assert "TechCause" not in bench.last("Hangup")

    def test_a_trunk_that_refuses_calls_nobody(self, bench: Workbench):
        bench.node.refuse("carrier", 503)
        bench.call()
        bench.forward(1)
        assert bench.last("Hangup")["TechCause"] == "503"
        bench.node.refuse("carrier", None)
        bench.call(OTHER_CALL)
        bench.forward(5)
        assert bench.named("DialerAnswered", OTHER_CALL) != []

    def test_a_trunk_that_is_missing_makes_no_channel(self, bench: Workbench):
        bench.node.miss("carrier", missing=True)
        bench.call()
        assert bench.story() == ["OriginateResponse"]
        bench.node.miss("carrier", missing=False)
        bench.call(OTHER_CALL)
        assert bench.story(OTHER_CALL) == ["Newchannel"]

    @pytest.mark.parametrize("channel", ["PJSIP/+5491155500299@nowhere", "PJSIP/1001", "PJSIP/4711", "DAHDI/1/2"])
    def test_what_cannot_be_dialled_makes_no_channel(self, bench: Workbench, channel: str):
        bench.originate(CALL, channel, "dialer-debtor", {})
        assert bench.story() == ["OriginateResponse"]
        assert bench.last("OriginateResponse")["Response"] == "Failure"

    @pytest.mark.parametrize("second", [CALL, CALL[:-1], CALL.upper()])
    def test_an_id_like_the_beginning_of_a_living_one_makes_no_channel(self, bench: Workbench, second: str):
        bench.call()
        bench.call(second, "+5491155500300")
        assert bench.world.called_numbers == ["+5491155500299"]
        assert bench.last("OriginateResponse")["Uniqueid"] == second

    def test_an_id_may_be_used_again_when_its_channel_is_gone(self, bench: Workbench):
        bench.call(reply=Reply(ends_after_s=1.0, sip=486))
        bench.forward(1)
        bench.call()
        assert len(bench.named("Newchannel")) == 2

    def test_an_agent_who_declines_is_no_leg(self, bench: Workbench):
        bench.phones.register("1001", LegReply(0.5, 486))
        bench.originate(LEG, "PJSIP/1001", "dialer-agent", {})
        bench.forward(1)
        assert bench.last("Hangup", LEG)["Cause"] == "17"

    def test_a_redirect_takes_a_ringing_channel_away_from_its_originate(self, bench: Workbench):
        bench.call(reply=RINGS)
        bench.forward(2)
        bench.join("PJSIP/1001-00000099")
        assert bench.story()[-2:] == ["OriginateResponse", "DialerUnjoined"]


class TestInbound:
    def test_a_call_to_our_caller_id_is_announced(self, bench: Workbench):
        bench.node.arrive("+5491155556666", CALLER_ID, "carrier")
        arrived = bench.last("DialerInbound")
        assert (arrived["Caller"], arrived["Dialled"]) == ("+5491155556666", CALLER_ID)

    def test_the_caller_talks_to_an_agent(self, bench: Workbench):
        leg = bench.agent()
        call = bench.node.arrive("+5491155556666", CALLER_ID, "carrier", Reply(talk_s=30.0))
        assert call is not None
        bench.forward(3)
        bench.join(leg, call, DIALER_RECORD="now")
        bench.forward(30)
        assert bench.story(call)[-2:] == ["DialerRecorded", "Hangup"]

    def test_without_an_agent_the_message_is_played(self, bench: Workbench):
        call = bench.node.arrive("+5491155556666", CALLER_ID, "carrier") or ""
        bench.forward(60)
        assert bench.story(call)[-2:] == ["DialerInboundMessage", "Hangup"]

    def test_another_number_is_unknown_here(self, bench: Workbench):
        assert bench.node.arrive("+5491155556666", "+541199999999", "carrier") is None

    def test_a_caller_cannot_write_into_our_events(self, bench: Workbench):
        bench.node.arrive("1,Choice: optout", CALLER_ID, "carrier")
        assert bench.last("DialerInbound")["Caller"] == "1"


class TestNotice:
    def notice(self, bench: Workbench, debtor: str) -> None:
        variables = {"DIALER_NOTICE_CALL": debtor, "DIALER_LANG": "es"}
        bench.node.originate(
            OriginateOrder(
                action_id="n", channel="Local/s@dialer-notice/n", channel_id="", application="ChanSpy",
                data=f"{debtor},quBES", variables=variables,
            )
        )  # fmt: skip
        bench.forward()

    def test_it_is_spoken_into_the_conversation_and_leaves_nothing_behind(self, bench: Workbench):
        bench.conversation()
        self.notice(bench, CALL)
        bench.forward(5)
        assert bench.last("DialerNoticed")["CallId"] == CALL
        assert len(bench.node.channels()) == 2

    def test_it_ends_with_the_debtor(self, bench: Workbench):
        bench.conversation()
        self.notice(bench, CALL)
        bench.node.hang_up(CALL, 16)
        bench.forward()
        assert [row.uniqueid for row in bench.node.channels()] == [LEG]
        assert bench.named("DialerNoticed") == []

    def test_without_the_debtor_nothing_is_said(self, bench: Workbench):
        self.notice(bench, CALL)
        bench.forward(5)
        assert bench.named("DialerNoticed") == []
        assert bench.node.channels() == []


class TestRestart:
    def test_a_crash_takes_every_channel_without_a_word(self, bench: Workbench):
        bench.conversation(DIALER_RECORD="now")
        heard, written = len(bench.events), len(bench.book.lines)
        bench.node.restart(lose_channels=True)
        bench.forward(1)
        assert (bench.events[heard:], bench.book.lines[written:]) == ([], [])
        assert bench.node.channels() == []

    def test_a_restart_in_good_order_hangs_up_and_says_so(self, bench: Workbench):
        bench.conversation()
        bench.node.restart(lose_channels=False)
        assert {event["Uniqueid"] for event in bench.named("Hangup")} == {CALL, LEG}
        assert bench.last("Shutdown")["Restart"] == "True"

    def test_it_comes_back_as_another_incarnation(self, bench: Workbench):
        before = bench.node.started_at
        bench.forward(10)
        bench.node.restart(lose_channels=True)
        bench.forward(2)
        assert bench.last("FullyBooted")["Status"] == "Fully Booted"
        assert bench.node.started_at > before

    def test_nothing_of_a_lost_call_happens_later(self, bench: Workbench):
        bench.conversation(replace(STAYS, talk_s=30.0))
        bench.node.restart(lose_channels=True)
        bench.forward(3)
        heard = len(bench.events)
        bench.forward(120)
        assert bench.events[heard:] == []

    def test_calls_are_taken_again(self, bench: Workbench):
        bench.node.restart(lose_channels=True)
        bench.forward(3)
        bench.call()
        bench.forward(5)
        assert bench.story()[-1] == "DialerAnswered"

    def test_whoever_serves_the_node_is_told(self, bench: Workbench):
        power: list[bool] = []
        bench.node.on_power = power.append
        bench.node.restart(lose_channels=True)
        bench.forward(3)
        assert power == [False, True]


class TestOrders:
    @pytest.mark.parametrize(
        "order",
        [
            lambda node: node.set_variable("nix", "A", "1"),
            lambda node: node.get_variable("nix", "A"),
            lambda node: node.hang_up("nix", 16),
            lambda node: node.mix_monitor("nix", "/x.raw", "D"),
            lambda node: node.stop_mix_monitor("nix"),
        ],
    )
    def test_a_channel_that_is_not_there_is_refused(self, bench: Workbench, order):
        with pytest.raises(Refused, match=r"^No such channel$"):
            order(bench.node)

    def test_a_redirect_names_the_channel_that_is_not_there(self, bench: Workbench):
        with pytest.raises(Refused, match=r"^Channel does not exist: nix$"):
            bench.node.redirect("nix", "dialer-join", "s", 1)

    def test_a_bridge_names_the_channel_that_is_not_there(self, bench: Workbench):
        leg = bench.agent()
        with pytest.raises(Refused, match=r"^Channel2 does not exist: nix$"):
            bench.node.bridge(leg, "nix", "no")

    @pytest.mark.parametrize(
        ("channel", "context", "message"),
        [("nix", "dialer-debtor", "Invalid channel"), ("PJSIP/1001", "nix", "Extension does not exist.")],
    )
    def test_what_is_no_call_is_refused_at_once(self, bench: Workbench, channel: str, context: str, message: str):
        with pytest.raises(Refused, match=message):
            bench.originate(CALL, channel, context, {})

    def test_all_channels_of_a_pattern_are_hung_up(self, bench: Workbench):
        bench.conversation()
        assert bench.node.hang_up("/^PJSIP/", 16) == 2
        bench.forward()
        assert bench.node.channels() == []

    def test_two_channels_are_bridged_and_each_goes_on_afterwards(self, bench: Workbench):
        leg = bench.agent()
        bench.call()
        bench.forward(5)
        bench.node.bridge(CALL, leg, "no")
        bench.forward(30)
        assert bench.last("BridgeEnter", LEG)["BridgeNumChannels"] == "2"
        bench.node.hang_up(CALL, 16)
        bench.forward(1)
        assert bench.place(LEG) == ("dialer-agent", "BridgeWait")

    def test_variables_and_functions_are_read(self, bench: Workbench):
        bench.call()
        bench.forward(5)
        read = [bench.node.get_variable(CALL, name) for name in ("DIALER_LANG", "CALLERID(num)", "NOTHING")]
        assert read == ["es", CALLER_ID, ""]

    def test_a_user_event_of_no_channel_is_raised(self, bench: Workbench):
        bench.node.user_event("Hello", [("A", "1")])
        assert bench.events == [("UserEvent", {"UserEvent": "Hello", "A": "1"})]
