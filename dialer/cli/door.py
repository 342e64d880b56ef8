"""What all commands share: where the configuration is, how errors are told, how answers are printed."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dialer.app.redis import open_redis
from dialer.app.time_zones import pin_time_zones
from dialer.cli import EXIT_INTERRUPTED
from dialer.config import Config, load_config
from dialer.demo import place
from dialer.queues.bus import CommandBus
from dialer.types import ConfigError, DialerError, InputError

T = TypeVar("T")

COMMANDS = {
    "agent": "agent",
    "asterisk": "asterisk",
    "bench": "bench",
    "campaign": "campaign",
    "compliance": "compliance",
    "demo": "demo",
    "doctor": "doctor",
    "engine": "service",
    "leads": "leads",
    "menu": "service",
    "report": "report",
    "run": "service",
    "simulate": "simulate",
}
"""Each command and the module that holds it: an agent's order must not wait for SQL to be imported."""

ASK_A_DEMO = frozenset({"agent", "campaign", "compliance", "leads", "report"})
"""What asks a running demo by itself; what serves, examines or makes files is for the installation."""

_UNNAMED = "dialer.cli.unnamed"

EXIT_INPUT = 2
"""The command, the configuration or a file is wrong; nothing was changed."""

EXIT_FAILED = 1
"""The command was right, but it could not be carried out."""


class Door(click.Group):
    """A group whose commands load when they are called, and tell every expected error in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, importing its module now."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"dialer.cli.{COMMANDS[cmd_name]}"), cmd_name)
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(EXIT_INTERRUPTED) from None
        except DialerError as exc:
            _fail(exc, EXIT_INPUT if isinstance(exc, ConfigError | InputError) else EXIT_FAILED)


class Later(click.Group):
    """A group some of whose commands live in other modules, which are imported when they are called."""

    def __init__(self, *words: Any, later: Mapping[str, str], **settings: Any) -> None:
        """`later` names the module below `dialer.cli` and the attribute of each such command, as `explain:why`."""
        super().__init__(*words, **settings)
        self._later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, importing its module now."""
        if cmd_name not in self._later:
            return super().get_command(ctx, cmd_name)
        module, attribute = self._later[cmd_name].split(":")
        command = getattr(import_module(f"dialer.cli.{module}"), attribute)
        return command if isinstance(command, click.Command) else None


def _fail(error: DialerError, status: int) -> None:
    click.echo(f"error: {error}", err=True)
    raise SystemExit(status)


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default=None,
    envvar="DIALER_CONFIG",
    help="The configuration file (also: DIALER_CONFIG; else a running demo's, else config.toml).",
)
@click.version_option(package_name="dialer")
@click.pass_context
def door(ctx: click.Context, path: Path | None) -> None:
    """Predictive dialer for collections centres: real calls through Asterisk, nobody called twice."""
    pin_time_zones()
    ctx.obj = path or Path("config.toml")
    ctx.meta[_UNNAMED] = path is None


def configuration(ctx: click.Context) -> Config:
    """Return the configuration the command line names; where it names none, a running demo answers what asks it."""
    asked = ctx.find_root().invoked_subcommand
    if ctx.meta.get(_UNNAMED) and asked in ASK_A_DEMO and (demo := place.running(os.environ)) is not None:
        click.echo(f"asking the demo that is running in {demo.parent}", err=True)
        return load_config(demo)
    return load_config(ctx.obj)


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end."""
    return asyncio.run(work)


def ask_engine(config: Config, kind: str, timeout_s: float = 5.0, **payload: Any) -> dict[str, Any]:
    """Ask the running engine; raises Unavailable with the remedy when there is none."""
    return wait_for(_ask(config, kind, timeout_s, payload))


async def _ask(config: Config, kind: str, timeout_s: float, payload: Mapping[str, Any]) -> dict[str, Any]:
    async with open_redis(config) as redis:
        return await CommandBus(redis).request(kind, payload, timeout_s)


def show(answer: Any, *, as_json: bool, sentence: str = "") -> None:
    """Print an answer as JSON or as a sentence."""
    click.echo(json.dumps(answer, ensure_ascii=False, default=str) if as_json else sentence)


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str = "") -> None:
    """Print rows as a table; an empty one says so."""
    if not rows:
        click.echo(f"{title or 'list'}: none")
        return
    table = Table(title=title or None)
    for column in columns:
        table.add_column(column)
    for row in rows:
        # Escaped: a value in brackets is no style.
        table.add_row(*("" if row.get(column) is None else escape(str(row.get(column))) for column in columns))
    Console(width=None if Console().is_terminal else 200).print(table)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
