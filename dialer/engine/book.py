"""The book of calls in flight: lets things happen to a call and carries out what follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import structlog

from dialer import metrics
from dialer.call import UNANSWERED, Call, Recording, Stage, step
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
from dialer.engine.floor import Floor
from dialer.engine.tail import Tail
from dialer.engine.timers import Timers
from dialer.events import AgentReserved, Answered, Event, Joined, TimerFired
from dialer.routing import Agent, CallJoined, CallReserved, Want
from dialer.types import AttemptRecord, Clock

log = structlog.get_logger("dialer.call")


class CallPlane(Protocol):
    """What the book asks of the node's connection; every order is written at once, none is awaited."""

    def join(self, call: Call, agent: Agent) -> None:
        """Set the agent's channel on the debtor's channel and redirect it into the bridge."""
        ...

    def hang_up(self, node: str, channel: str) -> None:
        """End a channel."""
        ...

    def play_notice(self, call: Call, language: str) -> None:
        """Play the recording notice into the conversation."""
        ...

    def start_recording(self, call: Call) -> None:
        """Record the conversation from now on."""
        ...


class Keeper(Protocol):
    """Who keeps records, recordings and leases."""

    def save(self, record: AttemptRecord) -> None:
        """Keep a record; returns at once."""
        ...

    def keep_recording(self, call: Call, size: int | None) -> None:
        """Wrap and store the audio of an ended conversation."""
        ...

    def finish(self, call: Call) -> None:
        """Release what the call held."""
        ...


class Watcher(Protocol):
    """Who learns from calls: pacing and statistics."""

    def __call__(self, before: Call, after: Call, event: Event) -> None:
        """See one step of one call."""
        ...


@dataclass(frozen=True, slots=True)
class Errand:
    """A call and what is needed beside it: what it asks of an agent."""

    call: Call
    want: Want


class Book:
    """All calls in flight by `call_id`; `apply` is the only way to change one."""

    def __init__(self, clock: Clock, timers: Timers, floor: Floor, plane: CallPlane, keeper: Keeper) -> None:
        self._clock = clock
        self._timers = timers
        self._floor = floor
        self._plane = plane
        self._keeper = keeper
        self._errands: dict[str, Errand] = {}
        self._tail = Tail()
        self.watchers: list[Watcher] = []
        floor.on_ready = self._agent_ready

    def __contains__(self, call_id: str) -> bool:
        """Say whether this call is in flight."""
        return call_id in self._errands

    def __len__(self) -> int:
        """Return how many calls are in flight."""
        return len(self._errands)

    def get(self, call_id: str) -> Call | None:
        """Return a call in flight."""
        errand = self._errands.get(call_id)
        return errand.call if errand else None

    def calls(self) -> Iterable[Call]:
        """Return all calls in flight."""
        return [errand.call for errand in self._errands.values()]

    def add(self, call: Call, want: Want) -> None:
        """Enter a call whose intent is committed."""
        self._errands[call.call_id] = Errand(call, want)

    def adopt(self, call: Call, want: Want) -> None:
        """Enter a call that lives in Asterisk where it stands, with the timers it would have."""
        self._errands[call.call_id] = Errand(call, want)
        self._keeper.save(call.record)
        if call.stage is Stage.RINGING:
            rung_at = call.record.ringing_at or self._clock.now()
            left_s = call.rules.ring_timeout_s - (self._clock.now() - rung_at).total_seconds()
            self._carry_out(call.call_id, StartTimer("ring", max(left_s, 0.0)))
        elif call.stage is Stage.DIALLING:
            left_s = call.rules.ring_timeout_s + call.rules.setup_s - self._age_s(call)
            self._carry_out(call.call_id, StartTimer("setup", max(left_s, 0.0)))
        elif call.stage is Stage.WAITING:
            self.seek_agent(call.call_id)
        elif call.stage is Stage.TALKING and call.recording is Recording.NOTICE:
            # Nobody knows whether the notice was heard; hearing it twice is better than not at all.
            self._plane.play_notice(call, want.language)

    def apply(self, call_id: str, event: Event) -> None:
        """Let something happen to a call; unknown ids are ignored (they are not ours, or long over)."""
        errand = self._errands.get(call_id)
        if errand is None:
            return
        before = errand.call
        after, commands = step(before, event, self._clock.now())
        self._errands[call_id] = replace(errand, call=after)
        if after.stage is not before.stage:
            self._tell(before, after, event)
        for watcher in self.watchers:
            watcher(before, after, event)
        for command in commands:
            self._carry_out(call_id, command)

    def annotate(self, call_id: str, **facts: Any) -> AttemptRecord | None:
        """Add facts to a record during or after its call; return it, or None when it is too long ago."""
        if (errand := self._errands.get(call_id)) is not None:
            record = replace(errand.call.record, seq=errand.call.record.seq + 1, **facts)
            self._errands[call_id] = replace(errand, call=replace(errand.call, record=record))
        elif (kept := self._tail.get(call_id)) is not None:
            record = replace(kept, seq=kept.seq + 1, **facts)
            self._tail.keep(record)
        else:
            return None
        self._keeper.save(record)
        return record

    def remembered(self, call_id: str) -> AttemptRecord | None:
        """Return the record of a call in flight or recently ended."""
        errand = self._errands.get(call_id)
        return errand.call.record if errand else self._tail.get(call_id)

    def _age_s(self, call: Call) -> float:
        return (self._clock.now() - (call.record.dialled_at or call.record.intent_at)).total_seconds()

    def stored(self, records: Iterable[AttemptRecord]) -> None:
        """Learn that the books hold these records."""
        self._tail.stored(records, self._clock.now())

    def tell_again(self, call_id: str, ended_before: datetime) -> None:
        """Save the record of an ended call once more, if it ended that long ago."""
        record = self._tail.get(call_id)
        if record is not None and record.ended_at is not None and record.ended_at < ended_before:
            self._keeper.save(record)

    def waiting_first(self) -> list[Call]:
        """Return the live people without an agent, longest wait first."""
        waiting = [call for call in self.calls() if call.stage is Stage.WAITING]
        return sorted(waiting, key=lambda call: call.record.answered_at or call.record.intent_at)

    def seek_agent(self, call_id: str) -> bool:
        """Give a waiting call the best ready agent of its campaign and node; say whether there was one."""
        errand = self._errands.get(call_id)
        if errand is None or errand.call.stage is not Stage.WAITING:
            return False
        record = errand.call.record
        choice = self._floor.choose(record.campaign, record.node, errand.want)
        if choice is None or self._floor.apply(choice.agent, CallReserved(call_id)) is not None:
            return False
        score = choice.score
        log.info(
            "routed",
            call_id=call_id,
            agent=choice.agent,
            fit=round(score.fit, 3),
            language=score.language,
            skills=round(score.skills, 3),
            last_agent=score.last_agent,
            idle_s=round(score.idle_s, 1),
        )
        self.apply(call_id, AgentReserved(choice.agent))
        return True

    def _carry_out(self, call_id: str, command: Command) -> None:  # noqa: C901 - an exhaustive match
        call = self._errands[call_id].call
        match command:
            case SeekAgent():
                self.seek_agent(call_id)
            case Join(agent=name):
                self._plane.join(call, self._floor.agents[name])
            case FreeAgent(agent=name, talked=talked, lost=lost):
                self._floor.free(name, call_id, talked=talked, lost=lost)
            case HangUp(channel=channel):
                self._plane.hang_up(call.record.node, channel)
            case StartTimer(name=name, seconds=seconds):
                fire = partial(self.apply, call_id, TimerFired(name))
                self._timers.start((name, call_id), seconds, fire)
            case PlayNotice():
                self._plane.play_notice(call, self._errands[call_id].want.language)
            case StartRecording():
                self._plane.start_recording(call)
            case KeepRecording(size=size):
                self._keeper.keep_recording(call, size)
            case Save():
                self._keeper.save(call.record)
            case Finish():
                self._finish(call)

    def _agent_ready(self, agent: Agent) -> None:
        for call in self.waiting_first():
            if call.record.campaign == agent.campaign and call.record.node == agent.node:
                self.seek_agent(call.call_id)
                return

    def _finish(self, call: Call) -> None:
        del self._errands[call.call_id]
        for timer in ("setup", "ring", "min_ring"):
            self._timers.cancel((timer, call.call_id))
        self._tail.keep(call.record)
        self._keeper.finish(call)

    def _tell(self, before: Call, after: Call, event: Event) -> None:
        if isinstance(event, Joined) and after.agent is not None:
            self._floor.apply(after.agent, CallJoined())
        if isinstance(event, Answered):
            log.info("answered", call_id=after.call_id, campaign=after.record.campaign, phone=after.record.phone)
        if after.stage is Stage.ENDED:
            record = after.record
            metrics.ATTEMPTS.labels(record.campaign, record.outcome).inc()
            for flag in record.flags:
                metrics.FLAGS.labels(flag).inc()
            log.info(
                "ended",
                call_id=after.call_id,
                outcome=record.outcome,
                cause=record.cause,
                tech_cause=record.tech_cause,
                agent=record.agent,
                flags=list(record.flags) or None,
            )
        elif before.stage in UNANSWERED and after.stage is Stage.DIALLING:
            log.info("dialled", call_id=after.call_id, campaign=after.record.campaign, trunk=after.record.trunk)
