"""A playbook for stories about one call: events in, orders out.

`Script(call) >> Rang("ch") >> 15.0 >> CancelOrdered() << [HangUp("ch")]` reads: it rang, 15 seconds pass, we cancel,
and exactly this is ordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dialer.call import Call, Recording, step
from dialer.commands import Command
from dialer.events import AgentReserved, Answered, ChannelMade, Event, Joined, Rang, Written
from dialer.types import AttemptRecord, Outcome

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
CHANNEL = "PJSIP/t1-00000001"


def a_record(**facts: object) -> AttemptRecord:
    """Return the record of a first try, with other facts where the story needs them."""
    usual = {
        "call_id": "t" + "a" * 26,
        "campaign_id": 1,
        "campaign": "c1",
        "segment": "s1",
        "lead_id": 1,
        "debtor_id": 1,
        "debtor": "EJ-0001",
        "phone_id": 1,
        "phone": "+5491155550101",
        "try_no": 1,
        "node": "a1",
        "trunk": "t1",
        "intent_at": NOON,
    }
    return AttemptRecord(**{**usual, **facts})  # type: ignore[arg-type]


class Script:
    """One call and the time; `>>` lets an event happen or seconds pass, `<<` says what the last event must order."""

    def __init__(self, call: Call, now: datetime = NOON) -> None:
        self.call = call
        self.now = now
        self.orders: tuple[Command, ...] = ()

    def __rshift__(self, happening: Event | float) -> Script:
        if isinstance(happening, float):
            self.now += timedelta(seconds=happening)
        else:
            self.call, self.orders = step(self.call, happening, self.now)
        return self

    def __lshift__(self, expected: Sequence[Command]) -> Script:
        assert list(self.orders) == list(expected)
        return self

    @property
    def record(self) -> AttemptRecord:
        """The record as it stands."""
        return self.call.record

    @property
    def outcome(self) -> Outcome | None:
        """How the attempt ended, None while it lives."""
        return self.call.record.outcome


def dialling(recording: Recording = Recording.NO) -> Script:
    """Return a call whose Originate was written."""
    return Script(Call(record=a_record(), recording=recording)) >> Written()


def ringing(recording: Recording = Recording.NO) -> Script:
    """Return a call that began to ring 3 s after it was written."""
    return dialling(recording) >> 1.0 >> ChannelMade(CHANNEL) >> 2.0 >> Rang(CHANNEL)


def waiting(recording: Recording = Recording.NO) -> Script:
    """Return a call answered 5 s after its first ring, without an agent yet."""
    return ringing(recording) >> 5.0 >> Answered(CHANNEL)


def talking(recording: Recording = Recording.NO) -> Script:
    """Return a conversation with the agent ana."""
    return waiting(recording) >> AgentReserved("ana") >> 0.005 >> Joined()
