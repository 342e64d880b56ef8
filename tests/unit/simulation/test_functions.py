"""Functions and built-in variables on a channel."""

from __future__ import annotations

import pytest

from dialer.simulation.node import Refused
from tests.unit.simulation.workbench import CALL, CALLER_ID, LEG, Workbench


@pytest.fixture
def bench() -> Workbench:
    bench = Workbench()
    bench.conversation(DIALER_RECORD="now")
    return bench


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UNIQUEID", CALL),
        ("CONTEXT", "dialer-join"),
        ("EXTEN", "s"),
        ("CHANNEL", "PJSIP/carrier-00000001"),
        ("CHANNEL(linkedid)", LEG),
        ("CHANNEL(uniqueid)", CALL),
        ("CALLERID(num)", CALLER_ID),
        ("IF(1?a:b)", "a"),
        ("IF(0?a:b)", "b"),
        ("FILTER(0-9+,+54 (911) x)", "+54911"),
        ("EXISTS(x)", "1"),
        ("EXISTS()", "0"),
        ("ISNULL()", "1"),
        ("LEN(abc)", "3"),
        ("TOUPPER(abc)", "ABC"),
        ("STAT(e,/nix)", "0"),
        ("STAT(s,/nix)", ""),
        (f"STAT(e,/var/spool/asterisk/dialer/{CALL}.raw)", "1"),
    ],
)
def test_a_name_has_its_value(bench: Workbench, name: str, value: str):
    assert bench.node.get_variable(CALL, name) == value


def test_the_epoch_is_business_time(bench: Workbench):
    assert bench.node.get_variable(CALL, "EPOCH") == str(int(bench.time.now().timestamp()))


@pytest.mark.parametrize("name", ["DANCE(1)", "CHANNEL(colour)", "CALLERID(colour)", "STAT(f,/x)"])
def test_a_function_this_node_does_not_have_is_named(bench: Workbench, name: str):
    with pytest.raises(Refused, match="the simulated node"):
        bench.node.get_variable(CALL, name)


def test_what_cannot_be_set_is_named(bench: Workbench):
    with pytest.raises(Refused, match="cannot set"):
        bench.node.set_variable(CALL, "DANCE(1)", "x")


def test_the_caller_can_be_set(bench: Workbench):
    bench.node.set_variable(CALL, "CALLERID(num)", "123")
    assert bench.node.get_variable(CALL, "CALLERID(num)") == "123"
