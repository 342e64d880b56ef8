"""What becomes of calls, learned from calls at risk."""

import numpy as np
import pytest

from dialer.pacing.prior import Prior
from dialer.pacing.progress import BINS, Progress, ProgressPrior, Shape

NOTHING = ProgressPrior(*(((1e-3,) * BINS,) + ((0.0,) * BINS,) * 3 + ((1e-3,) * 40,) * 2))


def learned(calls: int, cancel_at: float | None, seed: int = 4) -> Shape:
    """A fifth is live, answered after 5 to 25 s; the others ring for 30 s; those cancelled are censored."""
    rng = np.random.default_rng(seed)
    progress = Progress(NOTHING)
    live = rng.random(calls) < 0.2
    until = np.where(live, rng.uniform(5, 25, calls), 30.0)
    seen = until if cancel_at is None else np.minimum(until, np.where(rng.random(calls) < 0.5, cancel_at, 99))
    for step in np.arange(0, 31, 0.5):
        progress.at_risk(np.full(int((seen > step).sum()), step), 0.5)
    for is_live, end, stop in zip(live, until, seen, strict=True):
        if end == stop and is_live:
            progress.answered(end, 1.2, live=True)
        elif end == stop:
            progress.ended(end)
    return progress.shape()


def test_the_share_of_live_answers_is_found() -> None:
    assert learned(5000, cancel_at=None).live_share == pytest.approx(0.2, abs=0.02)


def test_calls_we_cancelled_do_not_hide_the_late_answers() -> None:
    whole, cut = learned(8000, cancel_at=None), learned(8000, cancel_at=15.0)
    assert cut.live_share == pytest.approx(whole.live_share, abs=0.02)
    assert cut.live[40:].sum() == pytest.approx(whole.live[40:].sum(), abs=0.04)


def test_shapes_are_distributions() -> None:
    shape = learned(2000, cancel_at=15.0)
    assert (shape.live.sum(), shape.other.sum()) == pytest.approx((1, 1))
    assert (shape.live_classified[0], shape.live_classified[-1]) == pytest.approx((0, 1))


def test_the_default_belief_is_a_sane_shape() -> None:
    shape = Progress(Prior.default().progress).shape()
    assert shape.live_share == pytest.approx(0.2, abs=0.03)
    assert 10 < np.sum(shape.live * np.arange(shape.live.size) / 2) < 18


def test_the_time_to_classify_is_learned() -> None:
    shape = learned(3000, cancel_at=None)
    assert shape.live_classified[4] < 0.05
    assert shape.live_classified[5] > 0.95


def test_senseless_ages_do_no_harm() -> None:
    progress = Progress(Prior.default().progress)
    progress.answered(1e9, 1e9, live=True)
    progress.ended(-5.0)
    progress.at_risk(np.array([0.0, 1e6]), 0.5)
    assert np.isfinite(progress.shape().live).all()
