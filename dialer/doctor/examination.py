"""The whole examination: every part at the same time, none hiding another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from campaigns.repository import Campaigns
from dialer.ami.config import Secrets, load_secrets, secrets_file
from dialer.campaign_file import parse_campaign
from dialer.config import Config, NodeConfig
from dialer.doctor.check import Check, Part
from dialer.doctor.database import database_checks, database_facts
from dialer.doctor.machine import machine_checks, machine_facts
from dialer.doctor.node_probe import NodeExamination
from dialer.doctor.redis import RedisFacts, engine_checks, redis_checks, redis_facts
from dialer.store import Store
from dialer.types import Clock, ConfigError, DialerError

_NODES = Part("nodes")
_SECRETS = Part("secrets")


async def examine(config: Config, clock: Clock) -> list[Check]:
    """Look at everything this configuration names; changes nothing, and ends in bounded time.

    `clock` is the machine's: the nodes' clocks are compared with it.
    """
    async with asyncio.TaskGroup() as parts:
        database = parts.create_task(_database(config))
        redis = parts.create_task(_redis(config))
    told, zones = database.result()
    (of_redis, engine_runs) = redis.result()
    machine = machine_checks(machine_facts(config, zones), config.recordings.min_free_mb)
    return [*machine, *told, *of_redis, *await _nodes(config, clock, engine_runs=engine_runs)]


async def _redis(config: Config) -> tuple[list[Check], bool]:
    try:
        facts: RedisFacts = await redis_facts(config)
    except DialerError as exc:
        return [Part("redis").broken("reachable", exc)], False
    return [*redis_checks(facts), *engine_checks(facts)], facts.engine is not None


async def _database(config: Config) -> tuple[list[Check], list[str]]:
    try:
        facts = await database_facts(config)
        readable = facts is not None and facts.revision == facts.newest
        return database_checks(config.database_url, facts), await _zones(config) if readable else []
    except DialerError as exc:
        return [Part("database").broken("reachable", exc)], []


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
