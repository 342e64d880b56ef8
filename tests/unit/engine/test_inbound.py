"""The debtor calls back: to an agent when there is one, to the message otherwise; nobody holds a dead line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from dialer.engine.inbound import Caller, Inbound
from dialer.routing import AgentState, Want
from dialer.types import InboundRecord
from tests.unit.engine.desk import CHANNEL, NOON, Desk, a_user_event

CALL = "1772539200.17"
CALLER = Caller(debtor_id=7, campaign_id=1, campaign="c1", want=Want({}, "pt"), recording=True)


class Door(Desk):
    """A desk with inbound calls; the books answer when `books_answer` is awaited."""

    def __init__(self, caller: Caller | None = CALLER) -> None:
        super().__init__()
        self.caller = caller
        self.asked: list[Awaitable[None]] = []
        self.saved: list[InboundRecord] = []
        self.audio: list[tuple[str, str, int | None]] = []
        self.inbound = Inbound(
            self.clock, self.floor, self.plane, find=self._find, ask=self.asked.append, save=self.saved.append
        )
        self.inbound.on_recorded = lambda node, call_id, size: self.audio.append((node, call_id, size))
        self.while_looking: list[Any] = []

    async def _find(self, phone: str, dialled: str) -> Caller | None:
        for happening in self.while_looking:
            happening()
        return self.caller

    def rings(self, call_id: str = CALL, caller: str = "+5491155550101") -> None:
        self.inbound.hear("a1", a_user_event("DialerInbound", call_id, Caller=caller, Dialled="+541150000001"))

    def message(self) -> None:
        self.inbound.hear("a1", a_user_event("DialerInboundMessage", CALL))

    async def books_answer(self) -> None:
        while self.asked:
            await self.asked.pop(0)

    async def joined(self) -> None:
        self.rings()
        await self.books_answer()
        self.inbound.bridged(CALL)

    @property
    def last(self) -> InboundRecord:
        return self.saved[-1]


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    door.seats("ana")
    yield door
    await door.books_answer()


async def test_a_known_caller_goes_to_an_agent(door: Door):
    await door.joined()
    assert [action.get("Variable") for action in door.link.sent("Setvar")] == [
        "DIALER_AGENT_CHANNEL",
        "DIALER_AGENT",
        "DIALER_RECORD",
        "DIALER_LANG",
    ]
    assert door.link.sent("Redirect")[0].get("Channel") == CHANNEL
    assert door.agent().state is AgentState.TALKING
    assert (door.last.result, door.last.agent, door.last.debtor_id) == ("joined", "ana", 7)


async def test_a_stranger_is_logged_and_hears_the_message():
    door = Door(caller=None)
    door.seats("ana")
    door.rings()
    await door.books_answer()
    door.message()
    door.inbound.hung_up(CALL)
    assert (door.last.result, door.last.debtor_id) == ("message", None)
    assert door.last.ended_at is not None
    assert door.link.written == []


async def test_without_an_agent_the_caller_is_known_all_the_same():
    door = Door()
    door.rings()
    await door.books_answer()
    assert (door.last.debtor_id, door.last.result) == (7, "waiting")


async def test_who_hangs_up_while_the_books_are_read_takes_no_agent(door: Door):
    door.while_looking.append(lambda: door.inbound.hung_up(CALL))
    door.rings()
    await door.books_answer()
    assert door.agent().state is AgentState.READY
    assert door.last.result == "hung_up"


async def test_who_hangs_up_before_the_books_are_asked_breaks_nothing(door: Door):
    door.rings()
    door.inbound.hung_up(CALL)
    await door.books_answer()
    assert door.last.result == "hung_up"


async def test_who_hears_the_message_already_takes_no_agent(door: Door):
    door.while_looking.append(door.message)
    door.rings()
    await door.books_answer()
    assert door.agent().state is AgentState.READY
    assert door.link.written == []


async def test_an_agent_reserved_too_late_is_free_when_the_message_begins(door: Door):
    door.rings()
    await door.books_answer()
    door.message()
    assert door.agent().state is AgentState.READY
    assert door.last.result == "message"


async def test_the_agent_wraps_up_when_the_caller_hangs_up(door: Door):
    await door.joined()
    door.clock.pass_s(60)
    door.inbound.hung_up(CALL)
    assert door.agent().state is AgentState.WRAP_UP
    assert (door.last.result, len(door.inbound)) == ("joined", 0)


async def test_a_caller_who_hangs_up_before_the_bridge_leaves_the_agent_ready(door: Door):
    door.rings()
    await door.books_answer()
    door.inbound.hung_up(CALL)
    assert door.agent().state is AgentState.READY


async def test_an_agent_whose_leg_ends_first_is_out(door: Door):
    await door.joined()
    door.inbound.unjoined(CALL)
    assert door.agent().state is AgentState.LOGGED_OUT
    assert door.inbound.has(CALL)


async def test_after_a_reconnect_who_is_no_longer_there_is_gone(door: Door):
    await door.joined()
    door.rings("1772539200.99")
    door.inbound.lost("a1", frozenset({"1772539200.99"}))
    assert not door.inbound.has(CALL)
    assert door.inbound.has("1772539200.99")
    assert door.agent().state is AgentState.WRAP_UP


async def test_the_callers_of_another_node_are_none_of_its_business(door: Door):
    door.rings()
    door.inbound.lost("a2", frozenset())
    assert door.inbound.has(CALL)


async def test_the_recording_is_handed_on(door: Door):
    await door.joined()
    door.inbound.recorded(CALL, 3200)
    door.inbound.recorded("somebody else", 3200)
    assert door.audio == [("a1", CALL, 3200)]


async def test_every_version_of_a_record_is_newer_than_the_one_before(door: Door):
    await door.joined()
    door.inbound.hung_up(CALL)
    assert [record.seq for record in door.saved] == list(range(len(door.saved)))


async def test_a_number_longer_than_the_books_take_is_cut(door: Door):
    """The far network writes what it likes: a record that no database takes would stop all records behind it."""
    door.rings(caller="9" * 200)
    assert len(door.last.phone) == 40


async def test_what_is_not_in_flight_changes_nothing(door: Door):
    door.inbound.bridged(CALL)
    door.inbound.unjoined(CALL)
    door.inbound.hung_up(CALL)
    door.message()
    assert door.saved == []


# After a restart of the engine.


def a_kept_record(**facts: Any) -> InboundRecord:
    usual: dict[str, Any] = {
        "call_id": CALL,
        "seq": 3,
        "node": "a1",
        "phone": "+5491155550101",
        "dialled": "+541150000001",
    }
    return InboundRecord(**{**usual, "arrived_at": NOON, **facts})


async def test_a_caller_who_is_still_there_is_ours_again_with_the_agent():
    door = Door()
    door.seats("ana", state=AgentState.TALKING, call_id=CALL)
    door.inbound.adopt([a_kept_record(result="joined", bridged_at=NOON)], {CALL: CHANNEL})
    door.inbound.hung_up(CALL)
    assert (door.last.seq, door.last.result, door.last.ended_at) == (4, "joined", NOON)
    assert door.agent().state is AgentState.WRAP_UP


async def test_a_caller_who_left_meanwhile_gets_an_end():
    door = Door()
    door.inbound.adopt([a_kept_record()], {})
    assert (door.last.result, door.last.ended_at, len(door.inbound)) == ("hung_up", NOON, 0)
