"""The book of calls in flight: one thing after the other, also when one thing leads to the next at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.call import Call, CallRules, Recording, Stage
from dialer.events import (
    Answered,
    CancelOrdered,
    ChannelMade,
    Event,
    HungUp,
    Joined,
    JoinFailed,
    MessageBegan,
    Noticed,
    Rang,
    RecordingClosed,
    Unjoined,
)
from dialer.routing import AgentState, ReadyOrdered, Want
from dialer.types import Outcome
from tests.unit.engine.desk import CHANNEL, Desk, a_record


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    desk.seats("ana")
    return desk


def waits(desk: Desk, number: int = 1) -> str:
    call_id = desk.dials(number)
    desk.hears(call_id, Rang(CHANNEL), Answered(CHANNEL))
    return call_id


# An answered call and its agent.


async def test_an_answered_call_is_sent_to_its_agent_at_once(desk: Desk):
    call_id = waits(desk)
    assert desk.link.names() == ["Setvar", "Setvar", "Redirect"]
    assert (desk.call(call_id).stage, desk.agent().call_id) == (Stage.JOINING, call_id)


async def test_the_record_that_is_kept_is_the_newest(desk: Desk):
    """Seeking an agent moves the call on inside the answer's own step; what is saved after it must not be stale."""
    call_id = waits(desk)
    kept = (await desk.kept())[call_id]
    assert kept == desk.call(call_id).record


async def test_joined_the_agent_talks(desk: Desk):
    call_id = waits(desk)
    desk.hears(call_id, Joined())
    assert desk.agent().state is AgentState.TALKING
    assert desk.call(call_id).record.agent == "ana"


async def test_without_an_agent_the_debtor_waits_and_the_longest_wait_comes_first(desk: Desk):
    waits(desk, 1)
    desk.clock.pass_s(0.5)
    second = waits(desk, 2)
    desk.clock.pass_s(0.5)
    third = waits(desk, 3)
    assert [call.call_id for call in desk.book.waiting_first()] == [second, third]
    desk.seats("eva", state=AgentState.PAUSED)
    desk.floor.apply("eva", ReadyOrdered())
    assert desk.agent("eva").call_id == second


async def test_an_agent_of_another_campaign_or_node_takes_nobody(desk: Desk):
    waits(desk, 1)
    waits(desk, 2)
    for name, facts in (("eva", {"campaign": "c2"}), ("leo", {"node": "a2"})):
        desk.seats(name, state=AgentState.PAUSED, **facts)
        desk.floor.apply(name, ReadyOrdered())
    assert len(desk.book.waiting_first()) == 1


async def test_an_agent_freed_by_one_call_is_given_to_the_next_in_the_same_step(desk: Desk):
    first, second = waits(desk, 1), waits(desk, 2)
    desk.hears(first, HungUp(16))
    assert (desk.agent().state, desk.agent().call_id) == (AgentState.RESERVED, second)
    assert first not in desk.book
    kept = await desk.kept()
    assert kept[first].outcome is Outcome.EARLY_HANGUP  # type: ignore[union-attr]


async def test_the_end_of_a_conversation_without_wrap_up_leads_to_the_next(desk: Desk):
    desk.seats("eva", wrap_up_s=0.0)
    desk.floor.softphone_lost("a1", desk.agent().extension, "gone")
    first, second = waits(desk, 1), waits(desk, 2)
    desk.hears(first, Joined())
    desk.clock.pass_s(40)
    desk.hears(first, HungUp(16))
    assert desk.agent("eva").call_id == second
    record = (await desk.kept())[first]
    assert record.wrap_ended_at == desk.clock.now()  # type: ignore[union-attr]
    assert record.outcome is Outcome.ANSWERED  # type: ignore[union-attr]


async def test_a_join_that_failed_frees_the_agent(desk: Desk):
    call_id = waits(desk)
    desk.hears(call_id, JoinFailed(refused=True))
    assert desk.agent().state is AgentState.READY
    assert desk.call(call_id).stage is Stage.MESSAGE


async def test_the_message_frees_the_agent(desk: Desk):
    call_id = waits(desk)
    desk.hears(call_id, MessageBegan())
    assert desk.agent().state is AgentState.READY


async def test_a_debtor_on_a_dead_leg_goes_to_another_agent_never_to_the_same(desk: Desk):
    desk.seats("eva")
    call_id = waits(desk)
    first = desk.call(call_id).agent or ""
    desk.hears(call_id, Unjoined("FAILED"))
    other = {"ana": "eva", "eva": "ana"}[first]
    assert desk.call(call_id).agent == other
    assert desk.agent(first).state is AgentState.LOGGED_OUT
    desk.hears(call_id, Unjoined("FAILED"))
    assert desk.call(call_id).stage is Stage.WAITING


async def test_a_waiting_call_that_is_over_seeks_nobody(desk: Desk):
    assert desk.book.seek_agent("t-nobody") is False
    call_id = waits(desk)
    assert desk.book.seek_agent(call_id) is False


# Orders that follow.


async def test_a_ring_that_lasts_too_long_is_hung_up(desk: Desk):
    call_id = desk.dials()
    desk.hears(call_id, ChannelMade(CHANNEL), Rang(CHANNEL))
    desk.timers.fire(("ring", call_id))
    assert desk.link.sent("Hangup")[0].get("Channel") == CHANNEL


async def test_the_timers_of_an_ended_call_are_forgotten(desk: Desk):
    call_id = desk.dials()
    desk.hears(call_id, Rang(CHANNEL), CancelOrdered())
    assert {key for key in desk.timers.running if call_id in str(key)} != set()
    desk.hears(call_id, HungUp(17))
    assert desk.timers.running == {}


async def test_the_notice_and_then_the_recording(desk: Desk):
    call_id = desk.dials(recording=Recording.NOTICE)
    desk.hears(call_id, Answered(CHANNEL), Joined())
    assert desk.link.sent("Originate")[0].get("Channel") == "Local/s@dialer-notice/n"
    desk.hears(call_id, Noticed())
    assert desk.link.sent("MixMonitor")[0].get("File").endswith(f"{call_id}.raw")


async def test_the_recording_is_asked_for_before_the_lease_goes(desk: Desk):
    call_id = desk.dials(recording=Recording.NOW)
    desk.hears(call_id, Answered(CHANNEL), Joined(), RecordingClosed(640), HungUp(16))
    assert desk.recordings == [(call_id, 640)]
    await desk.keeper.flush()
    assert desk.redis.diary == [f"append {call_id}", f"release {call_id}"]


async def test_a_node_out_of_reach_ends_nothing(desk: Desk):
    desk.link.connected = False
    call_id = waits(desk)
    assert desk.call(call_id).stage is Stage.JOINING


# Facts beside the steps.


async def test_facts_are_added_during_a_call_and_after_it(desk: Desk):
    call_id = waits(desk)
    desk.book.annotate(call_id, disposition="promise")
    desk.hears(call_id, Joined(), HungUp(16))
    desk.book.annotate(call_id, recording="/kept/x.flac")
    record = (await desk.kept())[call_id]
    assert (record.disposition, record.recording) == ("promise", "/kept/x.flac")  # type: ignore[union-attr]
    assert record.outcome is Outcome.ANSWERED  # type: ignore[union-attr]
    assert desk.book.remembered(call_id) == record


async def test_every_version_of_a_record_has_a_higher_number(desk: Desk):
    numbers: list[int] = []
    desk.book.watchers.append(lambda before, after, event: numbers.append(after.record.seq))
    call_id = waits(desk)
    desk.hears(call_id, Joined())
    record = desk.book.annotate(call_id, disposition="promise")
    assert record is not None
    desk.hears(call_id, HungUp(16))
    last = desk.book.annotate(call_id, recording="x")
    assert last is not None
    assert numbers == sorted(numbers)
    assert numbers[-1] < last.seq


async def test_what_the_books_hold_and_nobody_talked_in_is_forgotten(desk: Desk):
    call_id = desk.dials(1)
    desk.hears(call_id, HungUp(17))
    record = desk.book.remembered(call_id)
    assert record is not None
    desk.clock.pass_s(60)
    desk.book.stored([record])
    assert desk.book.remembered(call_id) is None
    assert desk.book.annotate(call_id, disposition="late") is None


async def test_what_happens_to_strangers_is_no_matter(desk: Desk):
    desk.hears("t-nobody", HungUp(16))
    assert (len(desk.book), desk.redis.stream) == (0, [])


async def test_every_step_is_watched_in_order(desk: Desk):
    seen: list[tuple[str, str]] = []

    def watch(before: Call, after: Call, event: Event) -> None:
        seen.append((type(event).__name__, after.stage.value))

    desk.book.watchers.append(watch)
    call_id = waits(desk)
    desk.hears(call_id, HungUp(16))
    assert seen == [
        ("Written", "dialling"),
        ("Rang", "ringing"),
        ("Answered", "waiting"),
        ("AgentReserved", "joining"),
        ("HungUp", "ended"),
    ]


# Adoption.


@pytest.mark.parametrize(
    ("stage", "check"),
    [
        (Stage.RINGING, lambda desk, call_id: ("ring", call_id) in desk.timers.running),
        (Stage.WAITING, lambda desk, call_id: desk.agent().call_id == call_id),
        (Stage.TALKING, lambda desk, call_id: desk.link.names() == ["Originate"]),
        (Stage.MESSAGE, lambda desk, call_id: desk.link.names() == []),
    ],
)
async def test_an_adopted_call_goes_on_where_it_stands(desk: Desk, stage: Stage, check: Callable[[Desk, str], bool]):
    call = Call(record=a_record(), rules=CallRules(), stage=stage, channel=CHANNEL, recording=Recording.NOTICE)
    desk.book.adopt(call, Want())
    assert check(desk, call.call_id)
    assert call.call_id in await desk.kept()
