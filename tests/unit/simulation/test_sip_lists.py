"""Endpoints, contacts and registrations of the simulated node."""

from __future__ import annotations

import pytest

from dialer.simulation.node import Refused
from dialer.simulation.sip_lists import contacts, device_states, endpoint_detail, endpoints, qualify, registrations
from tests.unit.simulation.counter import Counter, view
from tests.unit.simulation.test_questions import asked


@pytest.fixture
def counter() -> Counter:
    made = Counter()
    made.node.known = {"1001": "Reachable"}
    return made


def test_without_softphones_there_is_no_list_but_a_refusal(counter):
    counter.node.known = {}
    (told,) = asked(contacts, counter)
    assert (told["Response"], told["Message"]) == ("Error", "No Contacts found\n")


def test_a_registered_softphone_is_a_contact(counter):
    _, row, _ = asked(contacts, counter)
    assert (row["Endpoint"], row["Status"]) == ("1001", "Reachable")
    assert row["ObjectName"].startswith("1001;@")


def test_states_are_those_of_contacts_and_channels(counter):
    counter.node.views = [view("t1", "PJSIP/carrier-1")]
    _, first, second, trunk, _ = asked(endpoints, counter)
    assert [first["DeviceState"], second["DeviceState"], trunk["DeviceState"]] == [
        "Not in use",
        "Unavailable",
        "In use",
    ]
    assert [row["State"] for row in asked(device_states, counter)[1:4]] == ["NOT_INUSE", "UNAVAILABLE", "INUSE"]


def test_one_endpoint_in_detail_and_one_that_is_not_there(counter):
    _, detail, _ = asked(endpoint_detail, counter, Endpoint="carrier")
    assert (detail["ObjectName"], detail["Context"]) == ("carrier", "dialer-inbound")
    assert asked(endpoint_detail, counter, Endpoint="x")[0]["Message"].startswith("Unable to retrieve endpoint x")
    with pytest.raises(Refused, match="Unable to retrieve endpoint x"):
        asked(qualify, counter, Endpoint="x")


def test_a_trunk_known_by_its_address_has_no_registration(counter):
    _, end = asked(registrations, counter)
    assert (end["ListItems"], end["Registered"]) == ("0", "0")
