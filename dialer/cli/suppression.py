"""`dialer leads suppress`, `unsuppress`, `suppressed` and `dnc`: who must not be called."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress as ignoring
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from campaigns.compliance import debt_key, person_key, phone_key
from campaigns.do_not_call import DoNotCallLists, Imported
from campaigns.finding import Found, find, only_country
from campaigns.stops import ABOUT_A_PERSON, StopKind
from campaigns.suppression import Change, Order, Suppressions, accounts_of, numbers_of
from dialer.app.redis import open_redis
from dialer.app.store import open_store
from dialer.cli.door import configuration, json_option, show, show_rows, wait_for
from dialer.config import Config
from dialer.queues.bus import CommandBus
from dialer.store import Store
from dialer.types import DialerError, InputError
from dialer.validation import moment

_COLUMNS = ("key", "kind", "since", "until", "by_name", "source", "note", "lifted_at", "lifted_by")
_TELL_S = 2.0

country_option = click.option(
    "--country", default="", metavar="XX", help="Country of numbers typed without + (default: the campaigns')."
)
by_option = click.option("--by", required=True, help="Whose word it is: a person's name.")


@click.command(short_help="Stop calls to a number, a person, about a debt.")
@click.argument("who", metavar="PHONE|DEBTOR|debt:ID")
@click.option("--kind", type=click.Choice([kind.value for kind in StopKind]), required=True, help="Why.")
@by_option
@click.option("--until", default=None, help="A moment with its zone at which it ends (default: when it is lifted).")
@click.option("--note", default="", help="Anything worth knowing later.")
@country_option
@json_option
@click.pass_context
def suppress(
    ctx: click.Context, *, who: str, kind: str, by: str, until: str | None, note: str, country: str, as_json: bool
) -> None:
    """Stop calls to a number, a person or about a debt, in every campaign (no llamar).

    In force at once, for calls that are queued already too. What is said of a person (cease_request, represented,
    deceased, hardship) holds for everybody who has the number.
    """
    config = configuration(ctx)
    ends = None if until is None else moment(until)
    order = Order("", kind, _named(by), "command line", note, ends)
    keys, change = wait_for(_suppress(config, who, order, country))
    answer = {"keys": keys, "kind": kind, "new": change.changed, "debtors": len(change.debtor_ids)}
    new = "in force" if change.changed else "in force already"
    show(answer, as_json=as_json, sentence=f"{kind}, {new}: {', '.join(keys)}; {_people(change)}")


@click.command(short_help="Allow calls again that were suppressed.")
@click.argument("who", metavar="PHONE|DEBTOR|debt:ID")
@click.option("--kind", default=None, help="Only this one (default: whatever is in force).")
@by_option
@country_option
@json_option
@click.pass_context
def unsuppress(ctx: click.Context, *, who: str, kind: str | None, by: str, country: str, as_json: bool) -> None:
    """Allow calls again that were suppressed; what was in force stays readable with `suppressed --past`."""
    config = configuration(ctx)
    keys, change, left = wait_for(_unsuppress(config, who, kind, _named(by), country))
    if not change.changed:
        raise InputError(f"nothing{f' of kind {kind}' if kind else ''} is in force for {', '.join(keys)}")
    answer = {"keys": keys, "lifted": change.changed, "debtors": len(change.debtor_ids), "left": left}
    still = f"; still in force: {', '.join(left)}" if left else ""
    show(answer, as_json=as_json, sentence=f"{change.changed} lifted: {', '.join(keys)}; {_people(change)}{still}")


@click.command()
@click.argument("who", metavar="[PHONE|DEBTOR|debt:ID]", default="")
@click.option("--kind", default="", help="Only this kind or list.")
@click.option("--past", is_flag=True, help="Those that were lifted, too.")
@click.option("--last", default=100, show_default=True, help="At most so many, the newest.")
@country_option
@json_option
@click.pass_context
def suppressed(ctx: click.Context, *, who: str, kind: str, past: bool, last: int, country: str, as_json: bool) -> None:
    """Show who must not be called, by whose word and since when."""
    rows = wait_for(_listed(configuration(ctx), who, kind, past=past, last=last, country=country))
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows(rows, _COLUMNS if past else _COLUMNS[:-2], "suppressed")


@click.group()
def dnc() -> None:
    """Imported do-not-call lists (listas de no llamar)."""


@dnc.command("import")
@click.argument("name", metavar="LIST")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@by_option
@country_option
@json_option
@click.pass_context
def import_(ctx: click.Context, *, name: str, file: Path, by: str, country: str, as_json: bool) -> None:
    """Put a FILE of numbers in force as the newest edition of LIST, named as profiles name it in `dnc`.

    One number a line. The edition before it is replaced: numbers that are gone may be called again.
    """
    result = wait_for(_import(configuration(ctx), name, file, _named(by), country, quiet=as_json))
    told = {"list": name, "numbers": result.numbers, "added": result.added, "lifted": result.lifted}
    told |= {"unusable": result.unusable, "examples": list(result.examples)}
    unusable = f"; {result.unusable} lines hold no number: {'; '.join(result.examples)}" if result.unusable else ""
    sentence = f"{name}: {result.numbers} numbers in force, {result.added} new, {result.lifted} gone{unusable}"
    show(told, as_json=as_json, sentence=sentence)


@dnc.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Show the lists in force, and which are old."""
    rows = wait_for(_editions(configuration(ctx)))
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows(rows, ("list", "numbers", "at", "by", "file", "old"), "do-not-call lists")


def _named(by: str) -> str:
    name = " ".join(by.split())
    if not name or len(name) > 80:
        raise InputError(f"--by {by!r}: give the name of a person, of at most 80 characters")
    return name


def _people(change: Change) -> str:
    return f"{len(change.debtor_ids)} debtor{'' if len(change.debtor_ids) == 1 else 's'} concerned"


async def _meant(store: Store, who: str, country: str) -> Found:
    async with store.snapshot() as session:
        return await find(session, who, country.upper() or await only_country(session))


async def _keys(store: Store, found: Found, kind: str) -> list[str]:
    """Return what an order of this kind is kept by: a dispute by each debt, a person's word by each person too."""
    if kind == StopKind.DISPUTE and found.account_id is None and found.debtor_ids:
        async with store.snapshot() as session:
            accounts = await accounts_of(await session.connection(), found.debtor_ids)
        debts = [debt_key(debt) for debtor in found.debtor_ids for debt in accounts.get(debtor, ())]
        return debts or [person_key(debtor) for debtor in found.debtor_ids]
    if kind in ABOUT_A_PERSON and found.phone is not None:
        return [*found.keys, *(person_key(debtor) for debtor in found.debtor_ids)]
    return list(found.keys)


async def _suppress(config: Config, who: str, order: Order, country: str) -> tuple[list[str], Change]:
    now = config.clock().now()
    if order.until is not None and order.until <= now:
        raise InputError(f"--until {order.until.isoformat()} is over already")
    async with open_store(config) as store:
        keys = await _keys(store, await _meant(store, who, country), order.kind)
        change = await Suppressions(store).add([replace(order, key=key) for key in keys], now)
    await _tell_engine(config, change.debtor_ids)
    return keys, change


async def _unsuppress(
    config: Config, who: str, kind: str | None, by: str, country: str
) -> tuple[list[str], Change, list[str]]:
    """Lift what is meant; return its keys, the change, and what else holds for the people concerned."""
    async with open_store(config) as store:
        found = await _meant(store, who, country)
        async with store.snapshot() as session:
            connection = await session.connection()
            debts = await accounts_of(connection, found.debtor_ids)
            numbers = await numbers_of(connection, found.debtor_ids)
        people = [] if found.account_id else [person_key(debtor) for debtor in found.debtor_ids]
        of_people = [debt_key(debt) for debtor in found.debtor_ids for debt in debts.get(debtor, ()) if people]
        keys = list(dict.fromkeys([*found.keys, *people, *of_people]))
        shelf = Suppressions(store)
        change = await shelf.lift(keys, kind, by=by, now=config.clock().now())
        left = await shelf.listed([*keys, *(phone_key(number) for number in numbers)])
    return keys, change, [f"{row['kind']} on {row['key']}" for row in left]


async def _listed(config: Config, who: str, kind: str, *, past: bool, last: int, country: str) -> list[dict[str, Any]]:
    async with open_store(config) as store:
        keys: list[str] = []
        if who:
            found = await _meant(store, who, country)
            keys = [*found.keys, *(person_key(debtor) for debtor in found.debtor_ids)]
        return await Suppressions(store).listed(keys, kind=kind, past=past, limit=last)


async def _import(config: Config, name: str, file: Path, by: str, country: str, *, quiet: bool) -> Imported:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn())
    async with open_store(config) as store:
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
            task = bar.add_task("numbers", total=None)
            return await DoNotCallLists(store).load(
                name,
                file,
                by=by,
                now=config.clock().now(),
                country=country.upper(),
                progress=lambda count: bar.advance(task, count),
            )


async def _editions(config: Config) -> list[dict[str, Any]]:
    now = config.clock().now()
    async with open_store(config) as store:
        return [
            {"list": e.name, "numbers": e.numbers, "at": e.at, "by": e.by, "file": e.file, "old": e.is_old(now)}
            for e in await DoNotCallLists(store).editions()
        ]


async def _tell_engine(config: Config, debtor_ids: Sequence[int]) -> None:
    """Let a running engine clear its queues; every call is checked again before it is placed: nothing depends on it."""
    with ignoring(DialerError):
        async with open_redis(config) as redis:
            await CommandBus(redis).request("leads.suppressed", {"debtors": list(debtor_ids)}, _TELL_S)
