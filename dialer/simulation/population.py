"""A seeded world of debtors: who answers depends on segment and hour, everything else on the number and the try.

The same seed, number, count of calls and hour give the same reply, whoever else was called meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf, log
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from dialer.simulation.far_end import Reply

_HOURS = 24


def _day(night: float, hours: Mapping[int, float]) -> tuple[float, ...]:
    return tuple(hours.get(hour, night) for hour in range(_HOURS))


LIVE_RATES: Final[Mapping[str, Sequence[float]]] = {
    "alta": _day(
        0.20,
        {8: 0.28, 9: 0.32, 10: 0.34, 11: 0.34, 12: 0.33, 13: 0.30, 14: 0.29}
        | {15: 0.30, 16: 0.32, 17: 0.35, 18: 0.39, 19: 0.41, 20: 0.38},
    ),
    "media": _day(
        0.15,
        {8: 0.22, 9: 0.25, 10: 0.27, 11: 0.28, 12: 0.27, 13: 0.24, 14: 0.22}
        | {15: 0.23, 16: 0.25, 17: 0.27, 18: 0.30, 19: 0.31, 20: 0.28},
    ),
    "baja": _day(
        0.10,
        {8: 0.16, 9: 0.19, 10: 0.21, 11: 0.21, 12: 0.20, 13: 0.17, 14: 0.15}
        | {15: 0.15, 16: 0.16, 17: 0.17, 18: 0.18, 19: 0.18, 20: 0.16},
    ),
}
"""The share of calls a person answers, by segment and hour of the local day (0 to 23)."""

OTHER_RATES: Final[Sequence[float]] = _day(0.25, {})
"""For numbers of no segment, or of one that has no rates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How a world behaves; shares from 0 to 1, durations in seconds, pairs are the ends of an even spread.

    `machine_share`, `silent_share` and the rest (refused) divide the calls no person answers; `vacant_share` of all
    numbers does not exist, whenever it is called.
    """

    set_up_mean_s: float = 2.0
    pick_up_first_s: float = 1.0
    pick_up_mean_s: float = 12.0
    machine_share: float = 0.42
    silent_share: float = 0.42
    vacant_share: float = 0.03
    machine_at_once_share: float = 0.25
    machine_rings_s: tuple[float, float] = (20.0, 22.0)
    refused_after_s: tuple[float, float] = (1.0, 4.0)
    amd_human_s: tuple[float, float] = (1.0, 2.0)
    amd_machine_s: tuple[float, float] = (1.5, 3.0)
    human_taken_for_machine: float = 0.03
    machine_taken_for_human: float = 0.05
    short_talk_share: float = 0.35
    short_talk_mean_s: float = 20.0
    long_talk_mean_s: float = 180.0
    talk_sigma: float = 0.8
    machine_talk_s: tuple[float, float] = (8.0, 25.0)
    patience_median_s: float = 8.0
    patience_sigma: float = 0.6
    callback_share: float = 0.03
    optout_share: float = 0.02
    live_rates: Mapping[str, Sequence[float]] = field(default_factory=lambda: LIVE_RATES)

    def live_rate(self, segment: str | None, hour: int) -> float:
        """Return the share of calls a person answers."""
        return self.live_rates.get(segment or "", OTHER_RATES)[hour]


class Population:
    """Debtors behind the trunks, drawn from `seed`.

    `segment_of` gives the segment of a dialled number (a mapping's `get` will do), None for strangers; `zone` is
    where the debtors' day passes.
    """

    def __init__(
        self,
        seed: int,
        segment_of: Callable[[str], str | None],
        zone: ZoneInfo,
        workload: Workload | None = None,
    ) -> None:
        self._seed = seed
        self._segment_of = segment_of
        self._zone = zone
        self._workload = workload or Workload()
        self._calls: Counter[str] = Counter()

    def called(self, number: str, trunk: str, at: datetime) -> Reply:
        """Return how this call goes; the trunk makes no difference."""
        self._calls[number] += 1
        rate = self._workload.live_rate(self._segment_of(number), at.astimezone(self._zone).hour)
        vacant = Random(f"{self._seed}/{number}").random() < self._workload.vacant_share  # noqa: S311
        rng = Random(f"{self._seed}/{number}/{self._calls[number]}")  # noqa: S311
        return reply(self._workload, rate, rng, vacant=vacant)


def reply(world: Workload, live_rate: float, rng: Random, *, vacant: bool) -> Reply:
    """Draw one call. The first draw decides who answers, so that a higher rate never takes an answer away."""
    who = rng.random()
    set_up_s = _gamma(rng, world.set_up_mean_s)
    if vacant:
        return _refused(world, rng, ((404, 8), (410, 1), (484, 1)))
    # Numbers that do not exist count among those nobody answers: what is left shares the rest.
    exists = 1 - world.vacant_share
    live = live_rate / exists
    machine = live + world.machine_share * (1 - live_rate) / exists
    silent = machine + world.silent_share * (1 - live_rate) / exists
    if who < live:
        return _person(world, rng, set_up_s)
    if who < machine:
        return _machine(world, rng, set_up_s)
    if who < silent:
        return Reply(rings_after_s=set_up_s, ends_after_s=inf)
    return _refused(world, rng, ((486, 16), (600, 1), (503, 4), (502, 1), (504, 1)))


def _person(world: Workload, rng: Random, set_up_s: float) -> Reply:
    answers_s = set_up_s + world.pick_up_first_s + _gamma(rng, world.pick_up_mean_s)
    mistaken = rng.random() < world.human_taken_for_machine
    mean_s = world.short_talk_mean_s if rng.random() < world.short_talk_share else world.long_talk_mean_s
    status, cause = ("MACHINE", "MAXWORDS-3-3") if mistaken else ("HUMAN", "HUMAN-300-300")
    return Reply(
        rings_after_s=set_up_s,
        ends_after_s=answers_s,
        amd_s=rng.uniform(*world.amd_human_s),
        amd_status=status,
        amd_cause=cause,
        talk_s=rng.lognormvariate(log(mean_s) - world.talk_sigma**2 / 2, world.talk_sigma),
        patience_s=rng.lognormvariate(log(world.patience_median_s), world.patience_sigma),
        menu_choice=_choice(world, rng.random()),
        speech_seed=rng.getrandbits(31),
    )


def _machine(world: Workload, rng: Random, set_up_s: float) -> Reply:
    at_once = rng.random() < world.machine_at_once_share
    mistaken = rng.random() < world.machine_taken_for_human
    rings_s = 0.0 if at_once else rng.uniform(*world.machine_rings_s)
    greeting_s = rng.uniform(*world.machine_talk_s)
    status, cause = ("HUMAN", "HUMAN-300-300") if mistaken else ("MACHINE", "LONGGREETING-750-750")
    return Reply(
        rings_after_s=None if at_once else set_up_s,
        ends_after_s=set_up_s + rings_s,
        machine=True,
        amd_s=rng.uniform(*world.amd_machine_s),
        amd_status=status,
        amd_cause=cause,
        talk_s=greeting_s,
        patience_s=greeting_s,
        speech_seed=rng.getrandbits(31),
    )


def _refused(world: Workload, rng: Random, statuses: Sequence[tuple[int, int]]) -> Reply:
    (status,) = rng.choices([status for status, _ in statuses], weights=[weight for _, weight in statuses])
    return Reply(ends_after_s=rng.uniform(*world.refused_after_s), sip=status)


def _choice(world: Workload, draw: float) -> str:
    if draw < world.callback_share:
        return "callback"
    return "optout" if draw < world.callback_share + world.optout_share else "none"


def _gamma(rng: Random, mean_s: float) -> float:
    shape = 3.0
    return rng.gammavariate(shape, mean_s / shape)
