"""`dialer campaign segment`: who belongs where, said by rules."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from campaigns.segmenting import Saved, Segments, Unconfirmed
from campaigns.segments import parse_rule, rule_of_text
from dialer.app.store import open_store
from dialer.cli.door import configuration, json_option, show, show_rows, wait_for
from dialer.config import Config
from dialer.types import InputError
from dialer.validation import read_toml

COLUMNS = ("segment", "priority", "weight", "leads", "source", "where")
EXAMPLE = "'balance = { min = 1000 }, product = [\"card\"]'"

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(short_help="Add, change and count the segments of a campaign.")
def segment() -> None:
    """Add, change and count the segments of a campaign; docs/segments.md explains rules."""


def said(command: Command) -> Command:
    """Give a command the options that say what a segment is."""
    options = (
        click.option("--where", help=f"The rule, such as {EXAMPLE}."),
        click.option("--file", type=click.Path(path_type=Path), help="A TOML file with the segment's keys."),
        click.option("--priority", type=int, help="Whoever falls under several belongs to the highest."),
        click.option("--weight", type=int, help="Its share of the calls."),
        click.option("--script", help="Shown to the agent with the call."),
        click.option("--yes", is_flag=True, help="Save a rule that matches nobody without asking."),
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@segment.command(short_help="Add a segment; the leads it matches move into it.")
@click.argument("campaign")
@click.argument("name")
@said
@click.pass_context
def add(ctx: click.Context, /, campaign: str, name: str, *, yes: bool, as_json: bool, **keys: Any) -> None:
    """Add a segment to CAMPAIGN; the leads its rule matches move into it."""
    _save(ctx, "add", campaign, name, _table(**keys), yes=yes, as_json=as_json)


@segment.command(short_help="Change a segment; its leads move with it.")
@click.argument("campaign")
@click.argument("name")
@said
@click.pass_context
def change(ctx: click.Context, /, campaign: str, name: str, *, yes: bool, as_json: bool, **keys: Any) -> None:
    """Change the keys of a segment that are said; its leads move where they belong now."""
    _save(ctx, "change", campaign, name, _table(**keys), yes=yes, as_json=as_json)


def _table(*, where: str | None, file: Path | None, **keys: Any) -> dict[str, Any]:
    table = read_toml(file, "write one with the keys of [[segments]] in examples/campaign.toml") if file else {}
    if where is not None:
        table["where"] = rule_of_text(where).table
    return {**table, **{key: value for key, value in keys.items() if value is not None}}


def _save(
    ctx: click.Context, how: str, campaign: str, name: str, table: dict[str, Any], *, yes: bool, as_json: bool
) -> None:
    config = configuration(ctx)
    saved = wait_for(_saved(config, how, campaign, name, table, confirmed=yes))
    if isinstance(saved, Unconfirmed):
        _confirm(name)
        saved = wait_for(_saved(config, how, campaign, name, table, confirmed=True))
    if isinstance(saved, Unconfirmed):
        raise InputError(f"segment {name!r} was not saved")
    matched = "no rule" if saved.count is None else f"its rule matches {saved.count} leads"
    answer = {"campaign": campaign, "segment": name, "matches": saved.count, "moved": saved.moved}
    show(answer, as_json=as_json, sentence=f"segment {name} of campaign {campaign}: {matched}, {saved.moved} moved")


def _confirm(name: str) -> None:
    """Ask whether a rule that matches nobody is meant; where nobody can be asked, refuse."""
    nobody = f"the rule of segment {name!r} matches nobody now"
    if not at_a_terminal():
        raise InputError(f"{nobody}; correct it, or save it all the same with --yes", error_id="segment-matches-nobody")
    if not click.confirm(f"{nobody}. Save it all the same?"):
        raise InputError(f"{nobody}; nothing was saved", error_id="segment-matches-nobody")


def at_a_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin.isatty()


async def _saved(
    config: Config, how: str, campaign: str, name: str, table: dict[str, Any], *, confirmed: bool
) -> Saved | Unconfirmed:
    async with open_store(config) as store:
        segments = Segments(store)
        order = segments.add if how == "add" else segments.change
        return await order(campaign, name, table, confirmed=confirmed)


@segment.command()
@click.argument("campaign")
@click.argument("name")
@click.option("--to", help="The segment that takes the leads which no rule takes.")
@json_option
@click.pass_context
def remove(ctx: click.Context, campaign: str, name: str, to: str | None, as_json: bool) -> None:
    """Remove a segment; its leads go where a rule takes them."""
    moved = wait_for(_removed(configuration(ctx), campaign, name, to))
    answer = {"campaign": campaign, "segment": name, "moved": moved}
    show(answer, as_json=as_json, sentence=f"segment {name} of campaign {campaign} removed, {moved} leads moved")


async def _removed(config: Config, campaign: str, name: str, to: str | None) -> int:
    async with open_store(config) as store:
        return await Segments(store).remove(campaign, name, to=to)


@segment.command()
@click.argument("campaign")
@click.option("--where", help=f"The rule, such as {EXAMPLE}.")
@click.option("--file", type=click.Path(path_type=Path), help="A TOML file with the segment's keys.")
@json_option
@click.pass_context
def count(ctx: click.Context, campaign: str, where: str | None, file: Path | None, as_json: bool) -> None:
    """Count the leads of CAMPAIGN that a rule matches; nothing is saved."""
    table = _table(where=where, file=file)
    if "where" not in table:
        raise InputError(f"say which rule to count, with --where {EXAMPLE} or --file")
    found = wait_for(_counted(configuration(ctx), campaign, table["where"]))
    answer = {"campaign": campaign, "matches": found}
    show(answer, as_json=as_json, sentence=f"{found} leads of campaign {campaign} match")


async def _counted(config: Config, campaign: str, table: object) -> int:
    async with open_store(config) as store:
        return await Segments(store).count(campaign, parse_rule(table))


@segment.command("list")
@click.argument("campaign")
@json_option
@click.pass_context
def list_(ctx: click.Context, campaign: str, as_json: bool) -> None:
    """List the segments of CAMPAIGN as they are in force."""
    rows = wait_for(_listed(configuration(ctx), campaign))
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows(rows, COLUMNS, f"segments of {campaign}")


async def _listed(config: Config, campaign: str) -> list[dict[str, Any]]:
    async with open_store(config) as store:
        found = await Segments(store).list(campaign)
    return [
        {
            "segment": each.config.name,
            "priority": each.config.priority,
            "weight": each.config.weight,
            "leads": each.leads,
            "source": each.source,
            "where": None if each.config.where is None else each.config.where.table,
        }
        for each in found
    ]
