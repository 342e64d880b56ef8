"""What Asterisk says reaches the call, the agent or the caller it is about."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from dialer.ami.messages import BridgeEnter, ContactStatus, Event, FullyBooted, Hangup, Newchannel, Newstate
from dialer.ami.messages import OriginateResponse as Placed
from dialer.call import Recording, Stage
from dialer.engine.inbound import Inbound
from dialer.engine.switchboard import Switchboard
from dialer.routing import AgentState, ReadyOrdered
from dialer.types import InboundRecord
from tests.unit.engine.desk import CHANNEL, Desk, a_user_event

INBOUND = "1772539200.17"


class Board(Desk):
    """A desk with a switchboard."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Awaitable[None]] = []
        self.records: list[InboundRecord] = []

        async def nobody(phone: str, dialled: str) -> None:
            return None

        self.inbound = Inbound(
            self.clock, self.floor, self.plane, find=nobody, ask=self.asked.append, save=self.records.append
        )
        self.switchboard = Switchboard(self.book, self.floor, self.plane, self.inbound)
        self.plane.on_join_failed = self.switchboard.join_failed
        self.menus: list[tuple[str, str]] = []
        self.switchboard.on_menu = lambda call_id, choice: self.menus.append((call_id, choice))

    def hear(self, *events: Event) -> None:
        for event in events:
            self.switchboard.hear("a1", event)

    def contact(self, status: str, uri: str = "sip:ana@192.0.2.9", name: str = "ana") -> None:
        self.hear(ContactStatus(self.agent(name).extension, uri, status, None))

    async def talks(self, recording: Recording = Recording.NO) -> str:
        call_id = self.dials(recording=recording)
        self.hear(a_user_event("DialerAnswered", call_id, Amd="0"), entered(call_id))
        return call_id


def entered(channel_id: str) -> BridgeEnter:
    return BridgeEnter("b1", "", "simple_bridge", "Bridge", 2, channel_id, channel_id, CHANNEL, None)


def ended(channel_id: str, cause: int = 16, tech: str | None = None) -> Hangup:
    return Hangup(channel_id, channel_id, CHANNEL, 6, cause, tech, None)


@pytest.fixture
async def board() -> Board:
    board = Board()
    board.seats("ana")
    return board


# Calls.


async def test_a_call_is_followed_from_its_channel_to_its_end(board: Board):
    call_id = board.dials()
    board.hear(Newchannel(call_id, call_id, CHANNEL, 0, "", "", "", None))
    board.hear(Newstate(call_id, call_id, CHANNEL, 5, None))
    assert board.call(call_id).stage is Stage.RINGING
    board.hear(ended(call_id, 17, "486"))
    record = (await board.kept())[call_id]
    assert (str(record.outcome), record.tech_cause) == ("busy", "486")  # type: ignore[union-attr]


async def test_only_ringing_is_heard_of_the_states(board: Board):
    call_id = board.dials()
    board.hear(Newstate(call_id, call_id, CHANNEL, 6, None))
    assert board.call(call_id).stage is Stage.DIALLING


async def test_an_answer_becomes_a_conversation(board: Board):
    call_id = await board.talks()
    assert board.call(call_id).stage is Stage.TALKING
    assert board.agent().state is AgentState.TALKING


async def test_with_detection_the_verdict_is_waited_for(board: Board):
    call_id = board.dials()
    board.hear(a_user_event("DialerAnswered", call_id, Amd="1"))
    assert board.call(call_id).stage is Stage.CLASSIFYING
    board.hear(a_user_event("DialerClassified", call_id, Status="HUMAN"))
    assert board.call(call_id).agent == "ana"


async def test_a_bridge_that_is_not_awaited_is_no_conversation(board: Board):
    call_id = board.dials()
    board.hear(entered(call_id))
    assert board.call(call_id).stage is Stage.DIALLING


async def test_the_message_and_its_menu(board: Board):
    call_id = board.dials()
    board.floor.softphone_lost("a1", board.agent().extension, "gone")
    board.hear(a_user_event("DialerAnswered", call_id), a_user_event("DialerAbandoned", call_id))
    assert board.call(call_id).stage is Stage.MESSAGE
    board.hear(a_user_event("DialerMenu", call_id, Choice="optout"))
    assert board.menus == [(call_id, "optout")]


async def test_a_join_the_dialplan_refuses_frees_the_agent(board: Board):
    call_id = board.dials()
    board.hear(a_user_event("DialerAnswered", call_id), a_user_event("DialerJoinRefused", call_id))
    assert board.call(call_id).stage is Stage.MESSAGE
    assert board.agent().state is AgentState.READY


async def test_a_redirect_that_comes_too_late_frees_the_agent_when_the_call_is_gone(board: Board):
    call_id = board.dials()
    board.hear(a_user_event("DialerAnswered", call_id))
    await board.link.answers("Redirect", "Channel does not exist", success=False)
    board.hear(ended(call_id))
    assert board.agent().state is AgentState.READY
    assert call_id not in board.book


async def test_a_debtor_whose_agent_is_lost_goes_to_the_next(board: Board):
    board.seats("eva", state=AgentState.PAUSED)
    call_id = await board.talks()
    board.floor.apply("eva", ReadyOrdered())
    board.clock.pass_s(30)
    board.hear(a_user_event("DialerUnjoined", call_id, Result="SUCCESS"))
    assert board.call(call_id).agent == "eva"
    assert board.agent().state is AgentState.LOGGED_OUT


async def test_the_size_of_a_recording_comes_before_the_end(board: Board):
    call_id = await board.talks(Recording.NOW)
    board.hear(a_user_event("DialerRecorded", call_id, Size="32000"), ended(call_id))
    assert board.recordings == [(call_id, 32000)]


async def test_a_size_that_is_no_number_is_not_known(board: Board):
    call_id = await board.talks(Recording.NOW)
    board.hear(a_user_event("DialerRecorded", call_id, Size=""), ended(call_id))
    assert board.recordings == [(call_id, None)]


async def test_after_the_notice_the_recording_begins(board: Board):
    call_id = await board.talks(Recording.NOTICE)
    board.hear(a_user_event("DialerNoticed", call_id))
    assert board.link.names()[-1] == "MixMonitor"


async def test_a_call_without_a_channel_ends_by_its_answer(board: Board):
    call_id = board.dials()
    board.hear(Placed(call_id, call_id, "", False, 0, None))
    assert str((await board.kept())[call_id].outcome) == "failed"  # type: ignore[union-attr]


async def test_events_about_nobody_change_nothing(board: Board):
    strangers = [a_user_event(name, "t-nobody") for name in ("DialerAnswered", "DialerAbandoned", "DialerUnjoined")]
    board.hear(*strangers, ended("t-nobody"), FullyBooted(None), a_user_event("SomethingElse", "x"))
    assert board.agent().state is AgentState.READY
    assert len(board.book) == 0
    assert not board.plane._join_began


# Agents.


async def test_an_agent_whose_leg_hangs_up_is_out(board: Board):
    board.hear(ended(board.agent().leg_id))
    assert board.agent().state is AgentState.LOGGED_OUT


async def test_a_softphone_that_does_not_answer_is_out(board: Board):
    board.hear(Placed("x", board.agent().leg_id, "", False, 3, None))
    assert board.agent().reason == "the softphone did not answer"


async def test_a_leg_that_is_up_sits(board: Board):
    board.seats("eva", state=AgentState.CALLING, leg_id="g-eva", channel="")
    board.hear(a_user_event("DialerAgentUp", "g-eva", Agent="eva"))
    assert (board.agent("eva").state, board.agent("eva").channel) == (AgentState.PAUSED, CHANNEL)


async def test_an_agent_is_free_when_an_unknown_call_ends(board: Board):
    board.seats("eva", state=AgentState.TALKING, call_id="1772.9")
    board.hear(ended("1772.9"))
    assert board.agent("eva").state is AgentState.WRAP_UP


# Contacts.


@pytest.mark.parametrize("status", ["Unreachable", "Removed"])
async def test_a_softphone_that_goes_takes_its_agent_out(board: Board, status: str):
    board.contact("Created")
    board.contact(status)
    assert board.agent().state is AgentState.LOGGED_OUT


async def test_a_softphone_that_registers_from_elsewhere_is_no_loss(board: Board):
    board.contact("Created", "sip:ana@192.0.2.9")
    board.contact("Created", "sip:ana@192.0.2.10")
    board.contact("Removed", "sip:ana@192.0.2.9")
    assert board.agent().state is AgentState.READY


async def test_the_snapshot_stands_for_a_contact_until_one_is_named(board: Board):
    board.switchboard.contact("a1", board.agent().extension, "", "Reachable")
    board.contact("Removed")
    assert board.agent().state is AgentState.LOGGED_OUT


async def test_a_new_contact_outlives_the_one_of_the_snapshot(board: Board):
    board.switchboard.contact("a1", board.agent().extension, "", "Reachable")
    board.contact("Created", "sip:ana@192.0.2.10")
    board.contact("Removed", "sip:ana@192.0.2.9")
    assert board.agent().state is AgentState.READY


async def test_who_is_registered_where(board: Board):
    board.contact("NonQualified")
    board.switchboard.contact("a2", "1999", "", "Reachable")
    assert board.switchboard.registered("a1") == {board.agent().extension}
    board.switchboard.forget_contacts("a1")
    assert board.switchboard.registered("a1") == frozenset()
    assert board.switchboard.registered("a2") == {"1999"}


# Callers.


async def test_a_caller_is_heard_from_arrival_to_end(board: Board):
    board.hear(a_user_event("DialerInbound", INBOUND, Caller="+5491155550101", Dialled="+541150000001"))
    for one in board.asked:
        await one
    board.hear(a_user_event("DialerInboundMessage", INBOUND), ended(INBOUND))
    assert [record.result for record in board.records] == ["waiting", "message", "message"]


async def test_the_audio_and_the_bridge_of_a_caller_are_the_callers(board: Board):
    heard: list[tuple[str, str, int | None]] = []
    board.inbound.on_recorded = lambda node, call_id, size: heard.append((node, call_id, size))
    board.hear(a_user_event("DialerInbound", INBOUND, Caller="1", Dialled="2"))
    board.hear(entered(INBOUND), a_user_event("DialerUnjoined", INBOUND))
    board.hear(a_user_event("DialerRecorded", INBOUND, Size="640"))
    for one in board.asked:
        await one
    assert heard == [("a1", INBOUND, 640)]
