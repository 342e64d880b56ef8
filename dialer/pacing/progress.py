"""What becomes of calls: hazards by the age of the call, learned from calls at risk, so that nothing waits for an end.

A call at risk is one that is not answered and not ended. Cancelled calls and those still ringing are censored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dialer.pacing.snapshot import Floats

BINS = 64
"""One for each second of age; older calls count in the last."""
CLASSES, CLASS_STEP_S = 40, 0.25
HALVES = 2 * BINS
MEMORY_CALLS = 20_000.0


@dataclass(frozen=True, slots=True)
class ProgressPrior:
    """What is believed of a call's way: counts by second of age, and the share classified by quarters of a second."""

    at_risk_s: tuple[float, ...]
    live: tuple[float, ...]
    other_answers: tuple[float, ...]
    other_ends: tuple[float, ...]
    live_class: tuple[float, ...]
    other_class: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The way of a call by half seconds of age, apart for live calls and others; each sums to 1.

    `other_answered` is the part of the others that an answer ends (a machine); `*_classified` are cumulative.
    """

    live: Floats
    other: Floats
    other_answered: Floats
    live_share: float
    live_classified: Floats
    other_classified: Floats


class Progress:
    """Counts answers, ends and time at risk by age."""

    def __init__(self, prior: ProgressPrior) -> None:
        self._at_risk = np.array(prior.at_risk_s, dtype=np.float64)
        self._live = np.array(prior.live, dtype=np.float64)
        self._other_answers = np.array(prior.other_answers, dtype=np.float64)
        self._other_ends = np.array(prior.other_ends, dtype=np.float64)
        self._live_class = np.array(prior.live_class, dtype=np.float64)
        self._other_class = np.array(prior.other_class, dtype=np.float64)

    def at_risk(self, ages_s: Floats, for_s: float) -> None:
        """Count calls of these ages as at risk for so many seconds."""
        seconds = np.minimum(ages_s, BINS - 1).astype(np.int64)
        self._at_risk += for_s * np.bincount(seconds, minlength=BINS)

    def answered(self, age_s: float, took_s: float, *, live: bool) -> None:
        """Learn an answer at this age, classified `took_s` after it."""
        (self._live if live else self._other_answers)[_second(age_s)] += 1
        step = min(max(int(took_s / CLASS_STEP_S), 0), CLASSES - 1)
        (self._live_class if live else self._other_class)[step] += 1
        self._forget()

    def ended(self, age_s: float) -> None:
        """Learn a call that ended unanswered at this age."""
        self._other_ends[_second(age_s)] += 1

    def shape(self) -> Shape:
        """Return the way of a call as far as it is known."""
        per_second = np.maximum(self._at_risk, 1e-6)
        # A second of age has at most one end per call, however little of it was seen.
        live, answers, ends = (
            np.minimum(counted / per_second, 3.0) for counted in (self._live, self._other_answers, self._other_ends)
        )
        total = live + answers + ends
        before = np.exp(-np.concatenate([[0.0], np.cumsum(total)]))
        ending = -np.diff(before) / np.maximum(total, 1e-12)
        live, answers, ends = live * ending, answers * ending, ends * ending
        ends[-1] += before[-1]  # whoever outlives the table is nobody's live answer
        share = float(live.sum())
        others = max(1 - share, 1e-9)
        return Shape(
            live=_halved(live / max(share, 1e-9)),
            other=_halved((answers + ends) / others),
            other_answered=_halved(answers / others),
            live_share=share,
            live_classified=_cumulative(self._live_class),
            other_classified=_cumulative(self._other_class),
        )

    def _forget(self) -> None:
        known = self._live.sum() + self._other_answers.sum() + self._other_ends.sum()
        if known > MEMORY_CALLS:
            for counted in (self._at_risk, self._live, self._other_answers, self._other_ends):
                counted *= 0.9
        for classes in (self._live_class, self._other_class):
            if classes.sum() > MEMORY_CALLS / 4:
                classes *= 0.9


def _second(age_s: float) -> int:
    return int(min(max(age_s, 0.0), BINS - 1))


def _halved(seconds: Floats) -> Floats:
    return np.repeat(seconds / 2, 2)


def _cumulative(counts: Floats) -> Floats:
    """Return the share classified by the end of each step, from 0 on."""
    return np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
