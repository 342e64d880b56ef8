from __future__ import annotations

from datetime import timedelta

import pytest

from dialer.config import NodeConfig, TrunkConfig
from dialer.doctor.check import Check, Part, Status
from dialer.doctor.node import clock_check, modules_check, softphones_check, trunk_check, version_checks

PART = Part("node ast1")
NODE = NodeConfig(name="ast1")
TRUNK = TrunkConfig(name="carrier1", node="ast1", host="sip.example", caller_id="+541150000000")
REGISTERING = TrunkConfig(
    name="carrier1",
    node="ast1",
    host="sip.example",
    caller_id="+541150000000",
    auth="register",
    username="u",
    password_env="P",
)
STEP = timedelta(milliseconds=100)


def version(text: str, name: str = "ast1") -> list[Check]:
    return version_checks(PART, NODE, {"AsteriskVersion": text, "SystemName": name})


def test_a_supported_version_passes():
    assert [check.status for check in version("22.10.1+dfsg")] == [Status.OK]


@pytest.mark.parametrize("text", ["22.8.0", "18.26.0", ""])
def test_an_old_version_fails_and_the_right_ones_are_named(text: str):
    (check,) = version(text)
    assert (check.status, "22.9" in check.remedy) == (Status.FAILED, True)


def test_a_node_with_another_nodes_files_is_found_out():
    assert [check.status for check in version("22.10.1", "ast2")] == [Status.OK, Status.FAILED]


def test_running_modules_pass():
    assert modules_check(PART, ["a", "b"], {"a": True, "b": True, "c": False}).status is Status.OK


def test_missing_and_sleeping_modules_are_told_apart():
    check = modules_check(PART, ["a", "b", "c"], {"a": True, "b": False})
    assert check.status is Status.FAILED
    assert check.detail == "not loaded: c; loaded, but not running for want of its file: b"


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        (timedelta(seconds=1), Status.OK),
        (timedelta(seconds=1) + STEP, Status.FAILED),
        (-timedelta(seconds=1) - STEP, Status.FAILED),
    ],
)
def test_clocks_may_differ_by_a_second(ahead: timedelta, status: Status):
    assert clock_check(PART, ahead).status is status


def test_a_slow_clock_is_called_so():
    assert clock_check(PART, timedelta(seconds=-90)).detail == "90.0 s behind ours"


def test_a_trunk_that_answers_passes():
    check = trunk_check(PART, TRUNK, {"carrier1": "Not in use"}, {})
    assert (check.status, check.name) == (Status.OK, "trunk carrier1")


def test_a_trunk_that_asterisk_does_not_know_needs_its_files():
    assert "reload" in trunk_check(PART, TRUNK, {}, {}).remedy


def test_a_trunk_that_does_not_answer_is_a_matter_of_network():
    check = trunk_check(PART, TRUNK, {"carrier1": "Unavailable"}, {})
    assert (check.status, "firewall" in check.remedy) == (Status.FAILED, True)


@pytest.mark.parametrize(("state", "status"), [("Registered", Status.OK), ("Rejected", Status.FAILED)])
def test_a_trunk_that_has_to_register_is_judged_by_that(state: str, status: Status):
    check = trunk_check(PART, REGISTERING, {"carrier1": "Not in use"}, {"carrier1-register": state})
    assert check.status is status


def softphones(endpoints: list[str], contacts: dict[str, str]) -> Check:
    return softphones_check(PART, range(1001, 1004), dict.fromkeys(endpoints, "Not in use"), contacts)


ALL = ["1001", "1002", "1003"]


def test_one_registered_softphone_is_enough():
    check = softphones(ALL, {"1001": "Reachable", "1002": "Unreachable"})
    assert (check.status, check.detail) == (Status.OK, "1 of 3 registered")


def test_no_softphone_is_a_warning_that_says_how_to_register():
    check = softphones(ALL, {"1002": "Unreachable"})
    assert (check.status, "secrets.toml" in check.remedy) == (Status.WARN, True)


def test_softphones_that_asterisk_does_not_know_need_its_files():
    check = softphones(["1001"], {"1001": "Reachable"})
    assert (check.status, check.detail) == (Status.FAILED, "Asterisk does not know 1002 and 1 more")
