"""`dialer bench`: measure, with the machine's load beside every figure."""

from __future__ import annotations

import json
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from dialer.types import InputError

if TYPE_CHECKING:
    from types import ModuleType

    from dialer.bench.load import Result


@click.group()
def bench() -> None:
    """Measure the dialer on this machine.

    Needs the real servers that scripts/provision brings.
    """


@bench.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long to dial.")
@click.option("--rate", default=50.0, show_default=True, help="Calls a second.")
@click.option("--agents", default=100, show_default=True, help="Registered softphones.")
@click.option("--no-media", is_flag=True, help="Carrier and softphones send no sound.")
@click.option("--no-recording", is_flag=True, help="Conversations are not recorded.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def load(*, seconds: float, rate: float, agents: int, no_media: bool, no_recording: bool, as_json: bool) -> None:
    """Dial through a real Asterisk with sipp as carrier and softphones, and check every call.

    30 % of the calls are answered and talk 4.5 s. Needs root (the Asterisk root file system) and sipp.
    """
    load_bench = _laboratory()
    plan = load_bench.Plan(seconds=seconds, rate=rate, agents=agents, media=not no_media, recording=not no_recording)
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
        result = load_bench.run(plan, Path(folder))
    if as_json:
        click.echo(json.dumps(result.figures()))
    else:
        _show(result)


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


def _show(result: Result) -> None:
    figures = result.figures()
    machine = figures.pop("machine")
    table = Table(title=f"dialer bench load: {result.plan.rate:g} calls/s for {result.plan.seconds:g} s")
    table.add_column("figure")
    table.add_column("value", justify="right")
    limits = {"join_p50_ms": "limit 5", "join_p99_ms": "limit 25", "engine_cores": "limit 0.25"}
    for name, value in figures.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        shown = len(shown) if isinstance(shown, list) else shown
        table.add_row(name, f"{shown}" + (f"  ({limits[name]})" if name in limits else ""))
    Console().print(table)
    click.echo(
        f"machine: {machine['cores']:g} cores, {machine['busy']:.0%} busy, "
        f"load {machine['load_before']} before and {machine['load_after']} after"
    )
