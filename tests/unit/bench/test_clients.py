"""Our AMI client and panoramisk read the same stream."""

from __future__ import annotations

from dialer.bench.clients import EVENTS, compare

HANGUP = (
    b"Event: Hangup\r\nPrivilege: call,all\r\nTimestamp: 1790000000.000001\r\nChannel: PJSIP/t-1\r\n"
    b"Uniqueid: t1\r\nLinkedid: t1\r\nChannelState: 6\r\nCause: 16\r\nTechCause: 200\r\n\r\n"
)
UNWANTED = b"Event: DeviceStateChange\r\nDevice: PJSIP/t\r\nState: INUSE\r\n\r\n"


def test_all_clients_see_the_same_events_and_each_is_timed():
    found = compare(HANGUP + UNWANTED)
    assert found is not None
    assert (found.events, found.wanted) == (EVENTS, EVENTS // 2)
    assert min(found.ours_decoded_us, found.ours_us, found.panoramisk_us) > 0
    assert found.figures()["times_cheaper"] == round(found.panoramisk_us / found.ours_us, 1)


def test_a_stream_without_events_compares_nothing():
    assert compare(b"Response: Success\r\n\r\n") is None
