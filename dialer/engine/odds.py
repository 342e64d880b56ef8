"""How likely each lead is to answer now, by its segment and the hour of its day. Pure: history in, odds out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from math import nan
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.history import HourRate

FEWEST: Final = 200
"""Calls of history below which nothing is claimed: pacing then learns one rate for all."""

WEIGHT: Final = 40.0
"""So many calls of its own make a segment's hour as telling as the whole it belongs to."""


@dataclass(frozen=True, slots=True)
class AnswerOdds:
    """Answer rates by segment and local hour, each shrunk towards its segment's, and that towards the campaign's."""

    by_hour: Mapping[tuple[str, int], float] = field(default_factory=dict)
    by_segment: Mapping[str, float] = field(default_factory=dict)
    overall: float = nan

    @classmethod
    def of_history(cls, hours: Mapping[tuple[str, int], HourRate]) -> AnswerOdds:
        """Return the odds that a campaign's past shows; unknown for all where there is too little of it."""
        placed = sum(rate.placed for rate in hours.values())
        if placed < FEWEST:
            return cls()
        overall = sum(rate.live for rate in hours.values()) / placed
        names = {segment for segment, _ in hours}
        segments = {name: _shrunk([r for (own, _), r in hours.items() if own == name], overall) for name in names}
        by_hour = {key: _shrunk([rate], segments[key[0]]) for key, rate in hours.items()}
        return cls(by_hour, segments, overall)

    def at(self, segment: str, zone: str, moment: datetime) -> float:
        """Return the probability that a call placed at this moment is answered by a person; NaN where unknown."""
        if not self.by_segment:
            return self.overall
        known = self.by_segment.get(segment, self.overall)
        return self.by_hour.get((segment, local_hour(zone, int(moment.timestamp()) // 900)), known)


def _shrunk(rates: list[HourRate], towards: float) -> float:
    """Return the posterior mean of a rate under a beta prior of `WEIGHT` calls around `towards`."""
    live, placed = sum(rate.live for rate in rates), sum(rate.placed for rate in rates)
    return (live + WEIGHT * towards) / (placed + WEIGHT)


@lru_cache(maxsize=4096)
def local_hour(zone: str, quarter: int) -> int:
    """Return the hour of day in a zone during a quarter of an hour, counted from the epoch; no zone is UTC."""
    return datetime.fromtimestamp(quarter * 900, ZoneInfo(zone) if zone else UTC).hour
