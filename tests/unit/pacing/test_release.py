"""When busy agents will be free."""

import numpy as np
import pytest

from dialer.pacing import Snapshot, TalkEnded, WrapEnded
from dialer.pacing.durations import DurationPrior
from dialer.pacing.release import Release

HORIZONS = np.array([5.0, 15.0, 30.0])
NONE = np.empty(0)


def busy(talking_s: tuple[float, ...] = (), wrapping_s: tuple[float, ...] = (), talked_s: float = 90.0) -> Snapshot:
    now = 5000.0
    return Snapshot(
        now=now,
        ready_since=NONE,
        talking_since=now - np.array(talking_s),
        wrapping_since=now - np.array(wrapping_s),
        wrapping_talk_s=np.full(len(wrapping_s), talked_s),
        call_dialled_at=NONE,
        call_stage=np.empty(0, dtype=np.int8),
        call_stage_since=NONE,
        call_answer_odds=NONE,
    )


def taught(seed: int = 5) -> Release:
    """Talks are exponential of 60 s, wrap-ups of 10 s after long talks and of 2 s after short ones."""
    weak = DurationPrior.of_mean(100, 1e-3)
    release, rng = Release(weak, (weak, weak)), np.random.default_rng(seed)
    for _ in range(4000):
        talk = rng.exponential(60)
        release.talk_ended(TalkEnded(0.0, talk))
        release.wrap_ended(WrapEnded(0.0, rng.exponential(10 if talk >= 45 else 2), talk))
    release.refresh(busy(), HORIZONS)
    return release


def test_a_wrap_up_ends_at_the_pace_of_its_class() -> None:
    chances = taught().chances(busy(wrapping_s=(1.0,)))[0]
    assert chances == pytest.approx(1 - np.exp(-HORIZONS / 10), abs=0.05)
    short = taught().chances(busy(wrapping_s=(1.0,), talked_s=10.0))[0]
    assert short[0] == pytest.approx(1 - np.exp(-2.5), abs=0.05)


def test_a_talk_must_end_and_its_wrap_up_too() -> None:
    chances = taught().chances(busy(talking_s=(100.0,)))[0]
    a, b = 1 / 60, 1 / 10
    both = 1 - (b * np.exp(-a * HORIZONS) - a * np.exp(-b * HORIZONS)) / (b - a)
    assert chances == pytest.approx(both, abs=0.05)


def test_chances_grow_with_the_horizon_and_stay_chances() -> None:
    chances = taught().chances(busy(talking_s=(0.0, 50.0, 900.0, 5000.0), wrapping_s=(0.0, 30.0, 900.0)))
    assert (np.diff(chances, axis=1) >= 0).all()
    assert ((chances >= 0) & (chances <= 1)).all()


def test_unknown_times_are_an_agent_who_has_just_begun() -> None:
    release = taught()
    assert release.chances(busy(talking_s=(float("nan"),)))[0] == pytest.approx(release.chances(busy((0.0,)))[0])


def test_nobody_busy_is_no_row() -> None:
    assert taught().chances(busy()).shape == (0, 3)
