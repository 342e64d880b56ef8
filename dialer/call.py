"""The life of one call as a pure function: `step(call, event, now) -> (call, commands)`.

Events say what happened (past tense), commands say what to do (imperative). No I/O, no clock, no tasks: a timer is a
command that comes back as `TimerFired`. Late, repeated and out-of-order events leave the call as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

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
from dialer.outcomes import outcome_of_refusal
from dialer.types import AttemptRecord, Outcome


class Stage(StrEnum):
    """Where a call stands."""

    INTENT = "intent"
    DIALLING = "dialling"
    RINGING = "ringing"
    CLASSIFYING = "classifying"
    WAITING = "waiting"
    JOINING = "joining"
    TALKING = "talking"
    MESSAGE = "message"
    ENDED = "ended"


PENDING = "pending"

NOTICE_S = 10.0
"""A conversation longer than this has heard the recording notice; without a recording it raises the alarm."""

UNANSWERED = frozenset({Stage.INTENT, Stage.DIALLING, Stage.RINGING})
UNJOINED = UNANSWERED | {Stage.CLASSIFYING, Stage.WAITING, Stage.JOINING}


class Recording(StrEnum):
    """Whether and when the conversation is recorded."""

    NO = "no"
    NOW = "now"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class CallRules:
    """The seconds that bound a call; see `[dialing]` in config.toml."""

    ring_timeout_s: float = 28.0
    setup_s: float = 4.0
    min_ring_s: float = 15.0
    connect_within_s: float = 2.0
    dead_leg_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt in flight: the record that will be kept, and what only matters while it lives.

    `cancel` says why we hung up ourselves (`ring_timeout`, `ordered` or `forced`), or that we will once it has rung
    long enough (`pending`).
    `agent` is held for this call now; `record.agent` is the one who talked; `talked_with` is the one whose leg ended
    after a real conversation, while the debtor stayed on the line.
    `verdict` is what answer-machine detection said. `raw_size` is the recording's size once it is closed.
    """

    record: AttemptRecord
    rules: CallRules = CallRules()
    stage: Stage = Stage.INTENT
    since: datetime | None = None
    channel: str | None = None
    agent: str | None = None
    talked_with: str | None = None
    cancel: str | None = None
    verdict: str | None = None
    recording: Recording = Recording.NO
    raw_size: int | None = None
    amd: bool = False

    @property
    def call_id(self) -> str:
        """The Asterisk channel id and the key of everything about this call."""
        return self.record.call_id


Step = tuple[Call, tuple[Command, ...]]


def step(call: Call, event: Event, now: datetime) -> Step:
    """Return the call after the event, and the orders that follow; an ended call ignores everything."""
    if call.stage is Stage.ENDED:
        return call, ()
    following: Step = _HANDLERS[type(event)](call, event, now)
    return following


def _at_stage(call: Call, stage: Stage, now: datetime, **facts: Any) -> Call:
    """Move the call on and keep the facts in its record under the next seq."""
    record = replace(call.record, seq=call.record.seq + 1, **facts)
    return replace(call, stage=stage, since=now, record=record)


def _written(call: Call, event: Written, now: datetime) -> Step:
    if call.stage is not Stage.INTENT:
        return call, ()
    # Counted by us and not by the Originate: a phone that begins to ring late still rings the legal minimum.
    silence_s = call.rules.ring_timeout_s + call.rules.setup_s
    return _at_stage(call, Stage.DIALLING, now, dialled_at=now), (StartTimer("setup", silence_s),)


def _not_placed(call: Call, event: NotPlaced, now: datetime) -> Step:
    if call.stage not in (Stage.INTENT, Stage.DIALLING) or call.channel:
        return call, ()
    return _end(call, Outcome.FAILED, now, None, None)


def _originate_failed(call: Call, event: OriginateFailed, now: datetime) -> Step:
    # With a channel the Hangup carries the cause; without one this is all we will ever hear.
    if call.channel or call.stage not in UNANSWERED:
        return call, ()
    return _end(call, Outcome.FAILED, now, None, None)


def _channel_made(call: Call, event: ChannelMade, now: datetime) -> Step:
    return replace(call, channel=event.channel), ()


def _rang(call: Call, event: Rang, now: datetime) -> Step:
    if call.stage not in (Stage.INTENT, Stage.DIALLING):
        return call, ()
    rung = _at_stage(replace(call, channel=event.channel), Stage.RINGING, now, ringing_at=now)
    if call.cancel not in (None, PENDING):
        # It began to ring while our hang-up was on its way.
        rung = replace(rung, record=rung.record.flagged("cut_below_minimum_ring"))
    timers: list[Command] = [StartTimer("ring", call.rules.ring_timeout_s)]
    if call.cancel == PENDING:
        timers.append(StartTimer("min_ring", call.rules.min_ring_s))
    return rung, tuple(timers)


def _answered(call: Call, event: Answered, now: datetime) -> Step:
    if call.stage not in UNANSWERED:
        return call, ()
    known = replace(call, channel=event.channel, amd=event.amd)
    if event.amd:
        return _at_stage(known, Stage.CLASSIFYING, now, answered_at=now), (Save(),)
    return _at_stage(known, Stage.WAITING, now, answered_at=now, classified_at=now), (SeekAgent(), Save())


def _classified(call: Call, event: Classified, now: datetime) -> Step:
    if call.stage is not Stage.CLASSIFYING:
        return call, ()
    known = replace(call, verdict=event.verdict)
    if event.verdict in ("MACHINE", "HANGUP"):
        return _at_stage(known, Stage.CLASSIFYING, now, classified_at=now), ()
    return _at_stage(known, Stage.WAITING, now, classified_at=now), (SeekAgent(), Save())


def _agent_reserved(call: Call, event: AgentReserved, now: datetime) -> Step:
    if call.stage is not Stage.WAITING:
        return call, (FreeAgent(event.agent, talked=False),)
    return _at_stage(replace(call, agent=event.agent), Stage.JOINING, now), (Join(event.agent),)


def _joined(call: Call, event: Joined, now: datetime) -> Step:
    if call.stage is not Stage.JOINING:
        return call, ()
    first = call.record.bridged_at is None
    late = first and _waited_s(call, now) > call.rules.connect_within_s
    talking = _at_stage(call, Stage.TALKING, now, bridged_at=call.record.bridged_at or now, agent=call.agent)
    if late:
        talking = replace(talking, record=talking.record.flagged("late_join"))
    notice: tuple[Command, ...] = (PlayNotice(),) if first and call.recording is Recording.NOTICE else ()
    return talking, (*notice, Save())


def _join_failed(call: Call, event: JoinFailed, now: datetime) -> Step:
    if call.stage is not Stage.JOINING:
        return call, ()
    # A refusal means that the message already plays; otherwise the channel is gone and its Hangup follows.
    stage = Stage.MESSAGE if event.refused else Stage.WAITING
    return _at_stage(replace(call, agent=None), stage, now), (*_freed(call, talked=False), Save())


def _unjoined(call: Call, event: Unjoined, now: datetime) -> Step:
    """The agent's leg ended first, or was dead: the debtor goes to another agent or hears the message."""
    if call.stage not in (Stage.JOINING, Stage.TALKING):
        return call, ()
    spoke = call.stage is Stage.TALKING and _talked_s(call, now) >= call.rules.dead_leg_s
    facts: dict[str, Any] = {}
    if call.stage is Stage.TALKING and not spoke:
        # What was taken for a conversation never was one; an earlier one stays.
        bridged_at = call.record.bridged_at if call.talked_with else None
        facts = {"agent": call.talked_with, "bridged_at": bridged_at}
    known = replace(call, agent=None, talked_with=call.agent if spoke else call.talked_with)
    waiting = _at_stage(known, Stage.WAITING, now, **facts)
    flagged = replace(waiting, record=waiting.record.flagged("agent_lost" if spoke else "dead_leg"))
    return flagged, (*_freed(call, talked=spoke, lost=True), SeekAgent(), Save())


def _talked_s(call: Call, now: datetime) -> float:
    """Return how long the agent of now has talked; an adopted conversation began before we knew of it."""
    began = call.since if call.talked_with else call.record.bridged_at
    return (now - (began or now)).total_seconds()


def _message_began(call: Call, event: MessageBegan, now: datetime) -> Step:
    if call.stage not in UNJOINED:
        return call, ()
    facts: dict[str, Any] = {}
    if call.record.answered_at is None:  # the answer's own event was lost with the connection
        facts = {"answered_at": now, "classified_at": now}
    return _at_stage(replace(call, agent=None), Stage.MESSAGE, now, **facts), (*_freed(call, talked=False), Save())


def _freed(call: Call, *, talked: bool, lost: bool = False) -> tuple[Command, ...]:
    return (FreeAgent(call.agent, talked, lost),) if call.agent is not None else ()


def _recording_closed(call: Call, event: RecordingClosed, now: datetime) -> Step:
    return replace(call, raw_size=event.size), ()


def _noticed(call: Call, event: Noticed, now: datetime) -> Step:
    if call.stage is not Stage.TALKING or call.recording is not Recording.NOTICE:
        return call, ()
    return replace(call, recording=Recording.NOW), (StartRecording(),)


def _hung_up(call: Call, event: HungUp, now: datetime) -> Step:
    return _end(call, _outcome(call, event, now), now, event.cause, event.tech_cause)


def _cancel_ordered(call: Call, event: CancelOrdered, now: datetime) -> Step:
    """Cancel an unanswered call, never below the minimum ring unless forced; a live person is never cancelled."""
    if call.stage not in UNANSWERED and not (event.forced and call.stage in UNJOINED):
        return call, ()
    rung_s = (now - call.record.ringing_at).total_seconds() if call.record.ringing_at else 0.0
    if event.forced or rung_s >= call.rules.min_ring_s:
        return _hang_up_ourselves(call, "forced" if event.forced else "ordered", rung_s)
    if call.cancel:
        return call, ()
    wait: tuple[Command, ...] = ()
    if call.stage is Stage.RINGING:
        wait = (StartTimer("min_ring", call.rules.min_ring_s - rung_s),)
    # A call that has not rung yet is not cancelled early: Asterisk's own timeout bounds it.
    return replace(call, cancel=PENDING), wait


def _hang_up_ourselves(call: Call, why: str, rung_s: float) -> Step:
    record = call.record
    if call.stage in UNANSWERED and rung_s < call.rules.min_ring_s:
        record = record.flagged("cut_below_minimum_ring")
    ended = replace(call, cancel=why, record=record)
    return ended, (HangUp(call.channel or call.call_id),)


def _timer_fired(call: Call, event: TimerFired, now: datetime) -> Step:
    if event.name == "setup" and call.stage is Stage.DIALLING:
        return _hang_up_ourselves(call, "ring_timeout", call.rules.min_ring_s)  # it never rang: nothing is cut short
    if call.stage is not Stage.RINGING:
        return call, ()
    if event.name == "ring":
        return _hang_up_ourselves(call, "ring_timeout", call.rules.ring_timeout_s)
    if event.name == "min_ring" and call.cancel == PENDING:
        return _hang_up_ourselves(call, "ordered", call.rules.min_ring_s)
    return call, ()


def _accounted(call: Call, event: Accounted, now: datetime) -> Step:
    record = replace(
        call.record.flagged(event.flag),
        answered_at=call.record.answered_at or event.answered_at,
        bridged_at=call.record.bridged_at or event.bridged_at,
    )
    outcome = event.outcome
    if outcome is Outcome.FAILED and record.answered_at is None and call.channel and _ended_by_us(call):
        outcome = _our_outcome(call)  # the log keeps no trace of who ended it, but we know
    return _end(replace(call, record=record), outcome, event.ended_at or now, event.cause, None)


def _end(call: Call, outcome: Outcome, now: datetime, cause: int | None, tech_cause: str | None) -> Step:
    ended = _at_stage(call, Stage.ENDED, now, ended_at=now, outcome=outcome, cause=cause, tech_cause=tech_cause)
    orders = [*_freed(call, talked=call.stage is Stage.TALKING)]
    if call.record.bridged_at is not None and call.recording is not Recording.NO:
        if call.recording is Recording.NOTICE and _short(call, now):
            # Nothing may be recorded before the notice was heard: that is no recording lost.
            ended = replace(ended, record=ended.record.flagged("ended_before_notice"))
        else:
            orders.append(KeepRecording(call.raw_size))
    return ended, (*orders, Save(), Finish())


def _short(call: Call, now: datetime) -> bool:
    return (now - (call.record.bridged_at or now)).total_seconds() < NOTICE_S


def _outcome(call: Call, event: HungUp, now: datetime) -> Outcome:
    if call.record.bridged_at is not None:
        return Outcome.ANSWERED
    if call.stage is Stage.MESSAGE:
        return Outcome.ABANDONED
    if call.verdict == "MACHINE":
        return Outcome.MACHINE
    if call.record.answered_at is not None:
        return _unjoined_outcome(call, now)
    if _ended_by_us(call) and event.tech_cause in (None, "", "0", "200", "487"):
        return _our_outcome(call)
    return outcome_of_refusal(event.cause, event.tech_cause)


def _ended_by_us(call: Call) -> bool:
    return call.cancel not in (None, PENDING)


def _our_outcome(call: Call) -> Outcome:
    return Outcome.NO_ANSWER if call.cancel == "ring_timeout" else Outcome.CANCELLED


def _unjoined_outcome(call: Call, now: datetime) -> Outcome:
    """Tell a debtor who hung up within the first seconds from one we left without an agent."""
    if not _ended_by_us(call) and _waited_s(call, now) < call.rules.connect_within_s:
        return Outcome.EARLY_HANGUP
    return Outcome.ABANDONED


def _waited_s(call: Call, now: datetime) -> float:
    began = call.record.classified_at or call.record.answered_at or now
    return (now - began).total_seconds()


_HANDLERS: dict[type, Any] = {
    Written: _written,
    NotPlaced: _not_placed,
    OriginateFailed: _originate_failed,
    ChannelMade: _channel_made,
    Rang: _rang,
    Answered: _answered,
    Classified: _classified,
    AgentReserved: _agent_reserved,
    Joined: _joined,
    JoinFailed: _join_failed,
    Unjoined: _unjoined,
    MessageBegan: _message_began,
    RecordingClosed: _recording_closed,
    Noticed: _noticed,
    HungUp: _hung_up,
    CancelOrdered: _cancel_ordered,
    TimerFired: _timer_fired,
    Accounted: _accounted,
}
