"""The floor: every agent the engine knows. Carries out what `dialer.routing` orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from dialer.engine.hours import Hours
from dialer.engine.timers import Timers
from dialer.routing import (
    ON_CALL,
    SEATED,
    Agent,
    AgentEvent,
    AgentOrder,
    AgentState,
    CallFreed,
    CallSoftphone,
    Denied,
    HangUpLeg,
    LegEnded,
    LegUp,
    SoftphoneLost,
    StartWrapTimer,
    Want,
    WrapEnded,
    WrapTimedOut,
    step,
)
from dialer.routing_choice import Choice, choose
from dialer.types import Clock

log = structlog.get_logger("dialer.floor")


class Legs(Protocol):
    """What the floor needs of the call plane."""

    def call_softphone(self, agent: Agent) -> None:
        """Originate the agent's nailed-up leg."""
        ...

    def hang_up(self, node: str, channel: str) -> None:
        """End a channel."""
        ...


class WrapListener(Protocol):
    """Who wants to know that a wrap-up ended."""

    def __call__(self, agent: Agent, ended: WrapEnded, at: datetime) -> None:
        """Hear it."""
        ...


class Floor:
    """All agents by name; `apply` is the only way to change one."""

    def __init__(self, clock: Clock, timers: Timers, legs: Legs, on_wrap_ended: WrapListener) -> None:
        self._clock = clock
        self._timers = timers
        self._legs = legs
        self._on_wrap_ended = on_wrap_ended
        self.agents: dict[str, Agent] = {}
        self._by_leg: dict[str, str] = {}
        self.changed: set[str] = set()
        self.hours = Hours()
        self.on_ready: Callable[[Agent], None] = lambda agent: None

    def seat(self, agent: Agent) -> None:
        """Put an agent on the floor as it stands (hired, edited, or adopted after a restart)."""
        self._keep(agent)
        if agent.state is AgentState.WRAP_UP:
            self._timers.start(
                ("wrap", agent.name), agent.wrap_up_s, partial(self.apply, agent.name, WrapTimedOut(agent.call_id))
            )

    def apply(self, name: str, event: AgentEvent) -> str | None:
        """Let something happen to an agent; return why it was denied, or None."""
        agent = self.agents.get(name)
        if agent is None:
            return f"unknown agent {name!r}; add it with: dialer agent add {name}"
        now = self._clock.now()
        after, orders = step(agent, event, now)
        self._keep(after)
        if after.state is not agent.state:
            log.info("agent", agent=name, state=after.state, was=agent.state, reason=after.reason or None)
        denied = None
        for order in orders:
            denied = self._carry_out(after, order, now) or denied
        if after.state is AgentState.READY and agent.state is not AgentState.READY:
            self.on_ready(after)
        return denied

    def free(self, name: str, call_id: str, *, talked: bool, lost: bool) -> None:
        """Take an agent from a call; `lost` means that the agent's leg ended before the debtor's."""
        agent = self.agents.get(name)
        if agent is None or agent.call_id != call_id:
            return  # gone from that call already, perhaps back with another
        if lost:
            # First out, then freed: a dead leg must not be chosen again for the same debtor.
            self.seat(replace(agent, next_state=AgentState.LOGGED_OUT, next_reason="the leg ended first"))
        self.apply(name, CallFreed(call_id, talked))
        if lost:
            self.apply(name, SoftphoneLost("the leg ended first"))

    def call_gone(self, call_id: str) -> None:
        """A channel that no book knows is gone: whoever talked on it is free."""
        for agent in list(self.agents.values()):
            if agent.call_id == call_id and agent.state in ON_CALL:
                self.apply(agent.name, CallFreed(call_id, talked=agent.state is AgentState.TALKING))

    def choose(self, campaign: str, node: str, want: Want) -> Choice | None:
        """Return the best ready agent of a campaign on a node."""
        return choose(self.of(campaign, node), want, self._clock.now())

    def of(self, campaign: str, node: str) -> Iterable[Agent]:
        """Return the agents working on a campaign on a node, whatever they do."""
        return (agent for agent in self.agents.values() if agent.campaign == campaign and agent.node == node)

    def at_work(self) -> set[str]:
        """Return the agents who are logged in, on any campaign."""
        return {agent.name for agent in self.agents.values() if agent.state in SEATED}

    def seated(self, campaign: str, node: str) -> int:
        """Return how many agents of a campaign are logged in on a node."""
        return sum(1 for agent in self.of(campaign, node) if agent.state in SEATED)

    def by_leg(self, leg_id: str) -> Agent | None:
        """Return the agent whose nailed-up leg has this channel id."""
        name = self._by_leg.get(leg_id)
        return self.agents.get(name) if name else None

    def by_extension(self, node: str, extension: str) -> Agent | None:
        """Return the agent logged in on this softphone."""
        for agent in self.agents.values():
            if agent.extension == extension and (agent.node == node or agent.state is AgentState.LOGGED_OUT):
                return agent
        return None

    def leg_up(self, leg_id: str, channel: str) -> None:
        """A nailed-up leg sits in its holding bridge."""
        if agent := self.by_leg(leg_id):
            self.apply(agent.name, LegUp(channel))

    def leg_ended(self, leg_id: str, detail: str) -> None:
        """A nailed-up leg is gone."""
        if agent := self.by_leg(leg_id):
            self.apply(agent.name, LegEnded(detail))

    def end_leg(self, node: str, channel: str) -> None:
        """End a leg that belongs to nobody."""
        self._legs.hang_up(node, channel)

    def softphone_lost(self, node: str, extension: str, detail: str) -> None:
        """A softphone is no longer registered or does not answer: out at once, whatever the agent was doing."""
        agent = self.by_extension(node, extension)
        if agent is not None and agent.state is not AgentState.LOGGED_OUT:
            log.warning("softphone lost", agent=agent.name, extension=extension, detail=detail)
            self.apply(agent.name, SoftphoneLost(detail))

    def _keep(self, agent: Agent) -> None:
        before = self.agents.get(agent.name)
        if before is not None and before.leg_id and before.leg_id != agent.leg_id:
            self._by_leg.pop(before.leg_id, None)
        if agent.leg_id:
            self._by_leg[agent.leg_id] = agent.name
        if before is not None:
            self.hours.moved(before, agent)
        if before != agent:
            self.changed.add(agent.name)
        self.agents[agent.name] = agent

    def _carry_out(self, agent: Agent, order: AgentOrder, now: datetime) -> str | None:
        match order:
            case CallSoftphone():
                self._legs.call_softphone(agent)
            case HangUpLeg(leg=leg):
                self._legs.hang_up(agent.node, leg)
            case StartWrapTimer(call_id=call_id, seconds=seconds):
                self._timers.start(
                    ("wrap", agent.name), seconds, partial(self.apply, agent.name, WrapTimedOut(call_id))
                )
            case WrapEnded():
                self._timers.cancel(("wrap", agent.name))
                self._on_wrap_ended(agent, order, now)
            case Denied(reason=reason):
                return reason
        return None
