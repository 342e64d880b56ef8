"""`dialer asterisk simulate`: nodes for somebody who has no Asterisk, on the ports of config.toml."""

from __future__ import annotations

import asyncio
import csv
import random
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import uvloop

from dialer.ami.config import ensure_secrets
from dialer.app.home import state_directory
from dialer.cli.door import configuration
from dialer.config import Config
from dialer.simulation.far_end import FarEnd
from dialer.simulation.numbers import Numbers
from dialer.simulation.population import Population
from dialer.simulation.running import SimulatedNode, simulated_node
from dialer.simulation.voices import AGENTS, DEBTORS, conversation
from dialer.types import ConfigError, InputError


@click.command()
@click.option(
    "--world",
    type=click.Choice(["population", "numbers"]),
    default="population",
    show_default=True,
    help="Who is called: a seeded population, or numbers whose last three digits say what happens.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The population's seed.")
@click.option(
    "--people", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A leads file: phone, segment."
)
@click.option("--zone", default="America/Argentina/Buenos_Aires", show_default=True, help="Where the population lives.")
@click.option("--talk", type=float, default=3.0, show_default=True, help="Seconds a number ending in 201 talks.")
@click.option("--no-phones", is_flag=True, help="Start without registered softphones.")
@click.pass_context
def simulate(
    ctx: click.Context, *, world: str, seed: int, people: Path | None, zone: str, talk: float, no_phones: bool
) -> None:
    """Run a simulated Asterisk for every node of config.toml.

    Each listens on its node's host and port with this installation's secrets, walks the dialplan that
    `dialer asterisk config` would write, and keeps recordings and evidence where config.toml says. Ctrl-C ends it.
    """
    config = configuration(ctx)
    state_directory(config)
    far_end: FarEnd = Numbers(talk_s=talk) if world == "numbers" else _population(seed, people, zone)
    uvloop.run(_serve(config, far_end, seed, phones=not no_phones))


async def _serve(config: Config, far_end: FarEnd, seed: int, *, phones: bool) -> None:
    """Run every node until SIGTERM or Ctrl-C."""
    if not config.nodes:
        raise ConfigError("config.toml: nodes: there is no [[nodes]] table, so there is nothing to simulate")
    secrets, clock, stop = ensure_secrets(config), config.clock(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _warm_up()
    async with AsyncExitStack() as nodes:
        for node in config.nodes:
            rng = random.Random(f"{seed}/{node.name}")  # noqa: S311 - a simulation's dice
            one = SimulatedNode(config, node, secrets, clock=clock, far_end=far_end, rng=rng, phones=phones)
            await nodes.enter_async_context(simulated_node(one))
            click.echo(f"node {node.name}: simulated, {node.host}:{node.port}")
        await stop.wait()


def _warm_up() -> None:
    """Make every voice before the first call: all of them together take a third of a second."""
    for debtor in range(len(DEBTORS)):
        for agent in range(len(AGENTS)):
            conversation(debtor, agent)


def _population(seed: int, people: Path | None, zone: str) -> Population:
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise InputError(f"--zone {zone!r} is no time zone such as America/Lima") from exc
    return Population(seed, _segments(people).get, where)


def _segments(people: Path | None) -> dict[str, str]:
    if people is None:
        return {}
    with people.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"phone", "segment"} <= set(rows[0]):
        raise InputError(f"--people {people}: it has no columns phone and segment")
    return {row["phone"]: row["segment"] for row in rows}
