"""The few console commands."""

from __future__ import annotations

import pytest

from dialer.simulation.console import console, run
from dialer.simulation.protocol import Request
from tests.unit.simulation.counter import NOBODY, Counter, view


@pytest.fixture
def counter() -> Counter:
    return Counter()


def printed(counter: Counter, command: str) -> list[str]:
    good, lines = run(counter.desk, command)
    assert good
    return lines


def test_the_version_says_what_it_is(counter):
    assert "simulated" in printed(counter, "core show version")[0]


def test_uptime_in_business_seconds(counter):
    assert printed(counter, "core show uptime seconds")[0] == "System uptime: 90"


def test_channels_are_counted(counter):
    counter.node.views = [view("t1", "PJSIP/a-1"), view("g1", "PJSIP/1001-2", linkedid="t1")]
    assert printed(counter, "core show channels count") == ["2 active channels", "1 active call", "3 calls processed"]


def test_modules_run_as_in_the_rendered_file(counter):
    every, one = printed(counter, "module show"), printed(counter, "module show like app_amd")
    assert len(one) == 3
    assert one[1].startswith("app_amd.so")
    assert one[1] in every
    assert "Not Running" not in one[1]


def test_the_dialplan_of_a_context(counter):
    lines = printed(counter, "dialplan show dialer-sounds")
    assert lines[0] == "[ Context 'dialer-sounds' created by 'pbx_config' ]"
    assert lines[-1] == "-= 1 extension (2 priorities) in 1 context. =-"
    assert not run(counter.desk, "dialplan show nothing")[0]


def test_who_is_connected(counter):
    assert printed(counter, "manager show connected")[-1] == "2 users connected."


def test_any_other_command_is_unknown_here(counter):
    told = console(counter.desk, NOBODY, Request(("Command: sip reload",))).decode()
    assert told.startswith("Response: Error\r\nMessage: Command output follows\r\nOutput: No such command 'sip reload'")
