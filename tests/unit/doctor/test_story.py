from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.ami.messages import Event, Hangup, Newchannel, Newstate, OriginateResponse, UserEvent
from dialer.doctor.check import Status
from dialer.doctor.story import Step, Story
from dialer.types import Outcome

CALL = "d" + "x" * 26
CHANNEL = "PJSIP/carrier-1"


def made() -> Event:
    return Newchannel(CALL, CALL, CHANNEL, 0, "dialer-inbound", "", "", None)


def rings() -> Event:
    return Newstate(CALL, CALL, CHANNEL, 5, None)


def dialplan(step: str, **fields: str) -> Event:
    return UserEvent("DialerTest", CALL, CHANNEL, {"CallId": CALL, "Step": step, **fields}, None)


def hung_up(cause: int, tech: str | None = None) -> Event:
    return Hangup(CALL, CALL, CHANNEL, 6, cause, tech, None)


def told(*events: Event) -> Story:
    story = Story(CALL, "carrier")
    for second, event in enumerate(events):
        story.hear(event, float(second))
    return story


def steps(story: Story) -> list[tuple[str, Status]]:
    return [(step.what, step.status) for step in story.steps]


HEARD = (
    made(),
    rings(),
    dialplan("answered"),
    dialplan("played", Status="SUCCESS"),
    dialplan("recorded", Size="48044"),
    hung_up(16),
)


def test_a_call_that_was_heard_is_told_in_order():
    story = told(*HEARD)
    whats = ["dialling", "ringing", "answered", "message", "recording", "hang-up"]
    assert steps(story) == [(what, Status.OK) for what in whats]
    assert (story.over, story.outcome) == (True, Outcome.ANSWERED)


def test_nothing_follows_the_end():
    story = told(*HEARD)
    assert story.hear(rings(), 9.0) == []


def test_other_calls_are_no_part_of_the_story():
    story = told(Hangup("other", "other", CHANNEL, 6, 17, "486", None))
    assert (story.steps, story.over) == ([], False)


@pytest.mark.parametrize(
    ("cause", "tech", "outcome", "word"),
    [
        (17, "486", Outcome.BUSY, "busy"),
        (1, "404", Outcome.INVALID, "number_format"),
        (21, "603", Outcome.REJECTED, "caller id"),
        (21, "403", Outcome.FAILED, "password"),
        (34, "503", Outcome.CONGESTION, "channels"),
        (58, "488", Outcome.FAILED, "codecs"),
        (0, None, Outcome.FAILED, "doctor"),
    ],
)
def test_a_refusal_is_told_with_code_outcome_and_remedy(cause: int, tech: str | None, outcome: Outcome, word: str):
    story = told(made(), hung_up(cause, tech))
    last = story.steps[-1]
    assert (last.what, last.status, story.outcome) == ("refused", Status.FAILED, outcome)
    assert str(outcome) in last.detail
    assert tech is None or f"SIP {tech}" in last.detail
    assert word in last.remedy


def test_a_phone_that_nobody_answers_is_told_as_such():
    story = told(made(), rings(), hung_up(19))
    assert (steps(story)[-1], story.outcome) == (("no answer", Status.FAILED), Outcome.NO_ANSWER)


def test_a_trunk_without_a_channel_is_told():
    story = told(OriginateResponse(CALL, CALL, "", False, 0, None))
    assert (steps(story), story.over) == ([("refused", Status.FAILED)], True)


def test_who_hangs_up_early_has_not_heard_the_message():
    story = told(made(), dialplan("answered"), hung_up(0))
    assert steps(story)[-1] == ("hang-up", Status.FAILED)
    assert "cause 16" in story.steps[-1].detail


@pytest.mark.parametrize(
    ("event", "what"),
    [(lambda: dialplan("played", Status="FAILED"), "message"), (lambda: dialplan("recorded", Size="44"), "recording")],
)
def test_what_the_dialplan_could_not_do_is_told_with_a_remedy(event: Callable[[], Event], what: str):
    last = told(made(), dialplan("answered"), event()).steps[-1]
    assert (last.what, last.status, bool(last.remedy)) == (what, Status.FAILED, True)


def test_what_asterisk_does_not_tell_is_noted():
    story = told()
    story.note(Step(1.0, "end", Status.FAILED, "lost"))
    assert steps(story) == [("end", Status.FAILED)]
