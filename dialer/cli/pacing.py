"""`dialer campaign pacing` and `dialer campaign decisions`: steer the pace, and ask why it was as it was."""

from __future__ import annotations

from typing import Any

import click

from campaigns.decisions import PacingMinutes
from campaigns.effective import effective
from campaigns.repository import Campaigns
from dialer.app.store import open_store
from dialer.cli.door import ask_engine, configuration, json_option, show, show_rows, wait_for
from dialer.config import Config
from dialer.types import InputError, Unavailable
from dialer.validation import moment

COLUMNS = ("at", "node", "mode", "dial", "cancelled", "risk", "agents", "calls", "reason")


@click.command()
@click.argument("name")
@click.option("--mode", default=None, help="The mode from now on.")
@click.option("--knob", "knobs", multiple=True, metavar="KNOB=VALUE", help="A knob of [pacing]; may be repeated.")
@json_option
@click.pass_context
def pacing(ctx: click.Context, name: str, mode: str | None, knobs: tuple[str, ...], as_json: bool) -> None:
    """Show or turn the knobs of a campaign that runs.

    A change is in force before the next decision, and stays until it is turned again.
    """
    config = configuration(ctx)
    turned = {**({"mode": mode} if mode else {}), **dict(map(knob, knobs))}
    answer = _turn(config, name, turned) if turned else wait_for(_pacing(config, name))
    if as_json:
        show(answer, as_json=True)
        return
    rows = [{"knob": knob, "value": value} for knob, value in answer["pacing"].items()]
    show_rows(rows, ("knob", "value"), f"pacing of {name}")


def knob(text: str) -> tuple[str, float | str]:
    """Return the name and value of a knob; raises InputError for a text that is none."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InputError(f"--knob {text!r}: write KNOB=VALUE, such as abandon_target=0.02")
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _turn(config: Config, name: str, knobs: dict[str, Any]) -> dict[str, Any]:
    """Let the engine do it; without one the books keep it for the next engine."""
    try:
        return ask_engine(config, "campaign.pacing", campaign=name, knobs=knobs)
    except Unavailable as exc:
        if exc.error_id != "engine-away":
            raise
        return wait_for(_keep(config, name, knobs))


async def _keep(config: Config, name: str, knobs: dict[str, Any]) -> dict[str, Any]:
    async with open_store(config) as store, store.transaction() as session:
        campaigns = Campaigns(session)
        row = await campaigns.get(name)
        tuned = effective(row, await campaigns.segments(row.id)).tuned({**row.pacing, **knobs})
        await campaigns.set_pacing(name, knobs)
    return {"campaign": name, "pacing": tuned.pacing.model_dump(mode="json"), "engine": False}


async def _pacing(config: Config, name: str) -> dict[str, Any]:
    async with open_store(config) as store, store.snapshot() as session:
        campaigns = Campaigns(session)
        row = await campaigns.get(name)
        tuned = effective(row, await campaigns.segments(row.id))
    return {"campaign": name, "pacing": tuned.pacing.model_dump(mode="json")}


@click.command()
@click.argument("name")
@click.option("--at", default=None, help="A past moment with its zone, such as 2026-06-02T15:04:05-03:00.")
@click.option("--last", default=10, show_default=True, help="So many of the newest decisions.")
@json_option
@click.pass_context
def decisions(ctx: click.Context, name: str, at: str | None, last: int, as_json: bool) -> None:
    """Explain the calls placed, decision by decision.

    Each with what was known then. Half an hour is kept decision by decision while the engine runs, everything
    before it minute by minute.
    """
    config = configuration(ctx)
    rows = _from_engine(config, name, at, last) or wait_for(_from_books(config, name, at, last))
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows([_short(row) for row in rows], COLUMNS, f"decisions of {name}")


def _from_engine(config: Config, name: str, at: str | None, last: int) -> list[dict[str, Any]]:
    try:
        answer = ask_engine(config, "campaign.decisions", campaign=name, at=at, count=last)
    except Unavailable:
        return []  # whoever decided is gone: the books know, minute by minute
    found = [{**entry, "node": node} for node, entries in answer["decisions"].items() for entry in entries]
    return sorted(found, key=lambda entry: str(entry["at"]))


async def _from_books(config: Config, name: str, at: str | None, last: int) -> list[dict[str, Any]]:
    async with open_store(config) as store, store.snapshot() as session:
        campaign = await Campaigns(session).get(name)
        shelf = PacingMinutes(session)
        minutes = await (shelf.around(campaign.id, moment(at), 1) if at else shelf.newest(campaign.id, last))
    return [{**minute.last, "node": minute.node} for minute in minutes]


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose counts fit into a cell."""
    counts = {
        key: " ".join(f"{what} {count}" for what, count in row[key].items() if count) for key in ("agents", "calls")
    }
    return {**row, **counts}
