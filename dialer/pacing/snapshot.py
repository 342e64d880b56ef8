"""What a Pacer sees and what it answers: numbers only, times in seconds on one axis."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Stages = npt.NDArray[np.int8]
Indexes = npt.NDArray[np.int64]


class Stage(IntEnum):
    """Where a call in flight stands; WAITING is a live person without an agent yet."""

    DIALLING = 0
    RINGING = 1
    CLASSIFYING = 2
    WAITING = 3


@dataclass(frozen=True, slots=True)
class Budget:
    """Live answers and abandoned ones of a window (`day`, `30 days`), and the share allowed."""

    window: str
    live: float
    abandoned: float
    limit: float

    @property
    def bears_one_more(self) -> bool:
        """Whether one more abandoned call may be risked; false for numbers that make no sense.

        The first of a window always may: else no window could ever begin. After it, only within the limit.
        """
        if self.abandoned == 0 and self.live >= 0 and self.limit > 0:
            return True
        return self.abandoned + 1 <= self.limit * self.live


LONGEST_AGE_S = 1e6
"""Older than this is nothing that happens in a call centre."""


def _none() -> Floats:
    return np.empty(0, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One moment of one campaign: one entry per agent in that state, one per call not yet joined.

    Odds are probabilities, NaN where unknown; `next_answer_odds` are those of the leads dialled next, in order.
    """

    now: float
    ready_since: Floats
    talking_since: Floats
    wrapping_since: Floats
    wrapping_talk_s: Floats
    call_dialled_at: Floats
    call_stage: Stages
    call_stage_since: Floats
    call_answer_odds: Floats
    next_answer_odds: Floats = field(default_factory=_none)
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """How many calls to place, which to cancel (indexes into the call arrays), and why in one sentence.

    `risk` is the chance that one more live answer finds no agent; NaN where the mode does not estimate it.
    """

    dial: int
    cancel: Indexes
    reason: str
    risk: float


def ages(now: float, since: Floats) -> Floats:
    """Return how long ago each moment was (s); 0 for one that is unknown or yet to come."""
    return np.minimum(np.fmax(now - since, 0.0), LONGEST_AGE_S)


def tidy(seen: Snapshot) -> Snapshot:
    """Return the snapshot with call arrays of one length: what is missing is unknown, a call without a stage new."""
    size = max(seen.call_stage.size, seen.call_dialled_at.size)
    columns = (seen.call_dialled_at, seen.call_stage, seen.call_stage_since, seen.call_answer_odds)
    if all(column.size == size for column in columns):
        return seen
    stages = np.zeros(size, dtype=np.int8)
    stages[: seen.call_stage.size] = seen.call_stage
    dialled, since, odds = (_filled(column, size) for column in (columns[0], columns[2], columns[3]))
    return replace(seen, call_dialled_at=dialled, call_stage=stages, call_stage_since=since, call_answer_odds=odds)


def _filled(column: Floats, size: int) -> Floats:
    filled = np.full(size, np.nan)
    filled[: column.size] = column[:size]
    return filled
