"""What the benchmark of pacing prints."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from rich.table import Table

from dialer.bench.pacing.contest import PREDICTIVE_WARM, Row, contest
from dialer.bench.pacing.scenarios import catalogue
from dialer.pacing import PacingPolicy
from dialer.types import InputError

QUICK, QUICK_S = ("n10_p20", "n25_p20", "n100_p20"), 1500.0
"""Scenarios and seconds of the quick benchmark, which ends within a minute on two cores."""
POLICIES = ("progressive", "VICIdial tapered", "VICIdial average", "ratio", "predictive")


CAPTION = (
    "talking: share of logged-in time in talk and wrap-up, ± 95 % interval; worst run of 300 live answers or more, "
    "worst hour; dials per connect; CPU of a decision.\n! above 3 %. ratio: lines per free agent, the best by search "
    "on these very seeds. Cold start unless it says warm."
)


def compare(
    *,
    scenarios: Sequence[str],
    policies: Sequence[str],
    seeds: int,
    first_seed: int,
    hours: float,
    target: float | None,
    jobs: int,
    warm: bool,
    quick: bool,
) -> list[Row]:
    """Play what was asked for, everything where nothing was; raises InputError for a name there is not."""
    names = tuple(scenarios) or (QUICK if quick else tuple(catalogue()))
    players = tuple(policies) or POLICIES
    _known("scenario", names, catalogue())
    _known("policy", players, (*POLICIES, PREDICTIVE_WARM))
    return contest(
        names,
        (*players, PREDICTIVE_WARM) if warm and PREDICTIVE_WARM not in players else players,
        range(first_seed, first_seed + seeds),
        duration_s=QUICK_S if quick else hours * 3600,
        target=PacingPolicy().abandon_target if target is None else target,
        jobs=jobs,
    )


def _known(what: str, asked: Sequence[str], there: Collection[str]) -> None:
    for name in asked:
        if name not in there:
            raise InputError(f"no {what} {name!r}: choose from {', '.join(there)}")


def table(rows: Sequence[Row], title: str) -> Table:
    """Return the rows for people; abandonment above the limit is marked."""
    shown = Table(title=title, caption=CAPTION)
    shown.add_column("scenario", no_wrap=True)
    shown.add_column("policy", no_wrap=True)
    for name in ("talking", "idle", "abandoned", "worst run", "hour", "dials", "ms p50/p99"):
        shown.add_column(name, justify="right", no_wrap=True)
    before = ""
    for row in rows:
        if before not in ("", row.scenario):
            shown.add_section()
        shown.add_row("" if row.scenario == before else row.scenario, *_cells(row))
        before = row.scenario
    return shown


def figures(rows: Sequence[Row]) -> list[Mapping[str, object]]:
    """Return the rows for programs: shares of one, seconds, milliseconds as their names say."""
    return [{**asdict(row), "compliant": row.compliant} for row in rows]


def _cells(row: Row) -> tuple[str, ...]:
    policy = row.policy if row.lines_per_agent is None else f"{row.policy} {row.lines_per_agent:g}"
    return (
        policy,
        f"{row.utilisation:.1%} ± {100 * row.half_width:.1f}",
        f"{row.idle_s:.1f} s",
        f"{row.abandoned:.2%}{'' if row.compliant else ' !'}",
        f"{row.worst_run:.2%}",
        f"{row.worst_hour:.1%}",
        f"{row.dials_per_connect:.2f}",
        f"{row.decision_median_ms:.2f} / {row.decision_p99_ms:.2f}",
    )
