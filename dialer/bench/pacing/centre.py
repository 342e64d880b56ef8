"""The benchmark's centre: a discrete-event simulation in virtual time, asking a policy through the contract."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from math import inf, nan
from random import Random
from time import thread_time
from typing import Protocol

import numpy as np

from dialer.bench.pacing.scenarios import Scenario
from dialer.bench.pacing.workload import PATIENCE_S, Fate, Handling
from dialer.pacing import (
    Abandoned,
    Answered,
    Budget,
    Cancelled,
    Classified,
    Connected,
    Decision,
    Dialled,
    Ended,
    Fact,
    Snapshot,
    Stage,
    TalkEnded,
    WrapEnded,
)

LIMIT = 0.03
LOOK_AHEAD = 50
"""How many of the leads dialled next a policy is told of, where the scenario tells odds."""


class Policy(Protocol):
    """What the centre asks: a Pacer, or a peer that speaks as one."""

    @property
    def tick_s(self) -> float:
        """Seconds between two decisions."""

    def observe(self, fact: Fact) -> None:
        """Hear what happened."""

    def decide(self, snapshot: Snapshot) -> Decision:
        """Say how many calls to place."""


@dataclass(slots=True)
class Tally:
    """What a run added up to; times in seconds. `hours` are (live, abandoned) of each hour."""

    busy_s: float = 0.0
    staffed_s: float = 0.0
    idle_s: float = 0.0
    dialled: int = 0
    cancelled: int = 0
    connected: int = 0
    abandoned: int = 0
    hours: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)] * 5)
    decisions_s: list[float] = field(default_factory=list)

    @property
    def live(self) -> int:
        """Calls classified live that were joined or abandoned."""
        return self.connected + self.abandoned

    def answered(self, at: float, *, abandoned: bool) -> None:
        """Count a live answer in its hour."""
        self.connected += not abandoned
        self.abandoned += abandoned
        hour = min(int(at // 3600), len(self.hours) - 1)
        live, lost = self.hours[hour]
        self.hours[hour] = (live + 1, lost + abandoned)


class AgentState(Enum):
    """Where an agent stands; OUT is paused or not logged in."""

    OUT = 0
    READY = 1
    TALKING = 2
    WRAPPING = 3


@dataclass(slots=True, eq=False)
class SimAgent:
    """One agent of the centre."""

    state: AgentState = AgentState.OUT
    since: float = 0.0
    handling: Handling | None = None
    logged_in: bool = False
    paused: bool = False


@dataclass(slots=True, eq=False)
class SimCall:
    """One call of the centre; `gone` once it ended, whatever events are still due."""

    dialled_at: float
    fate: Fate
    odds: float
    stage: Stage = Stage.DIALLING
    since: float = 0.0
    gone: bool = False


class Centre:
    """Runs one scenario with one policy; the same seed gives every policy the same calls and conversations."""

    def __init__(self, scenario: Scenario, policy: Policy, seed: int) -> None:
        self._scenario, self._policy, self._workload = scenario, policy, scenario.workload
        self._leads, self._calls_rng, self._talk_rng = (
            Random(f"{seed}-{what}")  # noqa: S311 - a simulation, not a secret
            for what in ("leads", "calls", "talks")
        )
        self._now, self._order = 0.0, count()
        self._due: list[tuple[float, int, str, SimAgent | SimCall]] = []
        self._agents = [SimAgent() for _ in scenario.agents]
        self._flying: dict[SimCall, None] = {}
        self._ready: dict[SimAgent, None] = {}  # in order of how long they have been ready
        self._next: list[float] = []
        self.tally = Tally()

    def run(self) -> Tally:
        """Run to the scenario's end and return what it added up to."""
        for agent, hours in zip(self._agents, self._scenario.agents, strict=True):
            for presence in hours:
                self._at(presence.since, "login", agent)
                self._at(presence.until, "logout", agent)
        tick, end = self._policy.tick_s, self._scenario.duration_s
        for step in range(int(end / tick)):
            self._happen_until(step * tick)
            self._decide()
        self._happen_until(end)
        for agent in self._agents:
            self._book(agent)
        return self.tally

    def _decide(self) -> None:
        seen = self._snapshot()
        calls = list(self._flying)
        began = thread_time()
        decision = self._policy.decide(seen)
        self.tally.decisions_s.append(thread_time() - began)
        for index in decision.cancel.tolist():
            self._cancel(calls[index])
        for _ in range(decision.dial):
            self._dial()

    def _dial(self) -> None:
        factor = self._next.pop(0) if self._next else self._workload.odds(self._leads)
        odds = self._workload.live_chance(self._now, factor) if self._scenario.tells_odds else nan
        call = SimCall(self._now, self._workload.fate(self._calls_rng, self._now, factor), odds, since=self._now)
        self._flying[call] = None
        self.tally.dialled += 1
        self._policy.observe(Dialled(self._now, odds))
        fate = call.fate
        for offset, what in ((fate.rings_at, "ring"), (fate.answered_at, "answer"), (fate.fails_at, "fail")):
            if offset < inf:
                self._at(self._now + offset, what, call)

    def _cancel(self, call: SimCall) -> None:
        if call.stage is not Stage.RINGING or self._now - call.since < 15:
            raise AssertionError(f"a call that is {call.stage.name} for {self._now - call.since:g} s was cancelled")
        self._drop(call)
        self.tally.cancelled += 1
        self._policy.observe(Cancelled(self._now, call.dialled_at))

    def _happen_until(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            self._now, _, what, who = heapq.heappop(self._due)
            if isinstance(who, SimAgent):
                self._agent_event(what, who)
            elif not who.gone:
                self._call_event(what, who)
        self._now = until

    def _call_event(self, what: str, call: SimCall) -> None:
        now, observe = self._now, self._policy.observe
        match what:
            case "ring":
                call.stage, call.since = Stage.RINGING, now
            case "answer":
                call.stage, call.since = Stage.CLASSIFYING, now
                self._at(call.dialled_at + call.fate.classified_at, "classify", call)
                observe(Answered(now, call.dialled_at))
            case "classify":
                observe(Classified(now, call.dialled_at, call.since, live=call.fate.live))
                self._classified(call)
            case "fail":
                self._drop(call)
                observe(Ended(now, call.dialled_at, call.fate.outcome))
            case "patience" if call.stage is Stage.WAITING:
                self._drop(call)
                self.tally.answered(now, abandoned=True)
                observe(Abandoned(now))

    def _classified(self, call: SimCall) -> None:
        if not call.fate.live:
            self._drop(call)
            self._policy.observe(Ended(self._now, call.dialled_at, call.fate.outcome))
            return
        call.stage, call.since = Stage.WAITING, self._now
        if self._ready:
            self._join(next(iter(self._ready)), call)
        else:
            self._at(self._now + PATIENCE_S, "patience", call)

    def _join(self, agent: SimAgent, call: SimCall) -> None:
        self._drop(call)
        self.tally.idle_s += self._now - agent.since
        agent.handling = self._workload.handling(self._talk_rng, call.fate.answerer)
        self._turn(agent, AgentState.TALKING)
        self._at(self._now + agent.handling.talk_s, "talked", agent)
        self.tally.answered(self._now, abandoned=False)
        self._policy.observe(Connected(self._now, self._now - call.since))

    def _drop(self, call: SimCall) -> None:
        call.gone = True
        del self._flying[call]

    def _agent_event(self, what: str, agent: SimAgent) -> None:
        handling = agent.handling
        match what:
            case "login":
                agent.logged_in = True
                self._free(agent)
            case "logout":
                agent.logged_in = False
                if agent.state is AgentState.READY:
                    self._turn(agent, AgentState.OUT)
            case "talked" if handling:
                self._turn(agent, AgentState.WRAPPING)
                self._at(self._now + handling.wrap_s, "wrapped", agent)
                self._policy.observe(TalkEnded(self._now, handling.talk_s))
            case "wrapped" if handling:
                self._policy.observe(WrapEnded(self._now, handling.wrap_s, handling.talk_s))
                self._wrapped(agent, handling.pause_s)
            case "back":
                agent.paused = False
                self._free(agent)

    def _wrapped(self, agent: SimAgent, pause_s: float) -> None:
        if pause_s > 0:
            agent.paused = True
            self._turn(agent, AgentState.OUT)
            self._at(self._now + pause_s, "back", agent)
        else:
            self._turn(agent, AgentState.OUT)
            self._free(agent)

    def _free(self, agent: SimAgent) -> None:
        if not agent.logged_in or agent.paused or agent.state is not AgentState.OUT:
            return
        self._turn(agent, AgentState.READY)
        waiting = min((call for call in self._flying if call.stage is Stage.WAITING), key=_since, default=None)
        if waiting:
            self._join(agent, waiting)

    def _turn(self, agent: SimAgent, state: AgentState) -> None:
        self._book(agent)
        self._ready.pop(agent, None)
        agent.state, agent.since = state, self._now
        if state is AgentState.READY:
            self._ready[agent] = None

    def _book(self, agent: SimAgent) -> None:
        """Add the time an agent spent in the state that ends now; a pause is nobody's idleness."""
        spent = self._now - agent.since
        if agent.state in (AgentState.TALKING, AgentState.WRAPPING):
            self.tally.busy_s += spent
        if agent.state is not AgentState.OUT:
            self.tally.staffed_s += spent

    def _at(self, when: float, what: str, who: SimAgent | SimCall) -> None:
        heapq.heappush(self._due, (when, next(self._order), what, who))

    def _snapshot(self) -> Snapshot:
        calls = self._flying
        wrapping = [agent for agent in self._agents if agent.state is AgentState.WRAPPING]
        return Snapshot(
            now=self._now,
            ready_since=_array(agent.since for agent in self._ready),
            talking_since=_array(agent.since for agent in self._agents if agent.state is AgentState.TALKING),
            wrapping_since=_array(agent.since for agent in wrapping),
            wrapping_talk_s=_array(agent.handling.talk_s if agent.handling else nan for agent in wrapping),
            call_dialled_at=_array(call.dialled_at for call in calls),
            call_stage=np.array([call.stage for call in calls], dtype=np.int8),
            call_stage_since=_array(call.since for call in calls),
            call_answer_odds=_array(call.odds for call in calls),
            next_answer_odds=self._coming_odds(),
            budgets=(Budget("day", self.tally.live, self.tally.abandoned, LIMIT),),
        )

    def _coming_odds(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        if not self._scenario.tells_odds:
            return np.empty(0)
        while len(self._next) < LOOK_AHEAD:
            self._next.append(self._workload.odds(self._leads))
        return _array(self._workload.live_chance(self._now, factor) for factor in self._next)


def _array(values: Iterable[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(list(values), dtype=np.float64)


def _since(call: SimCall) -> float:
    return call.since
