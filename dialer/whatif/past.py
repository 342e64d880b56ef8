"""A world made of a campaign's past: its calls and conversations are drawn again, in the hour they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Final

from campaigns.history import History, HourRate
from dialer.bench.pacing.workload import Answerer, Fate, Handling
from dialer.pacing import PastCall, PastTalk
from dialer.types import InputError

FEWEST_CALLS: Final = 200
FEWEST_TALKS: Final = 20
RINGS_AFTER_S: Final = 2.0
"""The past does not say when a phone began to ring; carriers take about so long."""

WEIGHT: Final = 40.0
"""Calls by which an hour's answer rate is drawn towards that of the whole day."""


@dataclass(frozen=True, slots=True)
class PastWorld:
    """Draws calls and conversations of the past; the answer rate is that of the hour of day."""

    starts_at_hour: int
    rates: Mapping[int, float]
    overall: float
    live: tuple[PastCall, ...]
    others: tuple[PastCall, ...]
    talks: tuple[PastTalk, ...]

    @classmethod
    def of(cls, past: History, starts_at_hour: int) -> PastWorld:
        """Return the world of a campaign; raises InputError when it has not lived through enough."""
        if past.placed < FEWEST_CALLS or len(past.talks) < FEWEST_TALKS or not 0 < past.live < past.placed:
            raise InputError(
                f"{past.placed} calls and {len(past.talks)} conversations are too little to answer what would be; "
                f"{FEWEST_CALLS} calls and {FEWEST_TALKS} conversations are needed"
            )
        overall = past.live / past.placed
        live = tuple(call for call in past.calls if call.live and call.answered_s is not None)
        others = tuple(call for call in past.calls if not call.live)
        return cls(starts_at_hour, _rates(past.hours, overall), overall, live, others, past.talks)

    def odds(self, rng: Random) -> float:
        """Return 1: the past does not tell leads apart."""
        return 1.0

    def live_chance(self, at: float, factor: float) -> float:
        """Return the answer rate of the hour."""
        hour = (self.starts_at_hour + int(at // 3600)) % 24
        return min(self.rates.get(hour, self.overall) * factor, 0.98)

    def fate(self, rng: Random, at: float, factor: float = 1.0) -> Fate:
        """Draw a call of the past."""
        live = rng.random() < self.live_chance(at, factor)
        call = rng.choice(self.live if live else self.others)
        if call.answered_s is None:
            rings = RINGS_AFTER_S if call.ended_s > RINGS_AFTER_S else inf
            return Fate(rings, inf, inf, call.ended_s, Answerer.NOBODY, False, "no_answer")
        decided = max(call.classified_s if call.classified_s is not None else call.answered_s, call.answered_s)
        rings = min(RINGS_AFTER_S, call.answered_s)
        return Fate(rings, call.answered_s, decided, inf, Answerer.HUMAN, live, "machine")

    def handling(self, rng: Random, answerer: Answerer) -> Handling:
        """Draw a conversation of the past; pauses are the supervisor's to plan."""
        talk = rng.choice(self.talks)
        return Handling(talk.talk_s, talk.wrap_s, 0.0)


def _rates(hours: Mapping[tuple[str, int], HourRate], overall: float) -> dict[int, float]:
    placed: dict[int, int] = {}
    live: dict[int, int] = {}
    for (_, hour), rate in hours.items():
        placed[hour] = placed.get(hour, 0) + rate.placed
        live[hour] = live.get(hour, 0) + rate.live
    return {hour: (live[hour] + WEIGHT * overall) / (placed[hour] + WEIGHT) for hour in placed}
