"""Faults as the engine would meet them: on a connection, in the events, on a trunk, of the whole node."""

from __future__ import annotations

import asyncio

import pytest

from dialer.simulation.faults import Fault, Kind
from tests.contract.simulation.conftest import CALL, Bare, Twin, originate


async def placed(actions: Bare, number: str = "+5491155500180") -> None:
    actions.send("Originate", **originate(number))


async def living(twin: Twin) -> list[str]:
    """Return the calls the node has once it has had time to begin them."""
    for _ in range(3):
        await asyncio.sleep(0)
    return [view.uniqueid for view in twin.node.pbx.channels()]


@pytest.mark.parametrize(
    ("kind", "answered", "carried_out"),
    [(Kind.DROP_UNREAD, False, []), (Kind.DROP_BEFORE_ACK, False, [CALL]), (Kind.DROP_AFTER_ACK, True, [CALL])],
)
async def test_a_connection_is_dropped_around_the_ack(twin: Twin, kind: Kind, answered: bool, carried_out: list[str]):
    twin.node.faults.order(Fault(kind=kind, match="Originate"))
    async with twin.login("actions", Events="off") as actions:
        await placed(actions)
        said = await actions.ended()
    assert (b"queued" in said) == answered
    assert await living(twin) == carried_out


async def test_an_answer_comes_late_and_what_was_asked_after_it_later(twin: Twin):
    twin.node.faults.order(Fault(kind=Kind.DELAY_ANSWER, match="Ping", seconds=0.2))
    async with twin.login("actions", Events="off") as actions:
        began = asyncio.get_running_loop().time()
        first, second = actions.send("Ping"), actions.send("Ping")
        assert [(await actions.message())["ActionID"] for _ in range(2)] == [first, second]
        assert asyncio.get_running_loop().time() - began > 0.15


async def test_an_event_comes_late_with_the_time_it_should_have_come(twin: Twin):
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        twin.node.faults.order(Fault(kind=Kind.DELAY_EVENT, match="Late", seconds=0.2))
        await actions.ask("UserEvent", UserEvent="Late")
        await actions.ask("UserEvent", UserEvent="Early")
        early, late = await events.event("Early"), await events.event("Late")
        assert float(late["Timestamp"]) < float(early["Timestamp"])


async def test_an_event_comes_twice(twin: Twin):
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        twin.node.faults.order(Fault(kind=Kind.DUPLICATE_EVENT, match="Twice"))
        await actions.ask("UserEvent", UserEvent="Twice")
        assert await events.event("Twice") == await events.event("Twice")


async def test_two_events_change_places(twin: Twin):
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        twin.node.faults.order(Fault(kind=Kind.REORDER_EVENTS, match="First"))
        await actions.ask("UserEvent", UserEvent="First")
        await actions.ask("UserEvent", UserEvent="Second")
        await events.event("First")
        assert [message["UserEvent"] for message in events.seen if "UserEvent" in message] == ["Second", "First"]


async def test_an_event_that_waits_for_another_does_not_wait_for_ever(twin: Twin):
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        twin.node.faults.order(Fault(kind=Kind.REORDER_EVENTS, match="Alone"))
        await actions.ask("UserEvent", UserEvent="Alone")
        await events.event("Alone")


async def test_a_hangup_is_lost_but_the_call_is_gone_and_in_the_evidence(twin: Twin):
    twin.node.faults.order(Fault(kind=Kind.LOSE_EVENT, match="Hangup", where=CALL))
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        await placed(actions, "+5491155500486")
        await events.event("OriginateResponse", Uniqueid=CALL)
        await actions.ask("UserEvent", UserEvent="After")
        await events.event("After")
        assert not [message for message in events.seen if message.get("Event") == "Hangup"]
    assert await living(twin) == []
    assert f'"{CALL}"' in twin.config.nodes[0].evidence_file.read_text()


async def test_a_trunk_refuses_is_missing_and_is_mended(twin: Twin):
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        twin.node.faults.order(Fault(kind=Kind.REFUSE_TRUNK, trunk="carrier", sip=503))
        await placed(actions, "+5491155500299")
        assert (await events.event("Hangup"))["TechCause"] == "503"
        twin.node.faults.order(Fault(kind=Kind.MISS_TRUNK, trunk="carrier"))
        await actions.ask("Originate", **originate("+5491155500299", "t" + "b" * 26))
        assert (await events.event("OriginateResponse", Uniqueid="t" + "b" * 26))["Response"] == "Failure"
        twin.node.faults.order(Fault(kind=Kind.MEND_TRUNK, trunk="carrier"))
        await actions.ask("Originate", **originate("+5491155500486", "t" + "c" * 26))
        assert (await events.event("Hangup"))["TechCause"] == "486"


async def test_a_crash_tells_nobody_and_comes_back_empty_with_another_start(twin: Twin):
    before = twin.node.pbx.started_at
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        await actions.ask("Originate", **originate("+5491155500180"))
        await events.event("Newstate")
        twin.node.faults.order(Fault(kind=Kind.RESTART))
        assert b"Hangup" not in await events.ended()
    await back(twin)
    assert await living(twin) == []
    assert twin.node.pbx.started_at > before
    assert '"CHAN_END"' not in twin.config.nodes[0].evidence_file.read_text()


async def test_a_restart_in_good_order_hangs_up_first(twin: Twin):
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        await actions.ask("Originate", **originate("+5491155500180"))
        await events.event("Newstate")
        twin.node.faults.order(Fault(kind=Kind.RESTART, lose_channels=False))
        said = (await events.ended()).decode()
        assert said.index("Event: Hangup") < said.index("Event: Shutdown")
    await back(twin)


async def test_only_the_manager_interface_goes_away(twin: Twin):
    async with twin.login("actions", Events="off") as actions:
        await placed(actions)
        await actions.ask("Ping")
        twin.node.faults.order(Fault(kind=Kind.AWAY, seconds=0.1))
        await actions.ended()
    await back(twin)
    assert await living(twin) == [CALL]


async def test_another_process_orders_faults_and_moves_the_world_over_ami(twin: Twin):
    async with twin.login("admin", Events="off") as admin, twin.login("events") as events:
        assert (await admin.ask("SimulationWorld", Do="unregister", Extension="1001-1002"))["Response"] == "Success"
        await events.event("ContactStatus", EndpointName="1002", ContactStatus="Removed")
        await admin.ask("SimulationWorld", Do="call", Trunk="carrier", Dialled="+541150000000", Caller="+1", Stay="0.1")
        await events.event("DialerInbound")
        for wrong in ({"Do": "dance"}, {"Do": "lose", "Extension": "9999"}, {"Do": "call", "Dialled": "1"}):
            assert (await admin.ask("SimulationWorld", **wrong))["Response"] == "Error"
        assert (await admin.ask("SimulationFault", Fault="nonsense"))["Response"] == "Error"
        assert (await admin.ask("SimulationFault", Fault="drop-after-ack", Match="Ping"))["Response"] == "Success"
        await admin.ask("Ping")
        assert await admin.ended() == b""


async def back(twin: Twin) -> None:
    """Wait until the node takes connections again."""
    async with asyncio.timeout(10):
        await twin.node.server.listening.wait()
