"""The laws of a call: no sequence of events, however odd, may break them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dialer.call import UNANSWERED, Call, CallRules, Recording, Stage
from dialer.commands import (
    Command,
    Finish,
    FreeAgent,
    HangUp,
    Join,
    KeepRecording,
    PlayNotice,
    Save,
    SeekAgent,
    StartRecording,
    StartTimer,
)
from dialer.events import (
    Accounted,
    AgentReserved,
    Answered,
    CancelOrdered,
    ChannelMade,
    Classified,
    Event,
    HungUp,
    Joined,
    JoinFailed,
    MessageBegan,
    Noticed,
    NotPlaced,
    OriginateFailed,
    Rang,
    RecordingClosed,
    TimerFired,
    Unjoined,
    Written,
)
from dialer.types import Outcome
from tests.unit.script import CHANNEL, Script, a_record

LIVING: list[Event] = [
    Written(),
    ChannelMade(CHANNEL),
    Rang(CHANNEL),
    Answered(CHANNEL),
    Answered(CHANNEL, amd=True),
    Classified("HUMAN"),
    Classified("NOTSURE"),
    Classified("MACHINE"),
    AgentReserved("?"),
    Joined(),
    JoinFailed(refused=True),
    JoinFailed(refused=False),
    Unjoined("FAILED"),
    MessageBegan(),
    RecordingClosed(320),
    Noticed(),
    CancelOrdered(),
    CancelOrdered(forced=True),
]
OFTEN: list[Event] = [AgentReserved("?"), Joined(), Unjoined("SUCCESS"), CancelOrdered()]
ENDING: list[Event] = [
    HungUp(16),
    HungUp(17, "486"),
    HungUp(127, "487"),
    NotPlaced("refused"),
    OriginateFailed(0),
    Accounted(Outcome.ANSWERED),
    Accounted(Outcome.FAILED),
]
USUAL: list[Event] = [Written(), ChannelMade(CHANNEL), Rang(CHANNEL), Answered(CHANNEL), AgentReserved("?"), Joined()]
WITH_AMD: list[Event] = [*USUAL[:3], Answered(CHANNEL, amd=True), Classified("HUMAN"), *USUAL[4:]]


def happenings_after(usual: list[Event]) -> st.SearchStrategy[list[tuple[float, Event]]]:
    """Return arbitrary events after the first steps of a usual call: chance alone seldom gets as far."""
    anything = st.sampled_from([*LIVING, *LIVING, *OFTEN, *OFTEN, *ENDING])
    begun = [(1.0, event) for event in usual]
    return st.lists(st.tuples(st.floats(0, 12), anything), max_size=30).map(lambda events: [*begun, *events])


beginnings = [path[:steps] for path in (USUAL, WITH_AMD) for steps in range(len(path) + 1)]
happenings = st.sampled_from(beginnings).flatmap(happenings_after)
recordings = st.sampled_from(Recording)
FORCED = CancelOrdered(forced=True)
SILENCE = TimerFired("setup")


@dataclass(frozen=True)
class Moment:
    """One event and what it led to."""

    before: Call
    event: Event
    after: Call
    orders: tuple[Command, ...]
    rung_s: float | None


@dataclass
class Life:
    """Drives a call through arbitrary events as the engine would: timers come due, agents have names."""

    script: Script
    moments: list[Moment]
    timers: dict[str, float]

    def happen(self, event: Event) -> None:
        if isinstance(event, AgentReserved):
            if self.script.call.stage is Stage.ENDED:
                return  # the book offers agents only to calls in it
            event = AgentReserved(f"agent{len(self.moments)}")
        before = self.script.call
        rang = before.record.ringing_at
        rung_s = (self.script.now - rang).total_seconds() if rang else None
        self.script >> event
        self.moments.append(Moment(before, event, self.script.call, self.script.orders, rung_s))
        for order in self.script.orders:
            if isinstance(order, StartTimer):
                self.timers[order.name] = order.seconds

    def wait(self, seconds: float) -> None:
        while self.timers and min(self.timers.values()) <= seconds:
            name = min(self.timers, key=lambda timer: self.timers[timer])
            due = self.timers.pop(name)
            seconds -= due
            self._pass(due)
            self.happen(TimerFired(name))
        self._pass(seconds)

    def _pass(self, seconds: float) -> None:
        self.script >> float(seconds)
        self.timers = {name: left - seconds for name, left in self.timers.items()}


def live(happened: list[tuple[float, Event]], recording: Recording, *, to_the_end: bool = False) -> list[Moment]:
    life = Life(Script(Call(record=a_record(), recording=recording)), [], {})
    for seconds, event in happened:
        life.wait(seconds)
        life.happen(event)
    if to_the_end:
        life.happen(HungUp(16))
    return life.moments


def orders_of(moments: list[Moment]) -> list[Command]:
    return [order for moment in moments for order in moment.orders]


@given(happenings, recordings)
def test_a_call_finishes_once_and_saves_its_outcome_once(happened: list[tuple[float, Event]], recording: Recording):
    moments = live(happened, recording, to_the_end=True)
    assert orders_of(moments).count(Finish()) == 1
    last = next(moment for moment in moments if Finish() in moment.orders)
    assert last.after.stage is Stage.ENDED
    assert last.after.record.outcome is not None
    assert last.after.record.ended_at is not None
    assert last.orders.count(Save()) == 1
    assert last.orders[-2:] == (Save(), Finish())


@given(happenings, recordings)
def test_an_ended_call_ignores_everything(happened: list[tuple[float, Event]], recording: Recording):
    for moment in live(happened, recording):
        if moment.before.stage is Stage.ENDED:
            assert (moment.after, moment.orders) == (moment.before, ())


@given(happenings, recordings)
def test_every_agent_reserved_is_freed_once(happened: list[tuple[float, Event]], recording: Recording):
    moments = live(happened, recording, to_the_end=True)
    reserved = [moment.event.agent for moment in moments if isinstance(moment.event, AgentReserved)]
    freed = [order.agent for order in orders_of(moments) if isinstance(order, FreeAgent)]
    assert sorted(freed) == sorted(reserved)


@given(happenings, recordings)
def test_each_save_is_newer_than_the_one_before(happened: list[tuple[float, Event]], recording: Recording):
    saved = [m.after.record.seq for m in live(happened, recording) if Save() in m.orders]
    assert all(earlier < later for earlier, later in pairwise(saved))


@given(happenings, recordings)
def test_only_a_call_that_never_rang_is_ended_for_its_silence(
    happened: list[tuple[float, Event]], recording: Recording
):
    for moment in live(happened, recording):
        if moment.event == SILENCE and any(isinstance(order, HangUp) for order in moment.orders):
            assert moment.before.stage is Stage.DIALLING
            assert moment.rung_s is None


@given(happenings, recordings)
def test_a_ringing_call_is_not_cut_below_the_minimum_ring_unless_forced(
    happened: list[tuple[float, Event]], recording: Recording
):
    for moment in live(happened, recording):
        cut = any(isinstance(order, HangUp) for order in moment.orders)
        if cut and moment.before.stage in UNANSWERED and moment.event not in (FORCED, SILENCE):
            assert moment.rung_s is not None
            assert moment.rung_s >= CallRules().min_ring_s - 0.001


@given(happenings, recordings)
def test_a_cut_below_the_minimum_ring_is_always_flagged(happened: list[tuple[float, Event]], recording: Recording):
    for moment in live(happened, recording):
        cut = any(isinstance(order, HangUp) for order in moment.orders)
        short = (moment.rung_s or 0.0) < CallRules().min_ring_s - 0.001
        if cut and moment.before.stage in UNANSWERED and short and moment.event != SILENCE:
            assert "cut_below_minimum_ring" in moment.after.record.flags


@given(happenings, recordings)
def test_nobody_is_sought_after_the_message_began(happened: list[tuple[float, Event]], recording: Recording):
    stages_so_far: set[Stage] = set()
    for moment in live(happened, recording):
        stages_so_far.add(moment.before.stage)
        sought = any(isinstance(order, SeekAgent | Join) for order in moment.orders)
        assert not (sought and Stage.MESSAGE in stages_so_far)


@given(happenings, recordings)
def test_a_call_that_asterisk_ended_was_answered_exactly_if_it_was_joined(
    happened: list[tuple[float, Event]], recording: Recording
):
    for moment in live(happened, recording, to_the_end=True):
        if Finish() in moment.orders and not isinstance(moment.event, Accounted):
            record = moment.after.record
            assert (record.outcome is Outcome.ANSWERED) == (record.bridged_at is not None)
            assert (record.agent is not None) == (record.bridged_at is not None)


@given(happenings)
def test_an_unrecorded_call_orders_nothing_about_recordings(happened: list[tuple[float, Event]]):
    about = (KeepRecording, PlayNotice, StartRecording)
    assert not [order for order in orders_of(live(happened, Recording.NO)) if isinstance(order, about)]
