"""What really happens in the benchmark's centre: how calls end, how long people talk. No policy ever sees this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from math import exp, inf
from random import Random
from typing import Protocol

PATIENCE_S = 2.0
"""A person who meets no agent hangs up after this, counted from the classification."""
RING_CUT_S = 28.0
PDD_S, PDD_SHAPE = 2.0, 4.0
"""Mean and shape (gamma) of the time from dialling to the first ring."""
PICKUP_LEAST_S, PICKUP_S, PICKUP_SHAPE = 1.0, 12.0, 3.0
VOICEMAIL_AT_ONCE, VOICEMAIL_S, VOICEMAIL_SPREAD_S = 0.25, 21.0, 2.0
MACHINES, NO_ANSWERS = 0.42, 0.42
"""Shares of the calls no human would answer; the rest is busy, invalid or congested."""
HUMAN_TAKEN_FOR_MACHINE, MACHINE_TAKEN_FOR_HUMAN = 0.03, 0.05
SHORT_TALKS = 0.35
TALK_SPREAD, WRAP_SPREAD = 0.8, 0.5
MACHINE_TALK_S = 5.0
"""How long an agent needs to notice that a voicemail was put through."""
SHORT_WRAP_S, LONG_WRAP_S = 8.0, 25.0
PAUSES, PAUSE_S = 0.01, 300.0


class Answerer(Enum):
    """Who or what picks up."""

    HUMAN = "human"
    MACHINE = "machine"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Fate:
    """What a call will do, in seconds from dialling; infinite where it never happens."""

    rings_at: float
    answered_at: float
    classified_at: float
    fails_at: float
    answerer: Answerer
    live: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class Handling:
    """What joining a person will cost an agent: talk, wrap-up, and a pause after it (seconds)."""

    talk_s: float
    wrap_s: float
    pause_s: float


class World(Protocol):
    """What really happens to calls and agents; moments `at` are seconds into the run."""

    def odds(self, rng: Random) -> float:
        """Return how a lead differs from the list: a factor on its odds of a human answer, mean 1."""
        ...

    def live_chance(self, at: float, factor: float) -> float:
        """Return the probability that a call is classified live."""
        ...

    def fate(self, rng: Random, at: float, factor: float = 1.0) -> Fate:
        """Draw what becomes of a call."""
        ...

    def handling(self, rng: Random, answerer: Answerer) -> Handling:
        """Draw what a joined call costs its agent."""
        ...


@dataclass(frozen=True, slots=True)
class Workload:
    """The truth of one scenario: the live answer rate over the day, talk times, how leads differ.

    `spread` is the heterogeneity of leads: 0 gives every lead the same odds, else odds are drawn from a beta
    distribution whose variance is `spread` of the largest possible.
    """

    live_rate: Callable[[float], float]
    short_talk_s: float = 20.0
    long_talk_s: float = 180.0
    spread: float = 0.0
    voice: tuple[float, float] = field(default=(HUMAN_TAKEN_FOR_MACHINE, MACHINE_TAKEN_FOR_HUMAN))

    def odds(self, rng: Random) -> float:
        """Return how a lead differs from the list: a factor on its odds of a human answer, mean 1."""
        if self.spread == 0:
            return 1.0
        mean, tight = 0.2, 1 / self.spread - 1
        return rng.betavariate(mean * tight, (1 - mean) * tight) / mean

    def human_chance(self, at: float, factor: float) -> float:
        """Return the probability that a person answers a call placed `at` seconds into the run."""
        return min(self.live_rate(at) * factor, 0.98)

    def live_chance(self, at: float, factor: float) -> float:
        """Return the probability that a call is classified live: what a perfect score per lead would say."""
        human = self.human_chance(at, factor)
        missed, mistaken = self.voice
        return human * (1 - missed) + (1 - human) * MACHINES * mistaken

    def fate(self, rng: Random, at: float, factor: float = 1.0) -> Fate:
        """Draw what becomes of a call placed `at` seconds into the run."""
        rings = rng.gammavariate(PDD_SHAPE, PDD_S / PDD_SHAPE)
        answerer, refused = self._answerer(rng, at, factor)
        if refused:
            return Fate(inf, inf, inf, 1 + 3 * rng.random(), Answerer.NOBODY, False, "busy")
        pickup = self._pickup(rng, answerer)
        if pickup > RING_CUT_S:
            return Fate(rings, inf, inf, rings + RING_CUT_S, Answerer.NOBODY, False, "no_answer")
        answered = rings + pickup
        human = answerer is Answerer.HUMAN
        takes = 1 + rng.random() if human else 1.5 + 1.5 * rng.random()
        missed, mistaken = self.voice
        live = rng.random() < (1 - missed if human else mistaken)
        return Fate(rings, answered, answered + takes, inf, answerer, live, "machine")

    def handling(self, rng: Random, answerer: Answerer) -> Handling:
        """Draw what a joined call costs its agent."""
        pause = PAUSE_S if rng.random() < PAUSES else 0.0
        if answerer is not Answerer.HUMAN:
            return Handling(rng.expovariate(1 / MACHINE_TALK_S), _lognormal(rng, SHORT_WRAP_S, WRAP_SPREAD), pause)
        if rng.random() < SHORT_TALKS:
            talk = _lognormal(rng, self.short_talk_s, TALK_SPREAD)
            return Handling(talk, _lognormal(rng, SHORT_WRAP_S, WRAP_SPREAD), pause)
        talk = _lognormal(rng, self.long_talk_s, TALK_SPREAD)
        return Handling(talk, _lognormal(rng, LONG_WRAP_S, WRAP_SPREAD), pause)

    def _answerer(self, rng: Random, at: float, factor: float) -> tuple[Answerer, bool]:
        if rng.random() < self.human_chance(at, factor):
            return Answerer.HUMAN, False
        draw = rng.random()
        if draw < MACHINES:
            return Answerer.MACHINE, False
        return Answerer.NOBODY, draw >= MACHINES + NO_ANSWERS

    def _pickup(self, rng: Random, answerer: Answerer) -> float:
        if answerer is Answerer.HUMAN:
            return self._human_pickup(rng)
        if answerer is Answerer.NOBODY:
            return inf
        if rng.random() < VOICEMAIL_AT_ONCE:
            return 0.0
        return max(rng.gauss(VOICEMAIL_S, VOICEMAIL_SPREAD_S), 0.0)

    def _human_pickup(self, rng: Random) -> float:
        """Draw again what would be later than the cut: the live rate is that of calls answered in time."""
        while (pickup := PICKUP_LEAST_S + rng.gammavariate(PICKUP_SHAPE, PICKUP_S / PICKUP_SHAPE)) > RING_CUT_S:
            pass
        return pickup


def _lognormal(rng: Random, mean: float, spread: float) -> float:
    return mean * exp(spread * rng.gauss(0, 1) - spread * spread / 2)
