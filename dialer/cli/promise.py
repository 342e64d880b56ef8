"""`dialer leads promise`: promises to pay, and whether they were kept."""

from __future__ import annotations

from typing import Any

import click

from campaigns.cadence.promised import Kept
from campaigns.promises import Promises
from campaigns.repository import Campaigns
from dialer.app.store import open_store
from dialer.cli.door import configuration, json_option, show, show_rows, wait_for
from dialer.config import Config
from dialer.types import InputError

COLUMNS = ("debtor", "debt", "creditor", "product", "amount", "currency", "due_on", "agent", "made_at")


@click.group()
def promise() -> None:
    """See promises to pay, and say whether they were kept.

    A payment that an imported list shows keeps a promise by itself; a day that passes without one breaks it.
    """


@promise.command()
@click.argument("campaign")
@click.argument("debtor")
@json_option
@click.pass_context
def kept(ctx: click.Context, campaign: str, debtor: str, as_json: bool) -> None:
    """Say that DEBTOR kept the open promises of CAMPAIGN."""
    _decide(ctx, campaign, debtor, Kept.KEPT, as_json=as_json)


@promise.command(short_help="Say that a debtor broke the open promises.")
@click.argument("campaign")
@click.argument("debtor")
@json_option
@click.pass_context
def broken(ctx: click.Context, campaign: str, debtor: str, as_json: bool) -> None:
    """Say that DEBTOR broke the open promises of CAMPAIGN; the debtor is called again before others."""
    _decide(ctx, campaign, debtor, Kept.BROKEN, as_json=as_json)


def _decide(ctx: click.Context, campaign: str, debtor: str, verdict: Kept, *, as_json: bool) -> None:
    decided = wait_for(_decided(configuration(ctx), campaign, debtor, verdict))
    if not decided:
        raise InputError(
            f"debtor {debtor!r} has no open promise in campaign {campaign!r}; see: dialer leads promise list {campaign}"
        )
    answer = {"campaign": campaign, "debtor": debtor, "promises": decided, "state": verdict.value}
    show(answer, as_json=as_json, sentence=f"{decided} promises of debtor {debtor}: {verdict}")


async def _decided(config: Config, campaign: str, debtor: str, verdict: Kept) -> int:
    async with open_store(config) as store:
        async with store.snapshot() as session:
            found = await Campaigns(session).get(campaign)
        return await Promises(store).decide(found.id, debtor, verdict, config.clock().now())


@promise.command("list", short_help="List the promises that are open.")
@click.argument("campaign")
@json_option
@click.pass_context
def list_(ctx: click.Context, campaign: str, as_json: bool) -> None:
    """List the promises of CAMPAIGN that are open, the first due at the head."""
    rows = wait_for(_open(configuration(ctx), campaign))
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows(rows, COLUMNS, f"open promises of {campaign}")


async def _open(config: Config, campaign: str) -> list[dict[str, Any]]:
    async with open_store(config) as store:
        async with store.snapshot() as session:
            found = await Campaigns(session).get(campaign)
        rows = await Promises(store).open(found.id)
    same = ("creditor", "product", "amount", "currency", "due_on", "agent", "made_at")
    return [
        {"debtor": row.external_id, "debt": row.account_id, **{name: getattr(row, name) for name in same}}
        for row in rows
    ]
