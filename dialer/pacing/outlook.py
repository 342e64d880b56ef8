"""When calls will be live: tables over age, made anew from time to time, looked up at every decision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dialer.pacing.progress import CLASS_STEP_S, CLASSES, HALVES, Shape
from dialer.pacing.snapshot import Floats, Snapshot, Stage, ages

QUANTILES = 6
NEAR, MIDDLE = QUANTILES, QUANTILES + 1
"""Columns after the quantiles: the horizon of the cancelling, and the middle quantile with nothing left out."""
TO_RING_S = 2.0
LATE_COUNTS = 0.5
"""What an answer weighs that comes when the call may be cancelled already: such a call is no promise yet."""
_AGE_GRID: Floats = np.arange(HALVES, dtype=np.float64) / 2
_CLASS_GRID: Floats = np.arange(CLASSES + 1, dtype=np.float64) * CLASS_STEP_S
_WAITS: Floats = _AGE_GRID + 0.25
"""Until an answer in the nth half second from now: on average a quarter second into it."""


class Outlook:
    """Knows for every call in flight the chance to be live within each horizon."""

    def __init__(self, shape: Shape, near_s: float, min_ring_s: float) -> None:
        """Work out the tables: QUANTILES horizons of the dial-to-live time, then NEAR and MIDDLE.

        For the quantiles answers after `min_ring_s` of ringing weigh LATE_COUNTS; elsewhere they count in full.
        """
        self.verdict_s = _verdict_s(shape)
        """The mean time from the answer of a live call to its classification."""
        quantiles = _quantiles(shape)
        self.horizons_s = np.append(quantiles, [near_s, quantiles[QUANTILES // 2]])
        self._live_left = 1 - np.concatenate([[0.0], np.cumsum(shape.live)[:-1]])
        self._other_left = 1 - np.concatenate([[0.0], np.cumsum(shape.other)[:-1]])
        self._rows = _live_within(shape, shape.live, self.horizons_s)
        late = np.where(TO_RING_S + min_ring_s <= _AGE_GRID, shape.live, 0.0)
        self._rows[:, :QUANTILES] -= (1 - LATE_COUNTS) * _live_within(shape, late, self.horizons_s[:QUANTILES])
        self._density = 2 * shape.live
        self._answered = np.column_stack([shape.live, shape.other_answered])
        self._classes = np.column_stack(_classified_within(shape, self.horizons_s))
        self.fresh = self._rows[0]
        """Of a call dialled now that will be live: the share live within each horizon, late ones as they weigh."""

    def expected(self, seen: Snapshot, odds: Floats) -> Floats:
        """Return, of each call not yet answered, the live answers expected per second now, for one of its odds."""
        calling = seen.call_stage < Stage.CLASSIFYING
        step, p = _step(ages(seen.now, seen.call_dialled_at)[calling]), odds[calling]
        expected: Floats = self._density[step] / self._left(step, p)
        return expected

    def chances(self, seen: Snapshot, odds: Floats) -> Floats:
        """Return the chances of each call to be live within each horizon; those waiting are live already (0)."""
        age = ages(seen.now, seen.call_dialled_at)
        step = _step(age)
        chances = (odds / self._left(step, odds))[:, None] * self._rows[step]
        deciding = seen.call_stage >= Stage.CLASSIFYING
        if deciding.any():
            chances[deciding] = self._deciding(seen, age, deciding, odds)
            chances[seen.call_stage >= Stage.WAITING] = 0.0
        return np.minimum(chances, 1.0)

    def _left(self, step: npt.NDArray[np.int64], odds: Floats) -> Floats:
        """Return the probability that a call is still neither answered nor ended at its age."""
        left: Floats = odds * self._live_left[step] + (1 - odds) * self._other_left[step] + 1e-9
        return left

    def _deciding(self, seen: Snapshot, age: Floats, deciding: npt.NDArray[np.bool_], odds: Floats) -> Floats:
        """Return the chances of answered calls: how likely an answer at that age is live, and when it is known."""
        for_s = ages(seen.now, seen.call_stage_since)[deciding]
        step = np.clip(2 * (age[deciding] - for_s), 0, HALVES - 1).astype(np.int64)
        p = odds[deciding]
        live, other = p * self._answered[step, 0], (1 - p) * self._answered[step, 1]
        rows = self._classes[np.minimum(for_s / CLASS_STEP_S, CLASSES - 1).astype(np.int64)]
        left = live * rows[:, -2] + other * rows[:, -1] + 1e-12
        chances: Floats = (live / left)[:, None] * rows[:, :-2]
        return chances


def _step(age: Floats) -> npt.NDArray[np.int64]:
    return np.minimum(2 * age, HALVES - 1).astype(np.int64)


def _verdict_s(shape: Shape) -> float:
    return float(np.sum(np.diff(shape.live_classified) * (_CLASS_GRID[:-1] + CLASS_STEP_S / 2)))


def _quantiles(shape: Shape) -> Floats:
    """Return the middle quantiles of the time from dialling to the classification of a live call."""
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return np.interp(levels, np.cumsum(shape.live), _AGE_GRID + 0.5) + _verdict_s(shape)


def _live_within(shape: Shape, answered: Floats, horizons_s: Floats) -> Floats:
    """Return, by age, P(answered from now on and known to be live within h) per call that will be live.

    `answered` are the shares answered in each half second of age.
    """
    known = np.interp(horizons_s - _WAITS[:, None], _CLASS_GRID, shape.live_classified)
    to_come = np.lib.stride_tricks.sliding_window_view(np.append(answered, np.zeros(HALVES - 1)), HALVES)
    within: Floats = np.einsum("ij,jh->ih", to_come, known)  # BLAS would start threads for so little
    return within


def _classified_within(shape: Shape, horizons_s: Floats) -> tuple[Floats, Floats, Floats]:
    """Return, by time since the answer: P(known within h) of live calls, and the shares not yet known, live and not."""
    since = _CLASS_GRID[:CLASSES, None]
    known = np.interp(since + horizons_s, _CLASS_GRID, shape.live_classified) - shape.live_classified[:CLASSES, None]
    return known, 1 - shape.live_classified[:CLASSES], 1 - shape.other_classified[:CLASSES]
