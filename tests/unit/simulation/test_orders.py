"""What the orders at the manager interface become, and how Asterisk refuses the impossible ones."""

from __future__ import annotations

import pytest

from dialer.simulation.node import Refused
from dialer.simulation.orders import ORDERS, getvar, hangup, mix_monitor, originate, redirect, setvar, user_event
from dialer.simulation.protocol import Request
from tests.unit.simulation.counter import NOBODY, Counter, view


@pytest.fixture
def counter() -> Counter:
    return Counter()


def request(**headers: str) -> Request:
    return Request(tuple(f"{name}: {value}" for name, value in headers.items()))


def test_an_originate_becomes_an_order_in_seconds(counter):
    lines = (
        "ActionID: t1", "Channel: PJSIP/+54@carrier", "ChannelId: t1", "Context: dialer-debtor", "Exten: s",
        "Priority: 1", "Timeout: 32000", "Async: true", 'CallerID: "Ann" <+541>', "Variable: A=1", "Variable: B=2,C=",
    )  # fmt: skip
    assert b"Originate successfully queued" in originate(counter.desk, NOBODY, Request(lines))
    (order,) = counter.node.originated
    assert (order.channel, order.channel_id, order.action_id) == ("PJSIP/+54@carrier", "t1", "t1")
    assert (order.timeout_s, order.caller_id) == (32.0, '"Ann" <+541>')
    assert order.variables == {"A": "1", "B": "2", "C": ""}


def test_an_application_may_stand_in_for_a_place(counter):
    originate(counter.desk, NOBODY, request(Channel="Local/s@x", Application="ChanSpy", Data="t1,q", Async="true"))
    (order,) = counter.node.originated
    assert (order.application, order.data, order.timeout_s) == ("ChanSpy", "t1,q", 30.0)


def test_a_redirect_goes_to_a_priority(counter):
    redirect(counter.desk, NOBODY, request(Channel="t1", Context="dialer-join", Exten="s", Priority="1"))
    assert counter.node.told == [("redirect", "t1", "dialer-join", "s", 1)]
    with pytest.raises(Refused, match="Priority is invalid"):
        redirect(counter.desk, NOBODY, request(Channel="t1", Priority="x"))
    with pytest.raises(Refused, match="Channel not specified"):
        redirect(counter.desk, NOBODY, request(Context="x"))


def test_variables_of_a_channel_and_of_none(counter):
    setvar(counter.desk, NOBODY, request(Channel="t1", Variable="A", Value="1"))
    setvar(counter.desk, NOBODY, request(Variable="G", Value="2"))
    assert counter.node.told == [("set", "t1", "A", "1")]
    assert b"Value: 2" in getvar(counter.desk, NOBODY, request(Variable="G"))
    assert b"Value: of t1" in getvar(counter.desk, NOBODY, request(Channel="t1", Variable="A"))
    with pytest.raises(Refused, match="No variable specified"):
        setvar(counter.desk, NOBODY, request(Channel="t1"))


def test_one_channel_or_all_of_a_pattern_are_hung_up(counter):
    counter.node.views = [view("t1", "PJSIP/carrier-1"), view("g1", "PJSIP/1001-2"), view("t2", "PJSIP/carrier-3")]
    assert b"Channel Hungup" in hangup(counter.desk, NOBODY, request(Channel="t1", Cause="21"))
    told = hangup(counter.desk, NOBODY, request(ActionID="9", Channel="/^PJSIP.carrier/")).decode()
    assert counter.node.told == [
        ("hangup", "t1", 21),
        ("hangup", "PJSIP/carrier-1", 16),
        ("hangup", "PJSIP/carrier-3", 16),
    ]
    assert told.count("Event: ChannelHungup\r\n") == 2
    assert told.endswith("ChannelsHungupListComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 2\r\n\r\n")


def test_a_recording_and_an_event_of_nobody(counter):
    mix_monitor(counter.desk, NOBODY, request(Channel="t1", File="/x.raw", options="D"))
    user_event(counter.desk, NOBODY, request(Action="UserEvent", ActionID="7", UserEvent="Ours", First="1"))
    assert counter.node.told == [
        ("record", "t1", "/x.raw", "D"),
        ("event", "Ours", [("ActionID", "7"), ("First", "1")]),
    ]


def test_every_order_needs_a_right():
    assert {order.name for order in ORDERS if not order.classes} == set()
