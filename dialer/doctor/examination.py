"""The whole examination: every part at the same time, none hiding another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from campaigns.repository import Campaigns
from dialer.ami.config import Secrets, load_secrets, secrets_file
from dialer.campaign_file import parse_campaign
from dialer.config import Config, NodeConfig
from dialer.doctor.check import Check, Part, told
from dialer.doctor.database import database_checks, database_facts
from dialer.doctor.machine import machine_checks, machine_facts
from dialer.doctor.node_probe import NodeExamination
from dialer.doctor.redis import engine_checks, redis_checks, redis_facts
from dialer.store import Store
from dialer.types import Clock, ConfigError

_DATABASE, _REDIS, _NODES = Part("database"), Part("redis"), Part("nodes")
_SECRETS = Part("secrets")

PART_S, NODES_S = 30.0, 240.0
"""Nothing holds the examination up longer, whatever the deadlines within add up to."""


async def examine(config: Config, clock: Clock) -> list[Check]:
    """Look at everything this configuration names; changes nothing, and ends in bounded time.

    `clock` is the machine's: the nodes' clocks are compared with it.
    """
    zones: list[str] = []
    beats: list[bool] = []
    async with asyncio.TaskGroup() as parts:
        database = parts.create_task(told(_DATABASE, "reachable", _database(config, zones), PART_S))
        redis = parts.create_task(told(_REDIS, "reachable", _redis(config, beats), PART_S))
    machine = machine_checks(machine_facts(config, zones), config.recordings.min_free_mb)
    nodes = await told(_NODES, "examined", _nodes(config, clock, engine_runs=any(beats)), NODES_S)
    return [*machine, *database.result(), *redis.result(), *nodes]


async def _redis(config: Config, beats: list[bool]) -> list[Check]:
    """Examine Redis; leave in `beats` whether an engine runs."""
    facts = await redis_facts(config)
    beats.append(facts.engine is not None)
    return [*redis_checks(facts), *engine_checks(facts)]


async def _database(config: Config, zones: list[str]) -> list[Check]:
    """Examine the database; leave in `zones` those of its campaigns, where its tables can be read."""
    facts = await database_facts(config)
    if facts is not None and facts.revision == facts.newest:
        zones += await _zones(config)
    return database_checks(config.database_url, facts)


async def _zones(config: Config) -> list[str]:
    """Return the time zones of the campaigns in the books."""
    async with Store(config.database_url, config.database.timeout_s) as store, store.snapshot() as session:
        kept = await Campaigns(session).list()
        return [parse_campaign(campaign.definition, campaign.name).time_zone for campaign in kept]


async def _nodes(config: Config, clock: Clock, *, engine_runs: bool) -> Sequence[Check]:
    if not config.nodes:
        return [_NODES.failed("configured", "config.toml names no Asterisk", "add a [[nodes]] table to it")]
    try:
        secrets = load_secrets(config)
    except ConfigError as exc:
        return [_no_secrets(config, exc), _NODES.skipped("everything", "not asked without its secrets")]
    async with asyncio.TaskGroup() as parts:
        nodes = [parts.create_task(_node(config, name, secrets, clock, engine_runs)) for name in config.nodes]
    return [_SECRETS.ok("readable", str(secrets_file(config))), *(check for node in nodes for check in node.result())]


async def _node(config: Config, node: NodeConfig, secrets: Secrets, clock: Clock, engine_runs: bool) -> list[Check]:
    return await NodeExamination(config, node, secrets, clock, engine_runs=engine_runs).checks()


def _no_secrets(config: Config, error: ConfigError) -> Check:
    file = secrets_file(config)
    if file.exists():
        return _SECRETS.broken("readable", error)
    remedy = "run 'dialer asterisk config --out DIR' and copy the files to the node, or bring back your copy"
    return _SECRETS.failed("readable", f"{file} is not there", remedy)
