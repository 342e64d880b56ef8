"""`dialer demo`: the whole product on this machine for a minute, without telephony."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

import click
import uvloop
from rich.console import Console

from dialer.cli import EXIT_INTERRUPTED
from dialer.demo import place
from dialer.demo.report import Report, final, near
from dialer.demo.screens import Screen, a_screen
from dialer.demo.settings import Settings, Tongue, settings
from dialer.demo.show import Commands, Show, Wish


@click.command()
@click.option(
    "--language", type=click.Choice(["es", "en"]), default=None, help="Of the screen (default: as LANG, or es)."
)
@click.pass_context
def demo(ctx: click.Context, language: Tongue | None) -> None:
    """Show the dialer at work for a minute; nobody is called.

    25 agents, 5,000 debtors, a simulated Asterisk, time 20 times as fast.

    Needs nothing but this installation. DEMO_SECONDS (60) and DEMO_SPEED (20) change length and
    speed, DEMO_JSON=1 prints one JSON object instead of a screen. State is kept in `demo` below DIALER_HOME (./var)
    until the next demo. While it runs, `dialer campaign status`, `report` and `agent` without options ask it.

    Ends with 0; with 130 after Ctrl-C or SIGTERM, which end it cleanly at any moment.
    """
    played = settings(os.environ, language)
    where = place.folder(os.environ)
    with place.taken(where):
        report, interrupted = uvloop.run(_perform(played, where))
    if report is not None:
        _tell(report, played)
    ctx.exit(EXIT_INTERRUPTED if interrupted else 0)


async def _perform(played: Settings, where: Path) -> tuple[Report | None, bool]:
    wish = Wish()
    wish.heed_signals()
    screen: Screen = a_screen(played.language, as_json=played.as_json)
    screen.open()
    try:
        report = await Show(played, where, screen, wish, _commands(where)).run()
    finally:
        screen.close()
    return report, wish.stop.is_set()


def _commands(where: Path) -> Commands:
    """Return how to ask this demo from the folder the user stands in."""
    me, here = Path(sys.argv[0]), Path.cwd()
    dialer = near(me, here) if me.name == "dialer" else "dialer"
    named = shlex.join([dialer, "--config", near(where / place.CONFIG, here)])
    found = place.folder({}) == where  # another terminal in this folder looks for it there
    return Commands(now=dialer if found else named, later=named)


def _tell(report: Report, played: Settings) -> None:
    if played.as_json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        console = Console()
        Console(width=None if console.is_terminal else 100).print(final(report, played.language, Path.cwd()))
