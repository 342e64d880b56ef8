"""Runs policies over scenarios and seeds, in parallel processes, and adds up what the benchmark reports."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from multiprocessing import get_context
from statistics import fmean, median, stdev

from dialer.bench.machine import quantile
from dialer.bench.pacing.centre import Centre, Policy, Tally
from dialer.bench.pacing.peers import Adapt, FixedRatio, Vicidial
from dialer.bench.pacing.scenarios import catalogue
from dialer.bench.pacing.school import taught
from dialer.pacing import Pacer, PacingPolicy

PREDICTIVE, PREDICTIVE_WARM = "predictive", "predictive, warm"
RATIO = "ratio"
RATIOS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.2, 5.0, 6.0, 7.5, 10.0, 14.0, 18.0, 22.0)
"""Lines per free agent among which the best fixed ratio is searched, on the very seeds that are reported."""
COMPLIANT = 0.03
LONG_RUN = 300
"""Live answers from which a single run must keep the limit, too."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of the benchmark: who plays what, on which seed."""

    scenario: str
    policy: str
    seed: int
    duration_s: float
    lines_per_agent: float = 1.0
    target: float = PacingPolicy().abandon_target


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to; times in seconds, `hours` are (live, abandoned)."""

    entry: Entry
    utilisation: float
    idle_s: float
    live: int
    abandoned: int
    dialled: int
    hours: tuple[tuple[int, int], ...]
    decision_median_s: float
    decision_p99_s: float

    @property
    def rate(self) -> float:
        """The share of its live answers that was abandoned."""
        return self.abandoned / self.live if self.live else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One policy on one scenario over all seeds; shares of one, times in seconds, `half_width` of the 95 % interval."""

    scenario: str
    policy: str
    lines_per_agent: float | None
    seeds: int
    utilisation: float
    half_width: float
    idle_s: float
    abandoned: float
    worst_run: float
    worst_hour: float
    dials_per_connect: float
    decision_median_ms: float
    decision_p99_ms: float

    @property
    def compliant(self) -> bool:
        """Whether the pooled abandonment keeps 3 %."""
        return self.abandoned <= COMPLIANT


def play(entry: Entry) -> Run:
    """Run one entry to its end."""
    scenario = catalogue()[entry.scenario].shortened(entry.duration_s)
    tally = Centre(scenario, _policy(entry), entry.seed).run()
    return _run(entry, tally)


def contest(
    names: Sequence[str],
    policies: Sequence[str],
    seeds: Sequence[int],
    *,
    duration_s: float,
    target: float,
    jobs: int,
) -> list[Row]:
    """Play every policy on every scenario and seed, `jobs` at a time.

    The fixed ratio tries all RATIOS on a few of the seeds; the two most promising play them all, the better is told.
    """
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        promising: dict[str, tuple[float, ...]] = {name: RATIOS for name in names}
        if RATIO in policies:
            few = [
                Entry(name, RATIO, seed, duration_s, lines) for name in names for lines in RATIOS for seed in seeds[:2]
            ]
            tried = _played(pool, few)
            promising = {name: _promising([run for run in tried if run.entry.scenario == name]) for name in names}
        runs = _played(
            pool,
            [
                Entry(name, policy, seed, duration_s, lines, target)
                for name in names
                for policy in policies
                for lines in (promising[name] if policy == RATIO else (1.0,))
                for seed in seeds
            ],
        )
    return [_best(name, policy, runs) for name in names for policy in policies]


def _played(pool: Executor, entries: Sequence[Entry]) -> list[Run]:
    # The longest first, so that no process is left with one at the end.
    return list(pool.map(play, sorted(entries, key=lambda entry: -catalogue()[entry.scenario].size)))


def _promising(runs: Sequence[Run]) -> tuple[float, ...]:
    """Return the most lines that kept the limit, and the next more."""
    rows = _rows_by_lines(runs)
    most = max((place for place, row in enumerate(rows) if row.compliant), default=0)
    return tuple(row.lines_per_agent or 1.0 for row in rows[most : most + 2])


def _policy(entry: Entry) -> Policy:
    match entry.policy:
        case "VICIdial tapered":
            return Vicidial(Adapt.TAPERED)
        case "VICIdial average":
            return Vicidial(Adapt.AVERAGE)
        case "predictive, warm":
            return Pacer(_knobs(entry, "predictive"), taught(catalogue()[entry.scenario], entry.seed))
        case "ratio":
            return FixedRatio(entry.lines_per_agent)
        case mode:
            return Pacer(_knobs(entry, mode))


def _knobs(entry: Entry, mode: str) -> PacingPolicy:
    return PacingPolicy(mode=mode, abandon_target=entry.target, lines_per_agent=entry.lines_per_agent)


def _run(entry: Entry, tally: Tally) -> Run:
    return Run(
        entry=entry,
        utilisation=tally.busy_s / tally.staffed_s,
        idle_s=tally.idle_s / max(tally.connected, 1),
        live=tally.live,
        abandoned=tally.abandoned,
        dialled=tally.dialled,
        hours=tuple(tally.hours),
        decision_median_s=median(tally.decisions_s),
        decision_p99_s=quantile(tally.decisions_s, 0.99) or 0.0,
    )


def _best(scenario: str, policy: str, runs: Sequence[Run]) -> Row:
    """Return the row of a policy; of several ratios the one of most utilisation that keeps the limit."""
    mine = [run for run in runs if (run.entry.scenario, run.entry.policy) == (scenario, policy)]
    rows = _rows_by_lines(mine)
    return max([row for row in rows if row.compliant] or rows[:1], key=lambda row: row.utilisation)


def _rows_by_lines(runs: Sequence[Run]) -> list[Row]:
    lines = sorted({run.entry.lines_per_agent for run in runs})
    return [row_of([run for run in runs if run.entry.lines_per_agent == many]) for many in lines]


def row_of(runs: Sequence[Run]) -> Row:
    """Return what runs of one policy on one scenario come to together."""
    used = [run.utilisation for run in runs]
    live, abandoned = sum(run.live for run in runs), sum(run.abandoned for run in runs)
    connected = max(live - abandoned, 1)
    entry = runs[0].entry
    return Row(
        scenario=entry.scenario,
        policy=entry.policy,
        lines_per_agent=entry.lines_per_agent if entry.policy == RATIO else None,
        seeds=len(runs),
        utilisation=fmean(used),
        half_width=1.96 * stdev(used) / sqrt(len(used)) if len(used) > 1 else 0.0,
        idle_s=sum(run.idle_s * (run.live - run.abandoned) for run in runs) / connected,
        abandoned=abandoned / live if live else 0.0,
        worst_run=max((run.rate for run in runs if run.live >= LONG_RUN), default=max(run.rate for run in runs)),
        worst_hour=max((lost / many for run in runs for many, lost in run.hours if many >= 20), default=0.0),
        dials_per_connect=sum(run.dialled for run in runs) / connected,
        decision_median_ms=1e3 * median(run.decision_median_s for run in runs),
        decision_p99_ms=1e3 * median(run.decision_p99_s for run in runs),
    )
