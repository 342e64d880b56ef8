"""The centre in virtual time: what it tells a policy, and what it adds up."""

from collections import Counter

import numpy as np
import pytest

from dialer.bench.pacing.centre import Centre
from dialer.bench.pacing.scenarios import catalogue, steady
from dialer.pacing import (
    Abandoned,
    Answered,
    Cancelled,
    Classified,
    Connected,
    Decision,
    Dialled,
    Ended,
    Fact,
    Pacer,
    PacingPolicy,
    Snapshot,
    Stage,
)

TEAM = steady(5, 0.2).shortened(1200)


class Scripted:
    """Places the calls it was told to and notes all it hears and sees."""

    tick_s = 0.5

    def __init__(self, per_tick: int) -> None:
        self._per_tick = per_tick
        self.facts: list[Fact] = []
        self.seen: list[Snapshot] = []

    def observe(self, fact: Fact) -> None:
        self.facts.append(fact)

    def decide(self, snapshot: Snapshot) -> Decision:
        self.seen.append(snapshot)
        rung = (snapshot.call_stage == Stage.RINGING) & (snapshot.now - snapshot.call_stage_since >= 20)
        return Decision(self._per_tick, np.flatnonzero(rung), "as told", 0.0)


def test_progressive_abandons_nobody_and_talks_as_the_workload_says() -> None:
    tally = Centre(steady(25, 0.2), Pacer(PacingPolicy(mode="progressive")), seed=1).run()
    assert tally.abandoned == 0
    assert tally.busy_s / tally.staffed_s == pytest.approx(0.575, abs=0.03)
    assert tally.idle_s / tally.connected == pytest.approx(97, abs=12)


def test_every_call_ends_in_exactly_one_way_or_is_still_up() -> None:
    policy = Scripted(per_tick=1)
    tally = Centre(TEAM, policy, seed=2).run()
    told = Counter(type(fact) for fact in policy.facts)
    ended = told[Ended] + told[Connected] + told[Abandoned] + told[Cancelled]
    assert told[Dialled] == tally.dialled
    assert 0 <= tally.dialled - ended <= 60
    assert min(told[Answered], told[Classified], told[Abandoned], told[Cancelled]) > 0


def test_facts_are_told_in_the_order_of_time() -> None:
    policy = Scripted(per_tick=1)
    Centre(TEAM, policy, seed=3).run()
    times = [fact.at for fact in policy.facts]
    assert times == sorted(times)


def test_agents_in_the_snapshot_are_those_logged_in_and_not_paused() -> None:
    policy = Scripted(per_tick=0)
    Centre(catalogue()["lunch_n25"], policy, seed=4).run()
    sizes = {seen.ready_since.size for seen in policy.seen}
    assert (min(sizes), max(sizes)) == (12, 25)


def test_the_same_seed_is_the_same_day() -> None:
    first, second = (Centre(TEAM, Pacer(PacingPolicy(mode="progressive")), seed=5).run() for _ in range(2))
    assert (first.busy_s, first.dialled, first.hours) == (second.busy_s, second.dialled, second.hours)


def test_odds_are_told_where_the_scenario_tells_them() -> None:
    policy = Scripted(per_tick=1)
    Centre(catalogue()["scored_n10"].shortened(30), policy, seed=6).run()
    assert policy.seen[5].next_answer_odds.size > 0
    assert np.isfinite(policy.seen[5].call_answer_odds).all()


def test_nobody_may_be_cancelled_before_the_legal_ring() -> None:
    class Hasty(Scripted):
        def decide(self, snapshot: Snapshot) -> Decision:
            return Decision(1, np.arange(snapshot.call_stage.size), "hasty", 0.0)

    with pytest.raises(AssertionError, match="was cancelled"):
        Centre(TEAM, Hasty(per_tick=1), seed=7).run()


def test_the_predictive_pacer_beats_progressive_within_its_limit() -> None:
    predictive = Centre(steady(10, 0.2).shortened(3600), Pacer(PacingPolicy()), seed=8).run()
    assert predictive.busy_s / predictive.staffed_s > 0.7
    assert predictive.abandoned <= 0.03 * 300
