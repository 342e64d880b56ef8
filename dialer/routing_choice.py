"""Which agent gets an answered call. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dialer.routing import Agent, AgentState, Want


@dataclass(frozen=True, slots=True)
class Score:
    """Why an agent was chosen: each part between 0 and 1, and the idle seconds that break ties."""

    language: float
    skills: float
    last_agent: float
    idle_s: float

    @property
    def fit(self) -> float:
        """The weighted fit: a shared language counts most, then skills, then a familiar voice."""
        return _weighted(self.language, self.skills, self.last_agent)


@dataclass(frozen=True, slots=True)
class Choice:
    """The agent for a call, and the score that decided."""

    agent: str
    score: Score


def score(agent: Agent, want: Want, now: datetime) -> Score:
    """Return how well an agent fits: skill levels beyond the wanted ones do not count, missing ones do.

    No agent is excluded: an imperfect fit is better than silence.
    """
    idle_s = (now - agent.since).total_seconds() if agent.since else 0.0
    return Score(*_parts(agent, want, sum(want.skills.values())), idle_s)


def choose(agents: Iterable[Agent], want: Want, now: datetime) -> Choice | None:
    """Return the ready agent who fits best, then the one idle longest; None when nobody is ready."""
    needed = sum(want.skills.values())

    def rank(agent: Agent) -> tuple[float, float, str]:
        # Not a Score for each: with 500 agents this is the longest step between an answer and its bridge.
        idle_since = agent.since or now
        return _weighted(*_parts(agent, want, needed)), (now - idle_since).total_seconds(), agent.name

    best = max((agent for agent in agents if agent.state is AgentState.READY), key=rank, default=None)
    return Choice(best.name, score(best, want, now)) if best else None


def _parts(agent: Agent, want: Want, needed: int) -> tuple[float, float, float]:
    held = sum([min(agent.skills.get(skill, 0), level) for skill, level in want.skills.items()]) if needed else 0
    return (
        1.0 if want.language in agent.languages else 0.0,
        held / needed if needed else 1.0,
        1.0 if want.last_agent == agent.name else 0.0,
    )


def _weighted(language: float, skills: float, last_agent: float) -> float:
    return 4 * language + 2 * skills + last_agent
