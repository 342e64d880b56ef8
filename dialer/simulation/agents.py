"""What simulated agents do after a conversation. Pure: the chance is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

SHORT_TALK_S: Final = 45.0
"""Below this it was the wrong person, or somebody in a hurry."""

SHORT_WRAP_S, LONG_WRAP_S = 8.0, 25.0
PAUSE_SHARE: Final = 0.01
PAUSE_S: Final = 300.0
PAUSE_REASON: Final = "descanso"

_WRAP_SHAPE = 4.0
_AFTER_SHORT = {"wrong_party": 45, "refusal": 30, "callback": 20, "dispute": 5}
_AFTER_LONG = {"promise_to_pay": 40, "refusal": 27, "callback": 23, "dispute": 10}

DISPOSITIONS: Final = frozenset({*_AFTER_SHORT, *_AFTER_LONG})


@dataclass(frozen=True, slots=True)
class WrapUp:
    """After `wrap_s` the agent gives `disposition`; then pauses for `pause_s` (0: takes the next call)."""

    wrap_s: float
    disposition: str
    pause_s: float = 0.0


def wrap_up(talk_s: float, rng: Random) -> WrapUp:
    """Draw what an agent does after a conversation of so many seconds; all durations are business seconds.

    On average 8 s of work after a short one and 25 s after a long one; one wrap-up in a hundred ends in a break.
    """
    short = talk_s < SHORT_TALK_S
    mean_s, ends = (SHORT_WRAP_S, _AFTER_SHORT) if short else (LONG_WRAP_S, _AFTER_LONG)
    wrap_s = rng.gammavariate(_WRAP_SHAPE, mean_s / _WRAP_SHAPE)
    (disposition,) = rng.choices(list(ends), weights=list(ends.values()))
    return WrapUp(wrap_s, disposition, PAUSE_S if rng.random() < PAUSE_SHARE else 0.0)
