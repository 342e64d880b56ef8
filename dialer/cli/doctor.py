"""`dialer doctor`: is this installation fit to call, and if not, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import click

from dialer.cli.door import EXIT_FAILED, configuration, json_option, show, show_rows, wait_for
from dialer.clock import SystemClock
from dialer.config import Config
from dialer.doctor import Check, Status, Step, examine, place
from dialer.doctor.trial import own_phone, trunk_for
from dialer.types import InputError

COLUMNS = ("part", "check", "status", "found")


@click.command()
@click.option("--call", "number", metavar="NUMBER", default="", help="Instead: call this phone, yours, and tell all.")
@click.option("--trunk", default="", help="Through this trunk (default: the first of config.toml).")
@click.option("--yes", is_flag=True, help="Do not ask before calling.")
@json_option
@click.pass_context
def doctor(ctx: click.Context, *, number: str, trunk: str, yes: bool, as_json: bool) -> None:
    """Say what is wrong with this installation, and the remedy.

    Changes nothing, and works while the service runs. Ends with status 1 when something has failed.

    With --call it places one call to a phone of yours: you hear the agency's message, and the call ends.
    """
    config = configuration(ctx)
    if number:
        _call(config, number, trunk, yes=yes, as_json=as_json)
    elif trunk or yes:
        raise InputError("--trunk and --yes belong to --call NUMBER")
    else:
        _examine(config, as_json=as_json)


def _examine(config: Config, *, as_json: bool) -> None:
    checks = wait_for(examine(config, SystemClock()))
    counts = Counter(check.status for check in checks)
    if as_json:
        told = {"ok": not counts[Status.FAILED], "counts": {status: counts[status] for status in Status}}
        show({**told, "checks": [asdict(check) for check in checks]}, as_json=True)
    else:
        _show(checks)
        click.echo(", ".join(f"{counts[status]} {status}" for status in Status if counts[status]))
    if counts[Status.FAILED]:
        raise SystemExit(EXIT_FAILED)


def _show(checks: Sequence[Check]) -> None:
    """Failures first; within a status the parts keep together."""
    ordered = sorted(checks, key=lambda check: list(Status).index(check.status))
    rows = [{"part": c.part, "check": c.name, "status": c.status, "found": c.detail} for c in ordered]
    show_rows(rows, COLUMNS, "dialer doctor")
    for check in ordered:
        if check.remedy:
            click.echo(f"{check.part}, {check.name}: {check.remedy}")


def _call(config: Config, number: str, trunk_name: str, *, yes: bool, as_json: bool) -> None:
    phone, trunk = own_phone(number), trunk_for(config, trunk_name)
    if not yes:
        click.confirm(f"Call {phone} now through {trunk.name}? It must be a phone of yours", abort=True, err=True)
    trial = wait_for(place(config, trunk, phone, SystemClock(), _silent if as_json else _tell))
    if as_json:
        show(asdict(trial), as_json=True)
    else:
        click.echo(f"{'heard' if trial.ok else 'not heard'}: {trial.outcome}, {trial.total_s:.1f} s in all")
    if not trial.ok:
        raise SystemExit(EXIT_FAILED)


def _silent(_: Step) -> None:
    """Say nothing: the whole story is printed as JSON at the end."""


def _tell(step: Step) -> None:
    click.echo(f"{step.at_s:6.1f} s  {step.what:<10} {step.detail}")
    if step.remedy:
        click.echo(f"{'':10}{step.remedy}")
