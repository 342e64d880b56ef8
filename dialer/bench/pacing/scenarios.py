"""The scenarios of the benchmark: teams of 5 to 300 agents, rates that drift, shifts and lunches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import pi, sin

from dialer.bench.pacing.workload import Workload, World

HOUR_S = 3600.0
FOUR_HOURS_S = 4 * HOUR_S
SIZES = (5, 10, 25, 50, 100, 300)
RATES = (0.08, 0.20, 0.40)


@dataclass(frozen=True, slots=True)
class Presence:
    """When one agent is logged in: from, until (seconds into the run)."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One benchmark: a workload, the agents' hours, how long it runs (seconds)."""

    name: str
    workload: World
    agents: tuple[tuple[Presence, ...], ...]
    duration_s: float = FOUR_HOURS_S
    tells_odds: bool = field(default=False)

    @property
    def size(self) -> int:
        """The agents of the team."""
        return len(self.agents)

    def shortened(self, duration_s: float) -> Scenario:
        """Return the first `duration_s` of it."""
        return replace(self, duration_s=min(duration_s, self.duration_s))


def steady(size: int, rate: float, name: str | None = None) -> Scenario:
    """Return a team that stays all day on a list whose live answer rate stays too."""
    return Scenario(name or f"n{size}_p{round(rate * 100)}", Workload(lambda _: rate), _all_day(size))


def catalogue() -> Mapping[str, Scenario]:
    """Return every scenario by name."""
    listed = [steady(size, rate) for size in SIZES for rate in RATES]
    return {scenario.name: scenario for scenario in [*listed, *_drifting(), *_changing_teams(), *_scored()]}


def _drifting() -> list[Scenario]:
    half = FOUR_HOURS_S / 2
    return [
        Scenario("drift_halve_n25", Workload(lambda at: 0.30 if at < half else 0.15), _all_day(25)),
        Scenario("drift_double_n25", Workload(lambda at: 0.15 if at < half else 0.30), _all_day(25)),
        Scenario("drift_day_n50", Workload(lambda at: 0.2 + 0.08 * sin(2 * pi * at / FOUR_HOURS_S)), _all_day(50)),
    ]


def _changing_teams() -> list[Scenario]:
    long_talks = Workload(lambda _: 0.12, short_talk_s=40, long_talk_s=430)
    return [
        Scenario("shift_n50", Workload(lambda _: 0.2), _shift(50)),
        Scenario("lunch_n25", Workload(lambda _: 0.2), _lunch(25)),
        Scenario("small_long_n6", long_talks, _all_day(6)),
    ]


def _scored() -> list[Scenario]:
    """Return lists whose leads differ and whose odds the caller knows: what a score per lead is worth."""
    told = [
        Scenario(f"scored_n{size}", Workload(lambda _: 0.2, spread=0.15), _all_day(size), tells_odds=True)
        for size in (10, 25)
    ]
    return told + [replace(scenario, name=f"un{scenario.name}", tells_odds=False) for scenario in told]


def _all_day(size: int) -> tuple[tuple[Presence, ...], ...]:
    return ((Presence(0, FOUR_HOURS_S),),) * size


def _shift(size: int) -> tuple[tuple[Presence, ...], ...]:
    """Half the team leaves over ten minutes around half-time, others come over the ten minutes after."""
    half, turn = size // 2, FOUR_HOURS_S / 2
    leaving = tuple((Presence(0, turn - 300 + 600 * i / half),) for i in range(half))
    coming = tuple((Presence(turn + 600 * i / half, FOUR_HOURS_S),) for i in range(half))
    return _all_day(size - half) + leaving + coming


def _lunch(size: int) -> tuple[tuple[Presence, ...], ...]:
    """Two waves go for half an hour each, from half past one hour on."""
    return tuple(
        (Presence(0, out), Presence(out + 1800, FOUR_HOURS_S))
        for out in (1.5 * HOUR_S + (0 if i % 2 else 1800) + 6 * i for i in range(size))
    )
