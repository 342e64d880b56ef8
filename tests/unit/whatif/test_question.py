"""What would be: more lines keep agents busier, and the same question has the same answer."""

from __future__ import annotations

from dialer.pacing import PacingPolicy, Prior
from dialer.whatif.past import PastWorld
from dialer.whatif.question import Answer, Question, answer
from tests.unit.whatif.test_past import a_past

WORLD = PastWorld.of(a_past(), 10)


def asked(mode: str, seeds: int = 2, agents: int = 8) -> Answer:
    return answer(WORLD, Prior.default(), Question(agents, PacingPolicy(mode=mode), 0.5), range(seeds))


def test_the_same_question_has_the_same_answer():
    assert asked("progressive") == asked("progressive")


def test_two_lines_an_agent_keep_agents_busier_than_one_and_cost_abandoned_calls():
    one, two = asked("progressive"), asked("ratio")
    assert two.utilisation.mean > one.utilisation.mean
    assert one.abandonment.mean == 0.0
    assert one.peak_lines.most <= 8


def test_the_spread_holds_the_mean():
    found = asked("ratio", seeds=4).utilisation
    assert found.least <= found.mean <= found.most
