"""When calls in flight will be live."""

import numpy as np
import pytest

from dialer.pacing import Prior, Snapshot, Stage
from dialer.pacing.outlook import LATE_COUNTS, MIDDLE, NEAR, QUANTILES, TO_RING_S, Outlook
from dialer.pacing.progress import Progress, Shape

NONE = np.empty(0)
SHAPE: Shape = Progress(Prior.default().progress).shape()
OUTLOOK = Outlook(SHAPE, near_s=5.0, min_ring_s=np.inf)
CANCELLING = Outlook(SHAPE, near_s=5.0, min_ring_s=15.0)


def flying(*calls: tuple[Stage, float, float]) -> Snapshot:
    """Calls as (stage, seconds since dialled, seconds in the stage)."""
    now = 1000.0
    return Snapshot(
        now=now,
        ready_since=NONE,
        talking_since=NONE,
        wrapping_since=NONE,
        wrapping_talk_s=NONE,
        call_dialled_at=now - np.array([age for _, age, _ in calls]),
        call_stage=np.array([stage for stage, _, _ in calls], dtype=np.int8),
        call_stage_since=now - np.array([since for _, _, since in calls]),
        call_answer_odds=np.full(len(calls), np.nan),
    )


def chances(*calls: tuple[Stage, float, float], odds: float = 0.2) -> np.ndarray:
    return OUTLOOK.chances(flying(*calls), np.full(len(calls), odds))


def test_a_new_call_is_live_within_the_quantiles_of_its_way() -> None:
    fresh = chances((Stage.DIALLING, 0.0, 0.0), odds=0.3)[0, :QUANTILES]
    assert fresh == pytest.approx(0.3 * (np.arange(QUANTILES) + 0.5) / QUANTILES, abs=0.02)


def test_horizons_are_those_of_calls_and_the_near_one() -> None:
    assert (np.diff(OUTLOOK.horizons_s[:QUANTILES]) > 0).all()
    assert OUTLOOK.horizons_s[NEAR] == 5.0
    assert OUTLOOK.horizons_s[MIDDLE] == OUTLOOK.horizons_s[QUANTILES // 2]


def test_answers_of_calls_that_may_be_cancelled_by_then_weigh_less_for_placing_and_in_full_for_all_else() -> None:
    old, young = flying((Stage.RINGING, 20.0, 18.0)), flying((Stage.RINGING, 3.0, 1.0))
    odds = np.array([0.2])
    promised, told = CANCELLING.chances(old, odds)[0], OUTLOOK.chances(old, odds)[0]
    assert promised[:QUANTILES] == pytest.approx(LATE_COUNTS * told[:QUANTILES])
    assert (promised[[NEAR, MIDDLE]] == told[[NEAR, MIDDLE]]).all()
    soon = OUTLOOK.horizons_s[:QUANTILES] < TO_RING_S + 15.0 - 3.0
    assert soon.any()
    weighed, full = CANCELLING.chances(young, odds)[0, :QUANTILES], OUTLOOK.chances(young, odds)[0, :QUANTILES]
    assert weighed[soon] == pytest.approx(full[soon])
    assert weighed[-1] < full[-1]


def test_whoever_rings_for_long_is_hardly_a_person() -> None:
    young, old = chances((Stage.RINGING, 8.0, 6.0), (Stage.RINGING, 29.0, 27.0))[:, NEAR]
    assert old < young / 3


def test_an_answer_when_people_answer_is_likely_live() -> None:
    person, voicemail = chances((Stage.CLASSIFYING, 11.0, 1.0), (Stage.CLASSIFYING, 25.0, 1.0))[:, NEAR]
    assert person > 0.8
    assert voicemail < 0.3


def test_who_waits_is_live_already() -> None:
    assert chances((Stage.WAITING, 12.0, 1.0))[0].tolist() == [0.0] * OUTLOOK.horizons_s.size


def test_better_odds_are_better_chances() -> None:
    poor, good = (chances((Stage.RINGING, 8.0, 6.0), odds=p)[0] for p in (0.1, 0.4))
    assert (good > poor).all()


def test_all_a_call_may_still_expect_adds_up_to_its_odds() -> None:
    ages = np.arange(0.25, 64, 0.5)
    seen = flying(*[(Stage.RINGING, age, age) for age in ages])
    alive = 0.2 * OUTLOOK._live_left + 0.8 * OUTLOOK._other_left
    expected = 0.2 * OUTLOOK.expected(seen, np.full(ages.size, 0.2)) * alive * 0.5
    assert expected.sum() == pytest.approx(0.2, abs=0.01)


def test_chances_are_probabilities_at_any_age() -> None:
    calls = [(stage, age, age / 2) for stage in Stage for age in (0.0, 3.3, 40.0, 1e5)]
    found = chances(*calls)
    assert ((found >= 0) & (found <= 1)).all()
