"""The floor: agents as the engine knows them, and what follows for their softphones."""

from __future__ import annotations

import pytest

from dialer.routing import (
    AgentState,
    CallFreed,
    CallJoined,
    CallReserved,
    LegUp,
    LoginOrdered,
    LogoutOrdered,
    PauseOrdered,
    ReadyOrdered,
    SoftphoneLost,
    Want,
)
from tests.unit.engine.desk import Desk

CALL = "t" + "a" * 26


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    desk.seats("ana")
    return desk


def talks(desk: Desk, name: str = "ana", call_id: str = CALL) -> None:
    desk.floor.apply(name, CallReserved(call_id))
    desk.floor.apply(name, CallJoined())


async def test_a_login_calls_the_softphone(desk: Desk):
    desk.seats("eva", state=AgentState.LOGGED_OUT, leg_id="", channel="")
    desk.floor.apply("eva", LoginOrdered("c1", "a1", "g-new"))
    (originate,) = desk.link.sent("Originate")
    assert originate.get("Channel") == f"PJSIP/{desk.agent('eva').extension}"
    desk.floor.leg_up("g-new", "PJSIP/1-1")
    assert desk.agent("eva").state is AgentState.PAUSED


async def test_a_login_on_a_node_that_is_away_fails_at_once(desk: Desk):
    desk.plane.on_leg_failed = desk.floor.leg_ended
    desk.seats("eva", state=AgentState.LOGGED_OUT, leg_id="", channel="")
    desk.link.connected = False
    desk.floor.apply("eva", LoginOrdered("c1", "a1", "g-new"))
    assert desk.agent("eva").state is AgentState.LOGGED_OUT
    assert "not connected" in desk.agent("eva").reason


async def test_wrap_up_ends_by_its_timer(desk: Desk):
    talks(desk)
    desk.clock.pass_s(60)
    desk.floor.apply("ana", CallFreed(CALL, talked=True))
    assert desk.timers.running["wrap", "ana"][0] == 30.0
    desk.clock.pass_s(30)
    desk.timers.fire(("wrap", "ana"))
    assert desk.agent().state is AgentState.READY
    ((name, ended),) = desk.wraps
    assert (name, ended.call_id, ended.wrap_s, ended.talked_s) == ("ana", CALL, 30.0, 60.0)


async def test_the_timer_of_an_earlier_wrap_up_ends_no_later_one(desk: Desk):
    talks(desk)
    desk.floor.apply("ana", CallFreed(CALL, talked=True))
    _, old = desk.timers.running["wrap", "ana"]
    desk.floor.apply("ana", ReadyOrdered())
    assert ("wrap", "ana") not in desk.timers.running
    talks(desk, call_id="t2")
    desk.floor.apply("ana", CallFreed("t2", talked=True))
    old()
    assert desk.agent().state is AgentState.WRAP_UP


async def test_an_adopted_wrap_up_ends_too(desk: Desk):
    desk.seats("eva", state=AgentState.WRAP_UP, call_id=CALL)
    desk.timers.fire(("wrap", "eva"))
    assert desk.agent("eva").state is AgentState.READY


async def test_who_becomes_ready_is_told_about_once(desk: Desk):
    heard: list[str] = []
    desk.floor.on_ready = lambda agent: heard.append(agent.name)
    desk.floor.apply("ana", PauseOrdered("lunch"))
    desk.floor.apply("ana", ReadyOrdered())
    desk.floor.apply("ana", ReadyOrdered())
    assert heard == ["ana"]


async def test_a_dead_leg_takes_its_agent_out_and_is_not_chosen_again(desk: Desk):
    talks(desk)
    desk.floor.free("ana", CALL, talked=False, lost=True)
    assert desk.agent().state is AgentState.LOGGED_OUT
    assert desk.floor.choose("c1", "a1", Want()) is None


async def test_an_agent_who_is_with_another_call_is_not_taken_out(desk: Desk):
    talks(desk, call_id="t2")
    desk.floor.free("ana", CALL, talked=True, lost=True)
    assert (desk.agent().state, desk.agent().call_id) == (AgentState.TALKING, "t2")


async def test_who_is_gone_already_can_be_freed_without_a_trace(desk: Desk):
    talks(desk)
    desk.floor.apply("ana", SoftphoneLost("gone"))
    desk.floor.free("ana", CALL, talked=True, lost=True)
    desk.floor.free("nobody", CALL, talked=True, lost=True)
    assert desk.agent().next_state is None


@pytest.mark.parametrize(("joined", "state"), [(True, AgentState.WRAP_UP), (False, AgentState.READY)])
async def test_a_channel_that_is_gone_holds_no_agent(desk: Desk, joined: bool, state: AgentState):
    desk.seats("eva")
    desk.floor.apply("ana", CallReserved(CALL))
    if joined:
        desk.floor.apply("ana", CallJoined())
    desk.floor.call_gone(CALL)
    assert (desk.agent().state, desk.agent("eva").state) == (state, AgentState.READY)


async def test_a_lost_softphone_takes_its_agent_out_at_once(desk: Desk):
    desk.floor.softphone_lost("a1", desk.agent().extension, "softphone unreachable")
    assert (desk.agent().state, desk.agent().reason) == (AgentState.LOGGED_OUT, "softphone unreachable")
    assert desk.link.sent("Hangup")[0].get("Channel") == "PJSIP/ana-00000001"


@pytest.mark.parametrize(("node", "extension"), [("a2", None), ("a1", "9999")])
async def test_the_softphone_of_somebody_else_is_no_matter(desk: Desk, node: str, extension: str | None):
    desk.floor.softphone_lost(node, extension or desk.agent().extension, "gone")
    assert desk.agent().state is AgentState.READY


async def test_a_leg_is_known_until_it_ends(desk: Desk):
    leg_id = desk.agent().leg_id
    desk.floor.leg_ended(leg_id, "hung up")
    assert desk.floor.by_leg(leg_id) is None
    desk.floor.leg_ended(leg_id, "hung up")
    desk.floor.leg_up(leg_id, "PJSIP/late-1")
    assert desk.agent().state is AgentState.LOGGED_OUT


async def test_a_new_leg_replaces_the_old_one(desk: Desk):
    old = desk.agent().leg_id
    desk.floor.apply("ana", LogoutOrdered())
    desk.floor.apply("ana", LoginOrdered("c1", "a1", "g-new"))
    desk.floor.apply("ana", LegUp("PJSIP/new-1"))
    assert desk.floor.by_leg(old) is None
    assert desk.floor.by_leg("g-new") == desk.agent()


async def test_only_agents_of_the_campaign_and_node_are_chosen(desk: Desk):
    desk.seats("eva", campaign="c2")
    desk.seats("leo", node="a2")
    assert [agent.name for agent in desk.floor.of("c1", "a1")] == ["ana"]
    assert desk.floor.seated("c2", "a1") == 1


async def test_orders_for_strangers_say_what_to_do(desk: Desk):
    assert "dialer agent add zoe" in (desk.floor.apply("zoe", ReadyOrdered()) or "")


async def test_what_changed_is_known_for_the_board(desk: Desk):
    desk.floor.changed.clear()
    desk.floor.apply("ana", ReadyOrdered())
    assert desk.floor.changed == set()
    desk.floor.apply("ana", PauseOrdered("lunch"))
    assert desk.floor.changed == {"ana"}


async def test_a_leg_of_nobody_can_be_ended(desk: Desk):
    desk.floor.end_leg("a1", "PJSIP/9-1")
    assert desk.link.names() == ["Hangup"]
