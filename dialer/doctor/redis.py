"""Redis: is it there, new enough, does it keep what it is given, and does an engine beat in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dialer.config import Config
from dialer.doctor.check import Check, Part
from dialer.queues import embedded
from dialer.queues.beat import EngineBeat
from dialer.queues.connection import RedisLink, connect
from dialer.queues.programs import imitated

OLDEST = (6, 2)
_PART = Part("redis")
_ENGINE = Part("engine")


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What INFO says; `address` empty means that the private server does not run. `engine` is its last heartbeat.

    `imitation` names the program that stands in for a Redis where none is installed; then INFO says nothing.
    """

    address: str
    info: Mapping[str, str]
    engine: Mapping[str, Any] | None
    imitation: str = ""


async def redis_facts(config: Config) -> RedisFacts:
    """Ask the service's Redis; raises Unavailable when a configured one does not answer. Nothing is started."""
    url = config.redis.url or await embedded.find(config.home)
    if url is None:
        return RedisFacts("", {}, None)
    async with await connect(url, config.redis.timeout_s) as link:
        imitation = "" if config.redis.url else _imitation(config)
        info = {} if imitation else await _info(link)
        return RedisFacts(link.address, info, await EngineBeat(link).read(), imitation)


def _imitation(config: Config) -> str:
    kind = embedded.kind_of((config.home / "redis").resolve())
    return kind if kind == imitated().kind else ""


async def _info(link: RedisLink) -> dict[str, str]:
    answer = await link.call("INFO")
    if isinstance(answer, Mapping):
        return {str(key): str(value) for key, value in answer.items()}
    lines = str(answer).splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def redis_checks(facts: RedisFacts) -> list[Check]:
    """Judge Redis."""
    if not facts.address:
        told = "the private redis-server does not run: 'dialer run' starts it and stops it"
        return [_PART.skipped("reachable", told)]
    if facts.imitation:
        told = f"{facts.imitation} stands in for a Redis: what it holds is gone when it ends"
        remedy = "install redis-server before real lists are called (apt-get install redis-server)"
        return [_PART.ok("reachable", facts.address), _PART.warn("persistence", told, remedy)]
    info = facts.info
    return [
        _PART.ok("reachable", facts.address),
        _version(info),
        _persistence(info),
        _eviction(info),
        *_role(info),
    ]


def engine_checks(facts: RedisFacts) -> list[Check]:
    """Judge the running engine by its own last words."""
    beat = facts.engine
    if beat is None:
        return [_ENGINE.skipped("running", "no engine is running: 'dialer run' starts one")]
    ill = {name: detail for name, detail in beat.get("parts", {}).items() if detail}
    ill |= {f"node {name}": gate for name, gate in beat.get("nodes", {}).items() if gate}
    if not ill:
        return [_ENGINE.ok("running", f"{beat.get('calls', 0)} calls in flight, every part works")]
    told = "the engine runs and finds this; its log says since when"
    return [_ENGINE.failed(name, str(detail), told) for name, detail in ill.items()]


def _version(info: Mapping[str, str]) -> Check:
    name = "Valkey" if info.get("server_name") == "valkey" else "Redis"
    text = info.get("redis_version", "")
    found = tuple(int(number) for number in re.findall(r"\d+", text)[:2])
    if found >= OLDEST:
        return _PART.ok("version", f"{name} {info.get('valkey_version', text)}")
    return _PART.failed("version", f"{name} {text or 'of unknown version'}", "install Redis 6.2 or newer, or Valkey")


def _persistence(info: Mapping[str, str]) -> Check:
    if info.get("aof_enabled") != "1":
        told = "the append-only file is off: a restart of Redis forgets leases and outcomes that SQL has not got yet"
        return _PART.failed("persistence", told, "set 'appendonly yes' in redis.conf and CONFIG REWRITE or restart it")
    if (state := info.get("aof_last_write_status", "ok")) != "ok":
        return _PART.failed(
            "persistence", f"the last write to the append-only file: {state}", "make room on Redis's disk"
        )
    return _PART.ok("persistence", "append-only file on")


def _eviction(info: Mapping[str, str]) -> Check:
    policy = info.get("maxmemory_policy", "")
    if policy == "noeviction":
        return _PART.ok("eviction", "noeviction")
    told = f"maxmemory-policy {policy or 'unknown'}: a full Redis would throw away leases"
    remedy = "set 'maxmemory-policy noeviction' in redis.conf and restart it"
    return _PART.failed("eviction", told, remedy) if policy else _PART.warn("eviction", told, remedy)


def _role(info: Mapping[str, str]) -> list[Check]:
    if info.get("role", "master") == "master":
        return []
    return [_PART.failed("role", "this Redis is a replica and takes no writes", "point redis.url at the master")]
