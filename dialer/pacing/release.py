"""When busy agents will be free: talk, then the wrap-up that talks of that length have."""

from __future__ import annotations

import numpy as np

from dialer.pacing.durations import DurationPrior, Durations, overlap
from dialer.pacing.facts import TalkEnded, WrapEnded
from dialer.pacing.snapshot import Floats, Snapshot, ages

LONG_TALK_S = 45.0
"""Talks from here on have a wrap-up of their own class."""
TALK_STEP_S, TALK_ROWS = 2.0, 450
WRAP_STEP_S, WRAP_ROWS = 0.5, 160
_STEPS = 20
_TALK_GRID: Floats = np.arange(TALK_ROWS + _STEPS, dtype=np.float64) * TALK_STEP_S
_WRAP_GRID: Floats = np.arange(WRAP_ROWS, dtype=np.float64) * WRAP_STEP_S
_TALK_OVERLAP = overlap(_TALK_GRID)
_WRAP_OVERLAP = overlap(_WRAP_GRID)
_ENDS_AT = _TALK_GRID[:TALK_ROWS, None] + (np.arange(_STEPS) + 0.5) * TALK_STEP_S
_ENDS_LONG = _ENDS_AT >= LONG_TALK_S


class Release:
    """Learns talks and wrap-ups; knows for every busy agent the chance to be free within each horizon."""

    def __init__(self, talk: DurationPrior, wraps: tuple[DurationPrior, DurationPrior]) -> None:
        self._talk = Durations(talk)
        self._wraps = (Durations(wraps[0]), Durations(wraps[1]))
        self._rows: Floats = np.zeros((TALK_ROWS + 2 * WRAP_ROWS, 1))

    def talk_ended(self, fact: TalkEnded) -> None:
        """Learn a talk."""
        self._talk.ended(fact.talk_s)

    def wrap_ended(self, fact: WrapEnded) -> None:
        """Learn a wrap-up, in the class of its talk."""
        self._wraps[int(fact.talk_s >= LONG_TALK_S)].ended(fact.wrap_s)

    def refresh(self, seen: Snapshot, horizons_s: Floats) -> None:
        """Work out the chances anew for these horizons (s), one column each."""
        talk = _TALK_OVERLAP @ self._talk.hazard(ages(seen.now, seen.talking_since))
        wrapping, long = _wrapping(seen)
        wraps = [_WRAP_OVERLAP @ self._wraps[i].hazard(wrapping[long == i]) for i in (0, 1)]
        self._rows = np.vstack([_talk_rows(talk, wraps, horizons_s), *(_wrap_rows(wrap, horizons_s) for wrap in wraps)])

    def chances(self, seen: Snapshot) -> Floats:
        """Return the chance of each busy agent to be free within each horizon: one row an agent."""
        talking = np.minimum(ages(seen.now, seen.talking_since) / TALK_STEP_S + 0.5, TALK_ROWS - 1)
        wrapping, long = _wrapping(seen)
        steps = np.minimum(wrapping / WRAP_STEP_S + 0.5, WRAP_ROWS - 1)
        rows = np.concatenate([talking, steps.astype(np.int64) + TALK_ROWS + long * WRAP_ROWS])
        return self._rows[rows.astype(np.int64)]


def _wrapping(seen: Snapshot) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return the ages of the wrap-ups and the class of each; an unknown talk counts as long."""
    wrapping = ages(seen.now, seen.wrapping_since)
    long = np.ones(wrapping.size, dtype=np.int64)
    known = min(wrapping.size, seen.wrapping_talk_s.size)
    long[:known] = ~(seen.wrapping_talk_s[:known] < LONG_TALK_S)
    return wrapping, long


def _wrap_rows(cumulative: Floats, horizons_s: Floats) -> Floats:
    later = np.interp(_WRAP_GRID[:, None] + horizons_s, _WRAP_GRID, cumulative)
    # Beyond the grid the last slope goes on.
    beyond = np.maximum(_WRAP_GRID[:, None] + horizons_s - _WRAP_GRID[-1], 0.0)
    slope = (cumulative[-1] - cumulative[-2]) / WRAP_STEP_S
    chances: Floats = -np.expm1(cumulative[:, None] - later - beyond * slope)
    return chances


def _talk_rows(talk: Floats, wraps: list[Floats], horizons_s: Floats) -> Floats:
    """Return P(talk and its wrap-up both end within h): the sum over the step in which the talk ends."""
    windows = np.lib.stride_tricks.sliding_window_view(talk, _STEPS + 1)[:TALK_ROWS]
    survives = np.exp(windows[:, :1] - windows)
    ends = survives[:, :-1] - survives[:, 1:]
    left = horizons_s - (np.arange(_STEPS)[:, None] + 0.5) * TALK_STEP_S
    begun = np.clip((left + TALK_STEP_S / 2) / TALK_STEP_S, 0.0, 1.0)
    within = [begun * -np.expm1(-np.interp(np.maximum(left, 0.25), _WRAP_GRID, wrap)) for wrap in wraps]
    # Not by BLAS, which would start threads for so little.
    short, long = (
        np.einsum("ij,jh->ih", part, wrap)
        for part, wrap in zip((ends * ~_ENDS_LONG, ends * _ENDS_LONG), within, strict=True)
    )
    chances: Floats = short + long
    return chances
