"""The peers behave as their sources do."""

import numpy as np
import pytest

from dialer.bench.pacing.peers import Adapt, FixedRatio, Vicidial
from dialer.pacing import Abandoned, Budget, Connected, Snapshot

NONE = np.empty(0)


def moment(now: float, ready: int, talking: int = 0, calls: int = 0) -> Snapshot:
    return Snapshot(
        now=now,
        ready_since=np.full(ready, now),
        talking_since=np.full(talking, now),
        wrapping_since=NONE,
        wrapping_talk_s=NONE,
        call_dialled_at=np.full(calls, now),
        call_stage=np.zeros(calls, dtype=np.int8),
        call_stage_since=np.full(calls, now),
        call_answer_odds=np.full(calls, np.nan),
        budgets=(Budget("day", 100, 50, 0.03),),
    )


def lived(peer: Vicidial, minutes: int, ready: int, start: float = 0.0) -> list[int]:
    return [peer.decide(moment(start + step / 2, ready, talking=10 - ready)).dial for step in range(minutes * 120)]


def test_idle_agents_raise_the_level_to_its_maximum() -> None:
    dials = lived(Vicidial(Adapt.TAPERED), minutes=5, ready=5)
    assert dials[0] == 5
    assert max(dials) == 3 * 10 - 5


def test_it_dials_every_two_and_a_half_seconds_only() -> None:
    placed = [step for step, dial in enumerate(lived(Vicidial(Adapt.TAPERED), minutes=1, ready=5)) if dial]
    assert {step % 5 for step in placed} == {0}


@pytest.mark.parametrize(("adapt", "most"), [(Adapt.AVERAGE, 10), (Adapt.TAPERED, 25)])
def test_drops_bring_the_level_down(adapt: Adapt, most: int) -> None:
    peer = Vicidial(adapt)
    lived(peer, minutes=5, ready=5)
    for second in range(100):
        peer.observe(Abandoned(300.0) if second % 10 == 0 else Connected(300.0, 1.0))
    assert max(lived(peer, minutes=4, ready=5, start=300.0)[-120:]) <= most


def test_a_fixed_ratio_knows_no_brake() -> None:
    assert FixedRatio(3.0).decide(moment(0.0, ready=4)).dial == 12
