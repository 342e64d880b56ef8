"""Walking through a dialplan: jumps, subroutines, handlers, limits, and what happens when it is wrong."""

from __future__ import annotations

from structlog.testing import capture_logs

from dialer.simulation.far_end import Reply
from tests.unit.simulation.workbench import CALL, OTHER_CALL, Workbench

AT_ONCE = Reply(ends_after_s=0.0)


def walked(steps: str, *more: str, seconds: float = 0.0) -> Workbench:
    """Let an answered call walk through these steps of extension s."""
    lines = [f" same => n,{step}" for step in steps.split("; ")]
    bench = Workbench("\n".join(["[dialer-debtor]", "exten => s,1,NoOp()", *lines, *more]))
    bench.call(reply=AT_ONCE)
    bench.forward(seconds)
    return bench


def said(bench: Workbench) -> list[str]:
    return [event["UserEvent"] for event in bench.named("UserEvent")]


def test_steps_are_walked_until_the_end_of_the_extension():
    bench = walked("UserEvent(A); UserEvent(B)")
    assert said(bench) == ["A", "B"]
    assert bench.named("Hangup") != []


def test_a_wait_takes_its_time():
    bench = walked("Wait(3); UserEvent(A)", seconds=2.9)
    assert said(bench) == []
    bench.forward(0.1)
    assert said(bench) == ["A"]


def test_a_condition_chooses_between_two_places():
    plan = "[other]\nexten => s,1,UserEvent(Other)"
    assert said(walked('GotoIf($["1" = "1"]?other,s,1:end); UserEvent(Here)', plan)) == ["Other"]


def test_a_condition_without_another_branch_goes_on():
    assert said(walked("GotoIf(0?nowhere); UserEvent(Here)")) == ["Here"]


def test_a_conditional_application_runs_with_all_its_fields():
    bench = walked("ExecIf(1?UserEvent(A,CallId: x,B: y):UserEvent(B))")
    assert (bench.last("A")["CallId"], bench.last("A")["B"]) == ("x", "y")


def test_the_other_branch_of_a_conditional_application():
    assert said(walked("ExecIf(0?UserEvent(A,CallId: x):UserEvent(B))")) == ["B"]


def test_a_subroutine_returns_to_the_step_after_it():
    plan = "[sub]\nexten => s,1,Set(X=5)\n same => n,Return()"
    bench = walked("Gosub(sub,s,1); UserEvent(A,X: ${X})", plan)
    assert bench.last("A")["X"] == "5"


def test_a_return_without_a_subroutine_ends_the_channel():
    assert said(walked("Return(); UserEvent(A)")) == []


def test_handlers_run_last_pushed_first_and_cannot_wait():
    plan = (
        "[one]\nexten => s,1,UserEvent(One)\n same => n,Wait(5)\n same => n,UserEvent(Never)\n"
        "[two]\nexten => s,1,UserEvent(Two)\n same => n,Return()"
    )
    push = "Set(CHANNEL(hangup_handler_push)={},s,1)"
    bench = walked(f"{push.format('one')}; {push.format('two')}; Hangup(16)", plan, seconds=10)
    assert bench.story()[-3:] == ["Two", "One", "Hangup"]


def test_a_broken_handler_is_logged_and_the_channel_still_ends():
    plan = "[one]\nexten => s,1,Nix()"
    with capture_logs() as logs:
        bench = walked("Set(CHANNEL(hangup_handler_push)=one,s,1); Hangup(16)", plan)
    assert "nix" in logs[0]["detail"]
    assert bench.story()[-1] == "Hangup"


def test_an_absolute_limit_without_a_t_extension_ends_the_channel():
    bench = walked("Set(TIMEOUT(absolute)=5); Wait(60)", seconds=5)
    assert bench.story()[-1] == "Hangup"


def test_an_absolute_limit_can_be_lifted():
    bench = walked("Set(TIMEOUT(absolute)=5); Set(TIMEOUT(absolute)=0); Wait(60)", seconds=30)
    assert bench.named("Hangup") == []


def test_an_unknown_application_is_named_and_ends_only_its_channel():
    with capture_logs() as logs:
        bench = walked("Dance(1)")
    assert "dance(1)" in logs[0]["detail"]
    assert logs[0]["place"] == "dialer-debtor,s,2"
    assert bench.story()[-1] == "Hangup"
    bench.call(OTHER_CALL, "+5491155500300")
    assert [row.uniqueid for row in bench.node.channels()] == [OTHER_CALL]


def test_a_jump_to_nowhere_is_named():
    with capture_logs() as logs:
        walked("Goto(nix,s,1)")
    assert "nix,s,1" in logs[0]["detail"]


def test_a_loop_without_a_wait_does_not_hold_the_node():
    with capture_logs() as logs:
        bench = walked("Goto(s,1)")
    assert "steps without a wait" in logs[0]["detail"]
    assert bench.named("Hangup", CALL) != []
