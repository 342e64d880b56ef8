"""`dialer engine`, `dialer run`, `dialer menu`: the processes of the service."""

from __future__ import annotations

import click
import uvloop

from dialer.agi.menu import serve as serve_menu
from dialer.app.service import serve
from dialer.cli.door import configuration


@click.command()
@click.pass_context
def engine(ctx: click.Context) -> None:
    """Run the engine alone, until SIGTERM.

    The first SIGTERM (or Ctrl-C) stops new calls and lets conversations end; the second cuts what is not a
    conversation at once.
    """
    ctx.exit(uvloop.run(serve(configuration(ctx), menu=False)))


@click.command()
@click.pass_context
def run(ctx: click.Context) -> None:
    """Run the whole service: engine and abandoned-call menu.

    The first SIGTERM (or Ctrl-C) stops new calls and lets conversations end; the second cuts what is not a
    conversation at once.
    """
    ctx.exit(uvloop.run(serve(configuration(ctx), menu=True)))


@click.command()
@click.pass_context
def menu(ctx: click.Context) -> None:
    """Run the abandoned-call menu alone (FastAGI).

    Who was abandoned presses 1 to be called back, 2 not to be called again.
    """
    serve_menu(configuration(ctx).menu)
