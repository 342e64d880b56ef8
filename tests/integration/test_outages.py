"""What the campaign leans on goes away while people ring and talk: no new call, nobody cut off, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from dialer.config import Config
from tests.lab.ami_proxy import AmiProxy, Trap
from tests.lab.asterisk import AsteriskLab
from tests.lab.carrier import Carrier
from tests.lab.postgres import Postgres
from tests.lab.processes import eventually, free_port
from tests.lab.quick import QuickService
from tests.lab.redis_server import RedisServer
from tests.lab.service import Service
from tests.lab.softphones import Softphones
from tests.lab.witness import Witness, numbers

RING_S, TALK_S = 1.5, 4.0


@dataclass(frozen=True, slots=True)
class Plant:
    """One Asterisk with a carrier and softphones for the whole module; every story gets a dialer of its own."""

    lab: AsteriskLab
    carrier: Carrier


@pytest.fixture(scope="module")
def plant(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    work = tmp_path_factory.mktemp("outages")
    with (
        AsteriskLab(lab_root, work / "home", softphones=4) as lab,
        Carrier(work, lab.carrier_port, ring_s=RING_S, talk_s=TALK_S) as carrier,
        Softphones(lab, work),
    ):
        yield Plant(lab, carrier)


@dataclass(frozen=True, slots=True)
class Dialer:
    """A running dialer, what its log and books say, and what the carrier saw of its calls."""

    service: QuickService
    witness: Witness
    carrier: Carrier

    def health(self) -> tuple[int, dict[str, Any]]:
        """Return the status of /healthz and its parts that do not work."""
        url = f"http://{self.service.config.service.metrics}/healthz"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                status, body = answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                status, body = refusal.code, json.load(refusal)
        return status, {name: part["detail"] for name, part in body["parts"].items() if not part["ok"]}

    def ails(self, part: str, detail: str = "") -> None:
        """Wait until /healthz says 503 because of this part."""

        def told() -> bool:
            status, parts = self.health()
            return status == 503 and detail in parts.get(part, "\0")

        eventually(told, f"/healthz names {part}: {detail}", 20, self.service.engine.log)

    def recovers(self) -> None:
        """Wait until /healthz finds nothing wrong."""
        eventually(lambda: self.health() == (200, {}), "/healthz is well again", 30, self.service.engine.log)

    def does_not_dial(self, because: str) -> dict[str, Any]:
        """Wait until `campaign status` gives this as the reason; return the status."""

        def told() -> dict[str, Any] | None:
            status: dict[str, Any] = self.service.json("campaign", "status", "mora")
            reason = status["not_dialling_because"]
            return status if reason is not None and because in reason else None

        return eventually(told, f"the status says why nobody is called: {because}", 20, self.service.engine.log)

    def called(self, phones: list[str]) -> dict[str, int]:
        """Return how often each of these numbers was called."""
        seen = self.carrier.invites()
        return {phone: seen[phone] for phone in phones if phone in seen}

    def heard(self, what: str, phone: str) -> bool:
        return any(call.what == what and call.number == phone for call in self.carrier.calls())

    def said_goodbye(self, phones: list[str]) -> int:
        """Return how many of these debtors ended their conversations themselves."""
        return sum(1 for phone in phones if self.heard("BYE", phone))

    def ended(self, phones: list[str], timeout_s: float = 60) -> list[dict[str, Any]]:
        """Wait until every number has an attempt with an outcome in the report; return the report."""

        def found() -> list[dict[str, Any]]:
            rows = self.service.report("attempts")
            done = {row["phone"] for row in rows if row["outcome"]}
            return rows if done >= set(phones) and all(row["outcome"] for row in rows) else []

        return eventually(found, "every attempt ended", timeout_s, self.service.engine.log)


def installed(plant: Plant, work: Path, port: int | None = None, **tables: dict[str, Any]) -> QuickService:
    """Install a dialer beside the plant; `port` is where it finds Asterisk, `tables` change its config.toml."""
    home = work / "home"
    home.mkdir(mode=0o700)
    shutil.copy(plant.lab.config.home / "secrets.toml", home / "secrets.toml")
    raw = json.loads(plant.lab.config.model_dump_json(exclude_none=True))
    raw["service"] |= {"home": home, "metrics": f"127.0.0.1:{free_port()}"}
    raw["agents"] |= {"wrap_up_s": 0.2}
    raw["nodes"][0] |= {"port": port or plant.lab.node.port}
    for name, values in tables.items():
        raw[name] |= values
    return QuickService(Config.model_validate(raw), work)


@contextmanager
def dialer(plant: Plant, work: Path, port: int | None = None, **tables: dict[str, Any]) -> Iterator[Dialer]:
    """Run a dialer on the plant."""
    _hang_up(plant.lab)
    with installed(plant, work, port, **tables) as service:
        service.start()
        yield Dialer(service, Witness(service), plant.carrier)
        assert service.engine.alive
        assert "Traceback" not in service.engine.output


def _hang_up(lab: AsteriskLab) -> None:
    """End what the last story left in Asterisk: legs outlive the engine on purpose."""
    with lab.ami("actions", events=False) as ami:
        ami.action("Hangup", Channel="/^PJSIP/.*/")


def stocked(run: Dialer, phones: list[str], agents: int, **changes: Any) -> list[str]:
    """Create the campaign `mora` with these people and start it; add agents and return their names."""
    people = [(f"d{place}", phone, "alta") for place, phone in enumerate(phones)]
    run.service.campaign(people, **changes)
    names = run.service.agents(agents, "mora", log_in=False)
    run.witness.order("campaign.start", campaign="mora")
    return names


def seat(run: Dialer, agent: str) -> None:
    """Log an agent in, ready, as soon as the node is there."""
    run.witness.hears("node up")
    run.witness.order("agent.login", agent=agent, campaign="mora", node="", ready=True)


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
