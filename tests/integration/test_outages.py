"""What the campaign leans on goes away while people ring and talk: no new call, nobody cut off, nothing lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.lab.ami_proxy import AmiProxy, Trap
from tests.lab.asterisk import AsteriskLab
from tests.lab.carrier import Carrier
from tests.lab.dialer import Dialer, Plant, dialer, installed, seat, stocked
from tests.lab.postgres import Postgres
from tests.lab.processes import eventually
from tests.lab.redis_server import RedisServer
from tests.lab.service import Service
from tests.lab.softphones import Softphones
from tests.lab.witness import numbers

RING_S, TALK_S = 1.5, 4.0


@pytest.fixture(scope="module")
def plant(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    work = tmp_path_factory.mktemp("outages")
    with (
        AsteriskLab(lab_root, work / "home", softphones=4) as lab,
        Carrier(work, lab.carrier_port, ring_s=RING_S, talk_s=TALK_S) as carrier,
        Softphones(lab, work),
    ):
        yield Plant(lab, carrier)


# Redis, the database


class Server(Protocol):
    """Something the dialer leans on."""

    def away(self) -> None: ...
    def back(self) -> None: ...


@dataclass
class Killed:
    """A server that dies and is started again."""

    server: RedisServer | Postgres

    def away(self) -> None:
        # The lab's PostgreSQL does not wait for its disk: a crash would lose what a real one keeps.
        self.server.kill9() if isinstance(self.server, RedisServer) else self.server.stop()

    def back(self) -> None:
        self.server.start()


class Locked:
    """A SQLite file that another program writes to for long."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._other: sqlite3.Connection | None = None

    def away(self) -> None:
        self._other = sqlite3.connect(self._file, timeout=10, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    def back(self) -> None:
        if self._other is not None:
            with closing(self._other):
                self._other.execute("ROLLBACK")


PARTS = ("redis", "postgres", "sqlite")


@pytest.fixture(params=PARTS)
def leaning(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, Any], Server]:
    """The part, the tables of config.toml that use the server, and the server."""
    if request.param == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        return "redis", {"redis": {"url": redis.url}}, Killed(redis)
    if request.param == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        tables = {"database": {"url": postgres.create_database("outage"), "timeout_s": 1.0}}
        return "database", tables, Killed(postgres)
    return "database", {"database": {"timeout_s": 1.0}}, Locked(tmp_path / "home" / "dialer.db")


@pytest.mark.asterisk
@pytest.mark.redis
@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_a_server_that_goes_away_stops_dialling_and_nothing_else(
    plant: Plant, tmp_path: Path, leaning: tuple[str, dict[str, Any], Server], request: pytest.FixtureRequest
) -> None:
    part, tables, server = leaning
    phones = numbers(70 + PARTS.index(request.node.callspec.params["leaning"]), (201, 201, 201, 201))
    with dialer(plant, tmp_path, **tables) as run:
        first, second = stocked(run, phones, 2)
        seat(run, first)
        run.witness.hears("joined")
        seat(run, second)
        eventually(lambda: len(run.called(phones)) == 2, "the second debtor rings")
        server.away()
        run.ails(part)
        assert part in run.does_not_dial("")["degraded"]
        # One talks, one answers only now: both conversations happen, and both come to their own end.
        run.witness.hears("joined", count=2)
        eventually(lambda: run.said_goodbye(phones) == 2, "both say goodbye")
        assert len(run.called(phones)) == 2, "somebody was called while nothing could be kept"
        server.back()
        run.recovers()
        rows = run.ended(phones)
        assert [row["outcome"] for row in rows] == ["answered"] * 4
        assert all(row["bridged_at"] and row["agent"] for row in rows)
        assert run.called(phones) == dict.fromkeys(phones, 1)
        eventually(lambda: all(row["recording"] for row in run.service.report("attempts")), "recordings are kept")


@pytest.mark.asterisk
@pytest.mark.redis
def test_the_private_redis_is_revived(plant: Plant, tmp_path: Path) -> None:
    with dialer(plant, tmp_path) as run:
        run.recovers()
        os.kill(int((tmp_path / "home" / "redis" / "redis.pid").read_text()), signal.SIGKILL)
        run.witness.hears("degraded", part="redis")
        run.witness.hears("recovered", part="redis")
        run.recovers()
        assert run.service.json("agent", "status") == []


# Disk


@pytest.mark.asterisk
def test_without_room_for_recordings_nobody_is_called(plant: Plant, tmp_path: Path) -> None:
    phones = numbers(60, (201,))
    with dialer(plant, tmp_path, recordings={"min_free_mb": 10**9}) as run:
        (agent,) = stocked(run, phones, 1)
        seat(run, agent)
        run.ails("recordings", "recordings.min_free_mb")
        status = run.does_not_dial("min_free_mb")
        assert "make room" in status["degraded"]["recordings"]
        assert run.called(phones) == {}


@contextmanager
def tiny_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of 3 MB."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False, timeout=10)
    if done.returncode != 0:
        pytest.skip("this host does not let root mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=10)


@pytest.mark.asterisk
def test_a_disk_that_fills_up_keeps_the_raw_recording_until_there_is_room(plant: Plant, tmp_path: Path) -> None:
    phones = numbers(61, (201, 201))
    with (
        tiny_disk(tmp_path / "disk") as disk,
        dialer(plant, tmp_path, recordings={"min_free_mb": 1, "dir": disk}) as run,
    ):
        (agent,) = stocked(run, phones, 1)
        seat(run, agent)
        run.witness.hears("joined")
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(bytes(4_000_000))
        run.ails("recordings", str(disk))
        run.witness.hears("recording not kept")
        assert len(run.called(phones)) == 1
        filler.unlink()
        run.recovers()
        run.ended(phones)
        eventually(lambda: all(row["recording"] for row in run.service.report("attempts")), "both are kept", 40)
        assert run.called(phones) == dict.fromkeys(phones, 1)


# The node


@pytest.mark.asterisk
def test_a_wrong_secret_stops_the_engine_with_a_sentence(plant: Plant, tmp_path: Path) -> None:
    with installed(plant, tmp_path) as service:
        env = {"DIALER_AMI_SECRET_LAB_EVENTS": "wrong"}
        done = Service.attempt(service, "engine", env=env, timeout_s=30)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    said = done.stderr.splitlines()[-1]
    assert said.startswith("error: lab: Asterisk refuses manager user 'dialer-ev': Authentication failed"), said
    assert "secrets.toml" in said


@pytest.mark.asterisk
def test_a_node_that_comes_later_is_missed_and_then_used(plant: Plant, tmp_path: Path) -> None:
    phones = numbers(62, (486,))
    proxy = AmiProxy(plant.lab.node.port)
    with ExitStack() as stack, dialer(plant, tmp_path, port=proxy.port) as run:
        (agent,) = stocked(run, phones, 1)
        run.ails("node lab", "cannot be reached")
        run.does_not_dial("is Asterisk running")
        stack.enter_context(proxy)
        run.recovers()
        seat(run, agent)
        assert [row["outcome"] for row in run.ended(phones)] == ["busy"]


@pytest.mark.asterisk
def test_an_asterisk_that_is_too_old_gets_no_calls(plant: Plant, tmp_path: Path) -> None:
    rewrite = (b"AsteriskVersion: 22.", b"AsteriskVersion: 18.")
    with (
        AmiProxy(plant.lab.node.port, rewrite=rewrite) as proxy,
        dialer(plant, tmp_path, port=proxy.port) as run,
    ):
        stocked(run, numbers(63, (201,)), 1)
        run.ails("node lab", "runs Asterisk 18.")
        run.does_not_dial("runs Asterisk 18.")


@pytest.mark.asterisk
@pytest.mark.timeout(150)
def test_a_wire_that_fails_in_every_way_calls_nobody_twice(plant: Plant, tmp_path: Path) -> None:
    phones = numbers(64, (999, *(486, 201, 404, 203, 480, 201, 603) * 3))
    talker, rest = phones[0], phones[1:]
    with AmiProxy(plant.lab.node.port) as proxy, dialer(plant, tmp_path, port=proxy.port) as run:
        agents = stocked(run, phones, 4, max_tries=1)
        seat(run, agents[0])
        run.witness.hears("joined")
        assert run.heard("ANSWERED", talker)
        for agent in agents[1:]:
            seat(run, agent)
        _break(run, proxy, rest)
        eventually(lambda: _closed(run) == set(rest), "all others are accounted for", 90, run.service.engine.log)
        assert not run.heard("BYED", talker), "the conversation did not survive"
        run.witness.order("agent.hangup", agent=agents[0])
        outcomes = {row["phone"]: row["outcome"] for row in run.ended(phones)}
        assert outcomes[talker] == "answered"
        assert not {"unknown", "dropped"} & set(outcomes.values())
        # What the wire swallowed was never placed, and is said to be; everybody else was called, once.
        placed = [phone for phone in phones if outcomes[phone] != "failed"]
        assert run.called(phones) == dict.fromkeys(placed, 1)


def _break(run: Dialer, proxy: AmiProxy, phones: list[str]) -> None:
    """Break the wire in one way after the other, each time that some more people were called."""

    def after(count: int) -> None:
        eventually(lambda: len(run.called(phones)) >= count, f"{count} calls", 40, run.service.engine.log)

    for count, before in ((1, True), (4, False)):
        after(count)
        proxy.trap = Trap(b"@carrier", before)
        eventually(lambda: proxy.trap is None, "the wire breaks at an order to call", 40)
    after(7)
    proxy.cut()  # while calls ring and talk, all of them acknowledged
    after(10)
    proxy.delay_s = 0.6
    after(11)
    proxy.delay_s = 0.0
    after(14)
    proxy.freeze()


def _closed(run: Dialer) -> set[str]:
    return {row["phone"] for row in run.service.report("attempts") if row["outcome"]}


# Orders to a running engine


@pytest.mark.asterisk
def test_orders_that_cannot_be_followed_say_why_and_the_engine_goes_on(plant: Plant, tmp_path: Path) -> None:
    with dialer(plant, tmp_path) as run:
        stocked(run, numbers(65, (201,)), 1)
        run.witness.hears("node up")
        for words, phrases in (
            ("agent login nadie --campaign mora", ("nadie",)),
            ("agent login agente1 --campaign morra", ("'morra' is not started", "dialer campaign start morra")),
            ("agent login agente1 --campaign mora --node madrid", ("madrid",)),
            ("agent ready agente1", ("agente1",)),
            ("agent hangup agente1", ("no conversation",)),
            ("agent dispose agente1 promise", ("no conversation",)),
            ("campaign start morra", ("unknown campaign 'morra'", "known: mora")),
        ):
            done = run.service.attempt(*words.split())
            assert done.returncode in (1, 2), words
            assert not [phrase for phrase in phrases if phrase not in done.stderr], (words, done.stderr)
        run.does_not_dial("no agent")


@pytest.mark.asterisk
def test_a_campaign_the_running_engine_cannot_serve_stops_no_other(plant: Plant, tmp_path: Path) -> None:
    phones = numbers(66, (486,))
    with dialer(plant, tmp_path) as run:
        (agent,) = stocked(run, phones, 1)
        newer = run.service.file.read_text().replace('"name": "carrier"', '"name": "new"').replace("carrier", "new")
        run.service.file.write_text(newer)
        run.service.campaign([("x", "+541160669201", "alta")], name="nueva", trunks=["new"])
        done = run.service.attempt("campaign", "start", "nueva")
        assert done.returncode == 1, done.stderr
        assert "unknown trunk 'new'" in done.stderr
        assert "start the engine again" in done.stderr
        seat(run, agent)
        assert [row["outcome"] for row in run.ended(phones)] == ["busy"]
        run.does_not_dial("unknown trunk 'new'", "nueva")
