"""How long talks and wrap-ups last: piecewise constant hazards, with those still running counted as censored."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from dialer.pacing.snapshot import Floats

EDGES_S: Floats = np.array(
    [0, 2, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 85, 113, 150, 200, 266, 355, 473, 630, 840, 1200], dtype=np.float64
)
"""Where the hazard may change; the last piece has no end."""
_WIDTHS: Floats = np.append(np.diff(EDGES_S), np.inf)
MEMORY = 2000.0
"""How many ended ones are remembered; older ones fade."""


def overlap(lengths: Floats) -> Floats:
    """Return how long each of `lengths` (s) lies in each piece: one row a length, one column a piece."""
    return np.clip(lengths[:, None] - EDGES_S, 0.0, _WIDTHS)


@dataclass(frozen=True, slots=True)
class DurationPrior:
    """What is believed before anything ended: `events` and `exposure_s` for each piece of the hazard."""

    events: tuple[float, ...]
    exposure_s: tuple[float, ...]

    @classmethod
    def of_mean(cls, mean_s: float, weight: float) -> DurationPrior:
        """Return the belief of a constant hazard, worth `weight` ended ones in each piece."""
        pieces = len(EDGES_S)
        return cls((weight,) * pieces, (weight * mean_s,) * pieces)

    def joined(self, lengths_s: Floats, weight: float) -> DurationPrior:
        """Return the belief after lengths of stored history, together worth at most `weight` ended ones."""
        known = lengths_s[np.isfinite(lengths_s) & (lengths_s >= 0)]
        if known.size == 0:
            return self
        scale = min(weight / known.size, 1.0)
        events = np.bincount(_piece(known), minlength=EDGES_S.size) * scale
        exposure = overlap(known).sum(axis=0) * scale
        return DurationPrior(tuple(self.events + events), tuple(self.exposure_s + exposure))


class Durations:
    """Learns one kind of duration as it ends."""

    def __init__(self, prior: DurationPrior) -> None:
        self._prior_events = np.array(prior.events, dtype=np.float64)
        self._prior_exposure = np.array(prior.exposure_s, dtype=np.float64)
        self._events = np.zeros(EDGES_S.size)
        self._exposure = np.zeros(EDGES_S.size)

    @property
    def seen(self) -> float:
        """How many ended ones are remembered."""
        return float(self._events.sum())

    def ended(self, length_s: float) -> None:
        """Learn one that ended; a length that is no length is ignored."""
        if not (isfinite(length_s) and length_s >= 0):
            return
        if self.seen > MEMORY:
            self._events *= 1 - 1 / MEMORY
            self._exposure *= 1 - 1 / MEMORY
        self._events[_piece(np.array([length_s]))[0]] += 1
        self._exposure += overlap(np.array([length_s]))[0]

    def hazard(self, running_s: Floats) -> Floats:
        """Return the hazard (1/s) of each piece, given the ages of those that still run."""
        censored = overlap(running_s).sum(axis=0) if running_s.size else 0.0
        exposure = self._exposure + self._prior_exposure + censored
        return (self._events + self._prior_events) / np.maximum(exposure, 1e-9)


def _piece(lengths: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return (np.searchsorted(EDGES_S, lengths, side="right") - 1).astype(np.int64)
