"""What the simulated node tells of itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.ami.snapshot import supported_version
from dialer.simulation.filters import legacy_filter
from dialer.simulation.node import Refused
from dialer.simulation.protocol import Request
from dialer.simulation.questions import (
    core_settings,
    core_show_channels,
    core_status,
    events,
    filter_,
    get_config,
    module_check,
    ping,
    status,
)
from tests.unit.simulation.counter import NOBODY, Counter, Session, view


@pytest.fixture
def counter() -> Counter:
    made = Counter()
    made.node.views = [view("t1", "PJSIP/carrier-1", caller="+541"), view("g1", "PJSIP/1001-2", bridge_id="b1")]
    return made


def asked(question: Callable[..., bytes], counter: Counter, **headers: str) -> list[dict[str, str]]:
    """Ask and return the messages of the answer."""
    request = Request(tuple(f"{name}: {value}" for name, value in headers.items()))
    parts = question(counter.desk, NOBODY, request).decode().split("\r\n\r\n")[:-1]
    return [dict(line.split(": ", 1) for line in part.split("\r\n")) for part in parts]


def test_a_pong_carries_the_machines_time(counter):
    assert asked(ping, counter) == [{"Response": "Success", "Ping": "Pong", "Timestamp": "1800000000.000000"}]


def test_the_start_is_told_in_business_time(counter):
    (told,) = asked(core_status, counter)
    assert (told["CoreStartupDate"], told["CoreStartupTime"]) == ("2026-03-03", "12:00:00")
    assert (told["CoreCurrentCalls"], told["CoreProcessedCalls"]) == ("2", "3")


def test_the_version_is_supported_and_says_that_it_is_no_asterisk(counter):
    (told,) = asked(core_settings, counter)
    assert supported_version(told["AsteriskVersion"])
    assert "simulated" in told["AsteriskVersion"]
    assert told["SystemName"] == "lab"


def test_channels_are_listed_with_their_age_and_bridge(counter):
    _, call, leg, end = asked(core_show_channels, counter, ActionID="5")
    assert (call["Duration"], call["CallerIDNum"], call["ConnectedLineNum"]) == ("00:01:30", "+541", "<unknown>")
    assert leg["BridgeId"] == "b1"
    assert (end["EventList"], end["ListItems"]) == ("Complete", "2")


def test_a_status_may_ask_for_variables(counter):
    _, one, end = asked(status, counter, Channel="t1", Variables="DIALER_LANG")
    assert one["Variable"] == "DIALER_LANG=of t1"
    assert end["Items"] == "1"
    with pytest.raises(Refused, match="No such channel"):
        asked(status, counter, Channel="t9")


def test_modules_are_those_of_the_rendered_file(counter):
    assert asked(module_check, counter, Module="app_amd") == [{"Response": "Success", "Version": ""}]
    with pytest.raises(Refused, match="Module not loaded"):
        asked(module_check, counter, Module="chan_iax2")


def test_a_file_is_shown_section_by_section(counter):
    (told,) = asked(get_config, counter, Filename="cdr.conf")
    assert told["Category-000000"] == "general"
    assert told["Line-000000-000000"] == "enable=yes"
    with pytest.raises(Refused, match="Config file not found"):
        asked(get_config, counter, Filename="sip.conf")


@pytest.mark.parametrize(
    ("mask", "heard", "told"),
    [("off", frozenset(), b"Off"), ("on", None, b"On"), ("call,user", frozenset({"call", "user"}), b"On")],
)
def test_events_are_heard_as_asked(counter, mask, heard, told):
    session = Session()
    answer = events(counter.desk, session, Request((f"EventMask: {mask}",)))
    assert session.heard == [heard]
    assert told in answer


def test_a_filter_is_added(counter):
    session = Session()
    filter_(counter.desk, session, Request(("Operation: Add", "Filter: Event: X")))
    assert session.heard == [legacy_filter("Event: X")]
