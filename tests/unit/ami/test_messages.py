"""Events as Asterisk 22 writes them become typed facts; nonsense in them never raises."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.ami.messages import (
    UNREADABLE,
    WANTED_EVENTS,
    BridgeEnter,
    ContactStatus,
    Decoder,
    Event,
    FullyBooted,
    Hangup,
    Newchannel,
    Newstate,
    OriginateResponse,
    Shutdown,
    UserEvent,
    parse_event,
)

CALL = "t" + "a" * 26
CHANNEL = {
    "Privilege": "call,all",
    "Timestamp": "1795362222.054200",
    "Channel": "PJSIP/carrier-00000001",
    "ChannelState": "5",
    "CallerIDNum": "<unknown>",
    "Context": "inbound",
    "Exten": "s",
    "Uniqueid": CALL,
    "Linkedid": CALL,
}


def event(name: str, headers: dict[str, str]) -> Event | None:
    text = f"Event: {name}\r\n" + "".join(f"{key}: {value}\r\n" for key, value in headers.items()) + "\r\n"
    (message,) = Decoder(frozenset({name})).feed(text.encode())
    return parse_event(message)


def test_a_hangup_carries_cause_and_sip_code():
    read = event("Hangup", CHANNEL | {"Cause": "17", "Cause-txt": "User busy", "TechCause": "486"})
    assert read == Hangup(CALL, CALL, "PJSIP/carrier-00000001", 5, 17, "486", 1795362222.0542)


def test_the_sip_code_is_found_in_a_wordy_tech_cause():
    read = event("Hangup", CHANNEL | {"Cause": "17", "TechCause": "SIP 486 Busy Here"})
    assert isinstance(read, Hangup)
    assert read.tech_cause == "486"


def test_a_hangup_without_tech_cause_has_none():
    read = event("Hangup", CHANNEL | {"Cause": "16"})
    assert isinstance(read, Hangup)
    assert read.tech_cause is None


def test_an_unknown_caller_is_empty():
    read = event("Newchannel", CHANNEL)
    assert isinstance(read, Newchannel)
    assert (read.caller, read.context, read.exten) == ("", "inbound", "s")


def test_an_inbound_caller_is_kept():
    read = event("Newchannel", CHANNEL | {"CallerIDNum": "+5491122334455", "Exten": "5000"})
    assert isinstance(read, Newchannel)
    assert (read.caller, read.exten) == ("+5491122334455", "5000")


def test_a_failed_originate_names_the_call_though_no_channel_was_made():
    headers = {"ActionID": CALL, "Response": "Failure", "Channel": "PJSIP/1@x", "Reason": "0", "Uniqueid": CALL}
    assert event("OriginateResponse", headers) == OriginateResponse(CALL, CALL, "PJSIP/1@x", False, 0, None)


def test_a_user_event_of_our_dialplan_gives_all_its_headers():
    read = event("UserEvent", CHANNEL | {"UserEvent": "DialerAnswered", "CallId": CALL, "Amd": "0"})
    assert isinstance(read, UserEvent)
    assert (read.name, read.call_id, read.get("Amd"), read.get("Nothing")) == ("DialerAnswered", CALL, "0", "")


def test_a_user_event_without_call_id_is_about_its_own_channel():
    read = event("UserEvent", CHANNEL | {"UserEvent": "DialerMenu", "Choice": "optout"})
    assert isinstance(read, UserEvent)
    assert read.call_id == CALL


def test_entering_a_bridge_tells_which_and_how_many_are_there():
    bridge = {"BridgeUniqueid": "b-1", "BridgeTechnology": "simple_bridge", "BridgeNumChannels": "2"}
    read = event("BridgeEnter", bridge | CHANNEL)
    assert isinstance(read, BridgeEnter)
    assert (read.bridge_id, read.channels, read.uniqueid) == ("b-1", 2, CALL)


def test_a_softphone_s_contact_is_named_by_endpoint():
    headers = {"URI": "sip:1001@10.0.0.9", "ContactStatus": "Unreachable", "AOR": "1001", "EndpointName": "1001"}
    assert event("ContactStatus", headers) == ContactStatus("1001", "sip:1001@10.0.0.9", "Unreachable", None)


def test_start_and_stop_of_asterisk_are_read():
    assert event("FullyBooted", {"Status": "Fully Booted"}) == FullyBooted(None)
    assert event("Shutdown", {"Shutdown": "Cleanly", "Restart": "True"}) == Shutdown(True, None)


def test_events_the_dialer_does_not_read_are_none():
    assert event("VarSet", {"Variable": "X"}) is None


def test_a_response_is_no_event_even_with_an_event_s_name():
    (message,) = Decoder(frozenset()).feed(b"Response: Hangup\r\n\r\n")
    assert parse_event(message) is None


def test_numbers_that_are_none_get_the_value_for_unknown():
    state = event("Newstate", CHANNEL | {"ChannelState": "Ringing", "Timestamp": "yesterday"})
    assert isinstance(state, Newstate)
    assert (state.channel_state, state.timestamp) == (UNREADABLE, None)
    hangup = event("Hangup", CHANNEL | {"Cause": "٣"})
    assert isinstance(hangup, Hangup)
    assert hangup.cause == 0


@given(
    st.sampled_from(WANTED_EVENTS),
    st.dictionaries(
        st.sampled_from([*CHANNEL, "Cause", "TechCause", "Reason", "BridgeNumChannels", "Restart", "UserEvent"]),
        st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20),
    ),
)
def test_no_header_of_a_known_event_can_raise(name, headers):
    assert type(event(name, headers)).__name__ == name
