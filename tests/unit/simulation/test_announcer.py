"""Events carry the headers of Asterisk 22 in its order; what nobody wants is not made."""

from __future__ import annotations

import pytest

from dialer.simulation.announcer import caller_id
from tests.unit.simulation.workbench import CALL, LEG, Workbench

CHANNEL = [
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum",
    "ConnectedLineName", "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
]  # fmt: skip
BRIDGE = [
    "BridgeUniqueid", "BridgeType", "BridgeTechnology", "BridgeCreator", "BridgeName", "BridgeNumChannels",
    "BridgeVideoSourceMode",
]  # fmt: skip
RESPONSE = ["ActionID", "Response", "Channel", "Context", "Exten", "Reason", "Uniqueid", "CallerIDNum", "CallerIDName"]


@pytest.fixture
def told() -> Workbench:
    bench = Workbench(everything=True)
    bench.conversation()
    bench.node.hang_up(CALL, 16)
    bench.forward()
    return bench


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("Newchannel", CHANNEL),
        ("Newstate", CHANNEL),
        ("NewCallerid", [*CHANNEL, "CID-CallingPres"]),
        ("NewConnectedLine", CHANNEL),
        ("DialBegin", [*[f"Dest{header}" for header in CHANNEL], "DialString"]),
        ("DialEnd", [*[f"Dest{header}" for header in CHANNEL], "DialStatus"]),
        ("Newexten", [*CHANNEL, "Extension", "Application", "AppData"]),
        ("OriginateResponse", RESPONSE),
        ("BridgeCreate", BRIDGE),
        ("BridgeEnter", [*BRIDGE, *CHANNEL]),
        ("BridgeLeave", [*BRIDGE, *CHANNEL]),
        ("BridgeDestroy", BRIDGE),
        ("HangupHandlerRun", [*CHANNEL, "Handler"]),
        ("SoftHangupRequest", [*CHANNEL, "Cause"]),
        ("Hangup", [*CHANNEL, "Cause", "Cause-txt"]),
        ("ContactStatus", ["URI", "ContactStatus", "AOR", "EndpointName", "RoundtripUsec"]),
    ],
)
def test_headers_are_asterisks(told: Workbench, name: str, headers: list[str]):
    assert [key for key, _ in next(pairs for event, pairs in told.orders if event == name)] == headers


def test_a_user_event_says_its_own_words_last(told: Workbench):
    pairs = next(pairs for event, pairs in told.orders if event == "UserEvent" and dict(pairs)["Uniqueid"] == CALL)
    assert [key for key, _ in pairs] == [*CHANNEL, "UserEvent", "CallId", "Amd"]


def test_what_is_not_known_is_written_as_asterisk_writes_it(told: Workbench):
    made = told.named("Newchannel", CALL)[0]
    assert (made["CallerIDNum"], made["ChannelStateDesc"], made["Context"]) == ("<unknown>", "Down", "dialer-inbound")


def test_both_sides_of_a_conversation_are_introduced(told: Workbench):
    assert told.last("Hangup", CALL)["ConnectedLineName"] == "Agent 1001"


def test_what_the_dialer_does_not_read_is_not_made():
    bench = Workbench()
    bench.conversation()
    assert {name for name, _ in bench.events} == {
        "Newchannel", "Newstate", "OriginateResponse", "UserEvent", "BridgeEnter", "BridgeLeave", "ContactStatus",
    }  # fmt: skip


def test_a_leg_keeps_its_name_when_only_a_number_is_shown(told: Workbench):
    assert told.named("Newstate", LEG)[0]["CallerIDName"] == "Agent 1001"


@pytest.mark.parametrize(
    ("text", "parts"),
    [('"Ann B" <123>', ("Ann B", "123")), ("Ann <123>", ("Ann", "123")), ("123", ("", "123")), ("", ("", ""))],
)
def test_a_caller_id_is_a_name_and_a_number(text: str, parts: tuple[str, str]):
    assert caller_id(text) == parts
