"""`dialer bench`: measure, with the machine's load beside every figure."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from dialer.types import DialerError, InputError

if TYPE_CHECKING:
    from types import ModuleType

    from dialer.bench.load import Result
    from dialer.bench.simulated import SimulatedResult


@click.group()
def bench() -> None:
    """Measure the dialer on this machine.

    Without --simulated it needs the real servers that scripts/provision brings.
    """


@bench.command(short_help="Dial at full rate and check every call.")
@click.option("--simulated", is_flag=True, help="Dial through a simulated Asterisk: no root, no sipp, no sound.")
@click.option("--seconds", default=60.0, show_default=True, help="How long to dial.")
@click.option("--rate", type=float, help="Calls a second.  [default: 50; simulated: 200]")
@click.option("--agents", type=int, help="Registered softphones.  [default: 100; simulated: 500]")
@click.option("--no-media", is_flag=True, help="Carrier and softphones send no sound.")
@click.option("--no-recording", is_flag=True, help="Conversations are not recorded.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def load(
    *,
    simulated: bool,
    seconds: float,
    rate: float | None,
    agents: int | None,
    no_media: bool,
    no_recording: bool,
    as_json: bool,
) -> None:
    """Dial at full rate and check every call against what the far end saw.

    30 % of the calls are answered and talk 4.5 s. Through a real Asterisk with sipp as carrier and softphones it needs
    root (the Asterisk root file system) and sipp; with --simulated it needs nothing, and our AMI client is compared
    with panoramisk on a stream recorded meanwhile.
    """
    asked = {"seconds": seconds, "recording": not no_recording}
    asked |= {name: value for name, value in {"rate": rate, "agents": agents}.items() if value is not None}
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
        result = _simulated(asked, Path(folder)) if simulated else _real({**asked, "media": not no_media}, Path(folder))
    if as_json:
        click.echo(json.dumps(result.figures()))
    else:
        _show(result)


def _simulated(asked: dict[str, Any], folder: Path) -> SimulatedResult:
    # Here, not above: what a bench loads no other command needs.
    from dialer.bench.simulated import SimulatedPlan, run

    return run(SimulatedPlan(**asked), folder)


def _real(asked: dict[str, Any], folder: Path) -> Result:
    load_bench = _laboratory()
    result: Result = load_bench.run(load_bench.Plan(**asked), folder)
    return result


def _laboratory() -> ModuleType:
    """Return the bench of the laboratory; its servers are those of the tests, so it runs from a checkout only."""
    try:
        module = import_module("dialer.bench.load")
    except ModuleNotFoundError as exc:
        raise InputError(
            f"{exc.name} is missing: run the bench from the project's checkout, after 'make setup'"
        ) from exc
    module.require_laboratory()
    return module


@bench.command(short_help="Compare pacing policies on simulated days.")
@click.option("--scenario", "scenarios", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--policy", "policies", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(1), help="Days simulated for each figure.")
@click.option("--first-seed", default=1000, show_default=True, help="The seeds follow from here.")
@click.option("--hours", default=4.0, show_default=True, type=click.FloatRange(0.1, 4), help="Length of a day.")
@click.option("--target", type=click.FloatRange(0, 0.2), help="The working target of abandonment.  [default: policy's]")
@click.option("--warm", is_flag=True, help="The predictive pacer starts with yesterday's history, beside the cold one.")
@click.option("--quick", is_flag=True, help="Three team sizes for 25 minutes each: done within a minute on two cores.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def pacing(*, warm: bool, quick: bool, as_json: bool, **asked: Any) -> None:
    """Compare pacing policies on simulated days: how long agents talk, how many callers meet silence.

    Everything is counted from the first second of a cold start. No policy sees anything but what a dialer sees.
    """
    from dialer.bench.machine import MachineMeter
    from dialer.bench.pacing.report import compare, figures, table

    meter = MachineMeter()
    rows = compare(quick=quick, warm=warm, **asked)
    machine = meter.read()
    if as_json:
        click.echo(json.dumps({"rows": figures(rows), "machine": machine}))
        return
    wide = None if sys.stdout.isatty() else 120
    Console(width=wide).print(table(rows, f"dialer bench pacing: {rows[0].seeds} seeds"))
    click.echo(_machine(machine))


@bench.command()
@click.option("--quick", is_flag=True, help="Short queues: whether it works, not how fast.")
@click.option("--chaos", is_flag=True, help="Kill two engines and Redis again and again instead, and count doubles.")
@click.option("--leases", default=100_000, show_default=True, type=click.IntRange(100), help="With --chaos.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def queues(*, quick: bool, chaos: bool, leases: int, as_json: bool) -> None:
    """Measure the queues on a Redis of their own: leases, reservations, looks at the clock.

    Leases of 100 out of 10,000 to 1,000,000 leads in 50 segments, whose queues keep their length; reservations of one
    call against three to six limits with twenty events each. A bare round trip to the same Redis stands beside them.
    """
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
        if chaos:
            _chaos(leases, Path(folder), as_json=as_json)
            return
        from dialer.bench.queues import QUICK, QueuesPlan, run
        from dialer.bench.queues_table import table

        result = run(QUICK if quick else QueuesPlan(), Path(folder))
    if as_json:
        click.echo(json.dumps(result.figures()))
        return
    Console(width=None if sys.stdout.isatty() else 120).print(table(result))
    click.echo(_machine(result.machine))


def _chaos(leases: int, folder: Path, *, as_json: bool) -> None:
    from dialer.bench.chaos import Chaos, ChaosPlan
    from dialer.bench.machine import MachineMeter

    meter = MachineMeter()
    result = Chaos(ChaosPlan(leases=leases), folder).run()
    machine = meter.read()
    if as_json:
        click.echo(json.dumps({**result.figures(), "machine": machine}))
    else:
        for name, value in result.figures().items():
            click.echo(f"{name.replace('_', ' ')}: {value}")
        click.echo(_machine(machine))
    if not result.clean:
        raise DialerError("a lead was called twice, or somebody was in two calls at once; the figures say who")


@bench.command("import", short_help="Bring a long list into SQLite and PostgreSQL.")
@click.option("--rows", default=1_000_000, show_default=True, type=click.IntRange(1), help="Length of the list.")
@click.option("--quick", is_flag=True, help="A short list: whether it works, not how fast.")
@click.option(
    "--database", "databases", multiple=True, type=click.Choice(["sqlite", "postgresql"]), help="Only this one."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def import_(*, rows: int, quick: bool, databases: tuple[str, ...], as_json: bool) -> None:
    """Bring a long list in by the real command, into SQLite and a private PostgreSQL.

    Seconds are those of the whole command; memory is the sum of all its processes. Beside it stands a bare copy of
    the same rows into empty tables with the same keys.
    """
    from dialer.bench.imports import QUICK_ROWS, ImportPlan, run

    plan = ImportPlan(QUICK_ROWS if quick else rows, databases or ("sqlite", "postgresql"))
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
        measured, machine = run(plan, Path(folder))
    figures = [each.figures() for each in measured]
    if as_json:
        click.echo(json.dumps({"imports": figures, "machine": machine}))
        return
    table = Table(title=f"dialer bench import: {plan.rows} rows")
    table.add_column("figure")
    for each in figures:
        table.add_column(str(each["database"]), justify="right")
    for name in figures[0] if figures else ():
        table.add_row(name.replace("_", " "), *(str(each[name]) for each in figures))
    Console().print(table)
    click.echo(_machine(machine))


REAL_LIMITS = {"join_p50_ms": "limit 5", "join_p99_ms": "limit 25", "engine_cores": "limit 0.25"}
SIMULATED_LIMITS = {"event_lag_p99_ms": "limit 50"}


def _show(result: Result | SimulatedResult) -> None:
    figures = result.figures()
    machine = figures.pop("machine")
    simulated = "twin_cores" in figures
    limits = SIMULATED_LIMITS if simulated else REAL_LIMITS
    title = f"dialer bench load{' --simulated' if simulated else ''}: {result.plan.rate:g} calls/s"
    table = Table(title=f"{title} for {result.plan.seconds:g} s")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        shown = len(shown) if isinstance(shown, list) else shown
        table.add_row(name, f"{shown}" + (f"  ({limits[name]})" if name in limits else ""))
    Console().print(table)
    click.echo(_machine(machine))


def _machine(machine: Mapping[str, float]) -> str:
    return (
        f"machine: {machine['cores']:g} cores, {machine['busy']:.0%} busy, "
        f"load {machine['load_before']} before and {machine['load_after']} after"
    )
