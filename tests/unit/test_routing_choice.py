"""Which agent gets an answered call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialer.routing import (
    Agent,
    AgentState,
    Want,
)
from dialer.routing_choice import choose, score

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def an_agent(name: str, *, idle_s: float = 0.0, state: AgentState = AgentState.READY, **facts: object) -> Agent:
    since = NOON - timedelta(seconds=idle_s)
    return replace(Agent(name=name, extension="1001"), state=state, since=since, **facts)  # type: ignore[arg-type]


def chosen(agents: list[Agent], want: Want) -> str | None:
    choice = choose(agents, want, NOON)
    return choice.agent if choice else None


def test_nobody_ready_means_nobody():
    agents = [an_agent(state, state=state) for state in AgentState if state is not AgentState.READY]
    assert chosen(agents, Want()) is None
    assert chosen([], Want()) is None


def test_every_part_of_the_score_is_shown():
    agent = an_agent("ana", idle_s=30, skills={"cards": 2}, languages=frozenset({"es"}))
    parts = score(agent, Want(skills={"cards": 4, "cars": 1}, language="es", last_agent="ana"), NOON)
    assert (parts.language, parts.skills, parts.last_agent, parts.idle_s) == (1.0, 0.4, 1.0, 30.0)
    assert parts.fit == 4 + 2 * 0.4 + 1


def test_more_skill_than_wanted_does_not_count():
    agent = an_agent("ana", skills={"cards": 5})
    assert score(agent, Want(skills={"cards": 2}), NOON).skills == 1.0


def test_without_wanted_skills_everybody_fits():
    assert score(an_agent("ana"), Want(), NOON).skills == 1.0


def test_a_shared_language_outweighs_skills_and_a_familiar_voice():
    ana = an_agent("ana", languages=frozenset({"pt"}))
    eva = an_agent("eva", skills={"cards": 5}, languages=frozenset({"es"}))
    assert chosen([ana, eva], Want(skills={"cards": 5}, language="pt", last_agent="eva")) == "ana"


def test_skills_outweigh_a_familiar_voice():
    ana, eva = an_agent("ana", skills={"cards": 3}), an_agent("eva")
    assert chosen([ana, eva], Want(skills={"cards": 3}, last_agent="eva")) == "ana"


def test_the_agent_who_last_spoke_wins_among_equals():
    agents = [an_agent("ana", idle_s=500), an_agent("eva", idle_s=1)]
    assert chosen(agents, Want(last_agent="eva")) == "eva"


def test_among_equals_the_longest_idle_gets_the_call():
    agents = [an_agent("ana", idle_s=10), an_agent("eva", idle_s=20), an_agent("zoe", idle_s=15)]
    assert chosen(agents, Want()) == "eva"


def test_an_imperfect_fit_is_better_than_silence():
    assert chosen([an_agent("ana", languages=frozenset({"es"}))], Want(skills={"cards": 5}, language="pt")) == "ana"


names = st.sampled_from(["ana", "eva", "zoe", "luz", "paz", "sol"])
skill_levels = st.dictionaries(st.sampled_from(["cards", "cars", "law"]), st.integers(1, 5))
languages = st.sampled_from(["es", "en", "pt"])
agents_of_a_floor = st.lists(
    st.builds(
        an_agent,
        names,
        idle_s=st.integers(0, 5).map(float),
        state=st.sampled_from([AgentState.READY, AgentState.READY, AgentState.PAUSED, AgentState.TALKING]),
        skills=skill_levels,
        languages=st.frozensets(languages, min_size=1),
    ),
    max_size=6,
    unique_by=lambda agent: agent.name,
)
wants = st.builds(Want, skills=skill_levels, language=languages, last_agent=st.none() | names)


def fit_by_hand(agent: Agent, want: Want) -> float:
    """Work the fit out the long way: 4 for the language, 2 for the share of wanted skill points, 1 for the voice."""
    points = 0
    for skill, level in want.skills.items():
        for rung in range(1, level + 1):
            points += agent.skills.get(skill, 0) >= rung
    wanted = sum(want.skills.values())
    share = points / wanted if wanted else 1.0
    return (4 if want.language in agent.languages else 0) + 2 * share + (1 if want.last_agent == agent.name else 0)


@given(agents_of_a_floor, wants)
def test_nobody_ready_would_have_been_better(agents: list[Agent], want: Want):
    candidates = [agent for agent in agents if agent.state is AgentState.READY]
    name = chosen(agents, want)
    assert (name is None) == (not candidates)
    for best in (agent for agent in candidates if agent.name == name):
        for other in candidates:
            mine, theirs = fit_by_hand(best, want), fit_by_hand(other, want)
            longer_idle = (best.since or NOON) <= (other.since or NOON)
            assert mine > theirs or (mine == theirs and longer_idle)


@given(agents_of_a_floor, wants, st.randoms(use_true_random=False))
def test_the_order_of_the_floor_does_not_matter(agents: list[Agent], want: Want, rng):
    shuffled = list(agents)
    rng.shuffle(shuffled)
    assert chosen(shuffled, want) == chosen(agents, want)
