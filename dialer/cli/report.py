"""`dialer report`: what was done, as a table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from campaigns import reports
from campaigns.repository import Campaigns
from dialer.app.store import open_store
from dialer.cli.door import configuration, wait_for
from dialer.config import Config


@click.command()
@click.argument("kind", type=click.Choice(list(reports.REPORTS)))
@click.option("--campaign", default=None, help="This campaign only.")
@click.option(
    "--format", "fmt", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True, help="The form."
)
@click.pass_context
def report(ctx: click.Context, kind: str, campaign: str | None, fmt: reports.Format) -> None:
    """Print a report of what was done.

    The reports are outcomes, agents, abandonment and attempts (one row per attempt).
    """
    query, columns = reports.REPORTS[kind]
    rows = wait_for(_rows(configuration(ctx), query, campaign))
    click.echo(reports.render(rows, columns, fmt), nl=False)


async def _rows(config: Config, query: Callable[..., Any], campaign: str | None) -> list[reports.ReportRow]:
    async with open_store(config) as store, store.snapshot() as session:
        if campaign is not None:
            await Campaigns(session).get(campaign)  # a slip of the pen is told, not shown as an empty report
        rows: list[reports.ReportRow] = await query(session, campaign)
        return rows
