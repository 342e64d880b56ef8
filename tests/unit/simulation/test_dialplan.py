"""extensions.conf read as steps."""

from __future__ import annotations

import pytest

from dialer.simulation.dialplan import Dialplan, parse_dialplan
from dialer.simulation.expressions import DialplanError
from tests.unit.simulation.workbench import RENDERED

PLAN = """
[general]
static = yes

; a comment
[one]
exten => s,1,Answer() ; and another
 same => n(again),Wait(1)
 same => n,Goto(again)
exten => 5000,1,NoOp(plain)
exten => _5XXX,1,NoOp(pattern)
exten => _[0-9+*#].,1,Hangup(21)
"""


@pytest.fixture
def plan() -> Dialplan:
    return parse_dialplan(PLAN)


def applications(plan: Dialplan, context: str, exten: str) -> dict[int, str]:
    extension = plan.extension(context, exten)
    return {} if extension is None else {priority: step.application for priority, step in extension.steps.items()}


def test_steps_are_counted_on(plan: Dialplan):
    assert applications(plan, "one", "s") == {1: "Answer", 2: "Wait", 3: "Goto"}


def test_a_label_is_a_priority(plan: Dialplan):
    assert plan.priority("one", "s", "again") == 2


@pytest.mark.parametrize("where", [("one", "s", "9"), ("one", "s", "nix"), ("one", "x", "1"), ("two", "s", "1")])
def test_a_place_that_does_not_exist_is_none(plan: Dialplan, where: tuple[str, str, str]):
    assert plan.priority(*where) is None


def test_a_plain_name_comes_before_a_pattern(plan: Dialplan):
    assert plan.extension("one", "5000") is not plan.extension("one", "5001")


@pytest.mark.parametrize(("exten", "application"), [("5123", "NoOp"), ("+49", "Hangup"), ("*9", "Hangup")])
def test_a_pattern_takes_what_it_describes(plan: Dialplan, exten: str, application: str):
    assert applications(plan, "one", exten) == {1: application}


@pytest.mark.parametrize("exten", ["x1", "+", ""])
def test_a_pattern_leaves_what_it_does_not_describe(plan: Dialplan, exten: str):
    assert plan.extension("one", exten) is None


@pytest.mark.parametrize(
    "line",
    ["exten => s", "exten => s,x,Wait(1)", "same => n,Wait(1)", "include => other", "nonsense", "exten => s,1,A(${B)"],
)
def test_a_line_that_is_not_understood_is_named(line: str):
    with pytest.raises(DialplanError, match="line 3"):
        parse_dialplan(f"[general]\n[one]\n{line}\n")


def test_our_own_dialplan_is_understood_to_the_last_place():
    plan = parse_dialplan(RENDERED)
    places = ["debtor", "abandon", "join", "recorded", "agent", "notice", "inbound-call", "inbound-message", "sounds"]
    assert [plan.priority(f"dialer-{place}", "s", "1") for place in places] == [1] * len(places)
