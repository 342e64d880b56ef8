from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dialer.config import Config
from dialer.doctor.check import Check, Status
from dialer.doctor.redis import RedisFacts, engine_checks, redis_checks, redis_facts

INFO = {
    "redis_version": "7.0.15",
    "aof_enabled": "1",
    "aof_last_write_status": "ok",
    "maxmemory_policy": "noeviction",
    "role": "master",
}


def facts(engine: Mapping[str, Any] | None = None, **info: str) -> RedisFacts:
    return RedisFacts("127.0.0.1:6379/0", INFO | info, engine)


def judged(name: str, **info: str) -> Check:
    (check,) = [check for check in redis_checks(facts(None, **info)) if check.name == name]
    return check


def test_a_good_redis_passes():
    assert {check.status for check in redis_checks(facts())} == {Status.OK}


def test_a_private_server_that_does_not_run_is_no_failure():
    (check,) = redis_checks(RedisFacts("", {}, None))
    assert (check.status, "dialer run" in check.detail) == (Status.SKIPPED, True)


def test_an_imitation_serves_but_forgets():
    checks = redis_checks(RedisFacts("/var/redis.sock", {}, None, imitation="fakeredis"))
    assert [(check.name, check.status) for check in checks] == [
        ("reachable", Status.OK),
        ("persistence", Status.WARN),
    ]


async def test_where_no_private_server_runs_none_is_started(tmp_path: Path):
    found = await redis_facts(Config.model_validate({"service": {"home": tmp_path}}))
    assert (found.address, os.listdir(tmp_path)) == ("", [])


@pytest.mark.parametrize(("version", "status"), [("6.0.16", Status.FAILED), ("6.2.0", Status.OK), ("", Status.FAILED)])
def test_the_version_is_judged(version: str, status: Status):
    assert judged("version", redis_version=version).status is status


def test_valkey_is_called_by_its_name():
    assert judged("version", server_name="valkey", valkey_version="8.1.0").detail == "Valkey 8.1.0"


def test_without_its_append_only_file_redis_forgets():
    check = judged("persistence", aof_enabled="0")
    assert (check.status, "appendonly yes" in check.remedy) == (Status.FAILED, True)


def test_a_disk_that_redis_cannot_write_to_is_told():
    assert judged("persistence", aof_last_write_status="err").status is Status.FAILED


@pytest.mark.parametrize(("policy", "status"), [("allkeys-lru", Status.FAILED), ("", Status.WARN)])
def test_eviction_throws_leases_away(policy: str, status: Status):
    check = judged("eviction", maxmemory_policy=policy)
    assert (check.status, "noeviction" in check.remedy) == (status, True)


def test_a_replica_takes_no_writes():
    assert judged("role", role="slave").status is Status.FAILED


def test_no_engine_is_no_failure():
    (check,) = engine_checks(facts(None))
    assert check.status is Status.SKIPPED


def test_a_running_engine_speaks_for_itself():
    (check,) = engine_checks(facts({"parts": {"redis": None, "disk": ""}, "nodes": {"ast1": None}, "calls": 3}))
    assert (check.status, "3 calls" in check.detail) == (Status.OK, True)


def test_what_the_engine_finds_wrong_is_passed_on():
    checks = engine_checks(facts({"parts": {"disk": "full"}, "nodes": {"ast1": "is down"}}))
    assert [(check.name, check.detail, check.status) for check in checks] == [
        ("disk", "full", Status.FAILED),
        ("node ast1", "is down", Status.FAILED),
    ]
