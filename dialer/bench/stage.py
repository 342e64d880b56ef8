"""A whole installation for a bench in one folder: SQLite, a private Redis, a simulated node, the engine.

Needs no root, no sipp and no checkout.
"""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from campaigns.repository import Agents
from dialer.ami.config import ensure_secrets
from dialer.app.home import state_directory
from dialer.app.redis import open_redis
from dialer.app.store import open_store
from dialer.bench.mix import phones
from dialer.bench.processes import DIALER, Child, command
from dialer.bench.twin import Note, read_notes
from dialer.config import Config, load_config
from dialer.demo.stage import free_port
from dialer.queues import CommandBus, EmbeddedRedis, embedded

CAMPAIGN = "carga"
LOGINS_AT_ONCE = 20
LOGIN_S = 40.0
READY_S = 60.0
IMPORT_S = 300.0
HEADROOM = 1.1
"""Limits of node and trunk over the rate asked for: they are never exceeded, so what a busy moment loses is lost."""

_CHANNELS = 4000

_CONFIG = """\
[service]
home = "{work}"
metrics = "127.0.0.1:{metrics}"
log_level = "warning"

[agents]
extensions = {agents}
wrap_up_s = {wrap_up_s}

[dialing]
ring_timeout_s = 15.0
max_lines = {channels}

[compliance]
directory = "rules"

[[nodes]]
name = "simulado"
port = {ami}
calls_per_s = {rate}
channels = {channels}
recordings_dir = "asterisk/spool"
evidence_file = "asterisk/cel-custom/dialer.csv"

[[trunks]]
name = "operador"
node = "simulado"
host = "127.0.0.1"
caller_id = "+541150000000"
calls_per_s = {rate}
channels = {channels}
"""

_CAMPAIGN = """\
name = "{name}"
language = "es"
country = "AR"
time_zone = "America/Argentina/Buenos_Aires"
profile = "demo"
trunks = ["operador"]
max_tries = 1
max_tries_per_phone_per_day = 1
max_lines = {channels}
recording = {recording}
recording_notice = false

[pacing]
mode = "ratio"
lines_per_agent = 10
max_lines_per_agent = 10
max_calls_per_s = {rate}

[[segments]]
name = "alta"
"""


_RULES = """\
schema = 1

# In place of the shipped one: nobody is there to hear a notice, and each number is called once.
[demo]
version = "bench"
tz = { evidence = ["debtor", "address", "phone"], policy = "all", unknown = "block" }
windows = ["mon-sun 00:00-24:00"]
close = { rule = "no_ring_after", guard_s = 10 }
ring = { min_s = 15 }
connect = { within_s = 2, from = "greeting_start" }
caps = [
    { on = "attempt", key = "phone", max = 10, per = "calendar:1d", r = "house" },
    { on = "attempt", key = "person", max = 12, per = "calendar:1d", r = "house" },
]
cooldowns = [{ after = "abandoned", key = "phone", for = "72h", unless = "agent_reserved", r = "house" }]
caller_id = { withheld = "forbid" }
dnc = ["internal", "wrong_number", "cease_request", "represented", "deceased"]
third_party = "block"
attempt_counts = ["ring", "voicemail", "answer"]
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The running installation."""

    work: Path
    file: Path
    config: Config
    engine: Child
    twin: Child

    @property
    def placed(self) -> int:
        """How many calls the node was asked for."""
        return len(self.notes())

    def notes(self) -> list[Note]:
        """Return every call the node was asked for, in order."""
        file = _notes_file(self.work)
        if not file.exists():
            return []
        with file.open(encoding="ascii") as lines:
            return read_notes(lines)

    @property
    def recordings(self) -> int:
        """How many recordings are kept."""
        return sum(1 for _ in self.config.recordings_dir.rglob("*.flac"))

    def settled(self, calls: int) -> bool:
        """Tell whether the books know the end of so many calls."""
        with closing(sqlite3.connect(f"file:{self.work / 'dialer.db'}?mode=ro", uri=True)) as books:
            (ended,) = books.execute("SELECT count(*) FROM attempts WHERE outcome IS NOT NULL").fetchone()
        return int(ended) >= calls

    def record(self, seconds: float) -> bytes:
        """Listen to the node as a third manager user for so long; return its whole messages as they came."""
        node, secret = self.config.nodes[0], ensure_secrets(self.config).node(self.config.nodes[0].name).admin
        login = f"Action: Login\r\nUsername: dialer-adm\r\nSecret: {secret}\r\nEvents: on\r\n\r\n"
        deadline, came = time.monotonic() + seconds, bytearray()
        with socket.create_connection((node.host, node.port), timeout=READY_S) as wire:
            wire.sendall(login.encode())
            while time.monotonic() < deadline:
                wire.settimeout(max(0.01, deadline - time.monotonic()))
                try:
                    came += wire.recv(65_536)
                except TimeoutError:
                    break
        # Banner, answer and FullyBooted are the login's; the last message may be cut.
        begins, ends = came.find(b"\r\n\r\n", came.find(b"FullyBooted")) + 4, came.rfind(b"\r\n\r\n") + 4
        return bytes(came[begins:ends])


@contextmanager
def staged(
    work: Path,
    *,
    calls: int,
    agents: int,
    rate: float,
    talk_s: float,
    ring_s: float,
    wrap_up_s: float,
    recording: bool,
) -> Iterator[Stage]:
    """Set everything up, agents logged in, the campaign paused; ends it all with the block.

    Raises Unavailable when a part does not start.
    """
    file = _lay(work, agents=agents, rate=rate, wrap_up_s=wrap_up_s, recording=recording)
    config = load_config(file)
    state_directory(config)
    ensure_secrets(config)
    _fill(file, work, calls)
    twin_words = ("-m", "dialer.bench.twin", str(file), str(_notes_file(work)), str(ring_s), str(talk_s))
    try:
        with (
            Child("simulated node", (sys.executable, *twin_words), work / "twin.out") as twin,
            Child("engine", (*DIALER, "--config", str(file), "engine"), work / "engine.out") as engine,
        ):
            node = config.nodes[0]
            twin.wait_for("the node's first answer", lambda: _listens(node.host, node.port), READY_S)
            engine.wait_for("the engine's start", lambda: asyncio.run(embedded.find(work)) is not None, READY_S)
            asyncio.run(_hire(config, agents))
            # Agents log in to a running campaign; nobody is called while it pauses.
            command(file, "campaign", "start", CAMPAIGN)
            command(file, "campaign", "pause", CAMPAIGN)
            asyncio.run(_seat(config, agents))
            yield Stage(work, file, config, engine, twin)
    finally:
        asyncio.run(_end_redis(work))


def _lay(work: Path, *, agents: int, rate: float, wrap_up_s: float, recording: bool) -> Path:
    places = {"work": work, "metrics": free_port(), "ami": free_port(), "channels": _CHANNELS}
    file = work / "config.toml"
    rate *= HEADROOM
    file.write_text(_CONFIG.format(**places, agents=agents, rate=rate, wrap_up_s=wrap_up_s), encoding="utf-8")
    (work / f"{CAMPAIGN}.toml").write_text(
        _CAMPAIGN.format(name=CAMPAIGN, channels=_CHANNELS, rate=rate, recording=str(recording).lower()),
        encoding="utf-8",
    )
    (work / "asterisk" / "spool").mkdir(parents=True)
    (work / "rules").mkdir()
    (work / "rules" / "demo.toml").write_text(_RULES, encoding="utf-8")
    return file


def _fill(file: Path, work: Path, calls: int) -> None:
    command(file, "campaign", "create", str(work / f"{CAMPAIGN}.toml"))
    rows = "".join(f"d{number},Deudor {number},{phone},alta\n" for number, phone in enumerate(phones(calls)))
    (work / "debtors.csv").write_text(f"debtor,name,phone,segment\n{rows}", encoding="utf-8")
    command(file, "leads", "import", CAMPAIGN, str(work / "debtors.csv"), within_s=IMPORT_S)
    command(file, "leads", "history", CAMPAIGN, "--none", "--by", "bench")


def _names(count: int) -> list[str]:
    return [f"agente{number}" for number in range(count)]


async def _hire(config: Config, count: int) -> None:
    async with open_store(config) as store, store.transaction(READY_S) as session:
        for number, name in enumerate(_names(count)):
            await Agents(session).add(name, config.agents.first_extension + number, {}, ["es"])


async def _seat(config: Config, count: int) -> None:
    gate = asyncio.Semaphore(LOGINS_AT_ONCE)
    async with open_redis(config) as redis, asyncio.TaskGroup() as logins:
        bus = CommandBus(redis)
        for name in _names(count):
            logins.create_task(_log_in(bus, gate, name))


async def _log_in(bus: CommandBus, gate: asyncio.Semaphore, agent: str) -> None:
    async with gate:
        await bus.request("agent.login", {"agent": agent, "campaign": CAMPAIGN, "ready": True}, LOGIN_S)


async def _end_redis(work: Path) -> None:
    """Stop the private Redis, which a killed engine leaves behind."""
    if (url := await embedded.find(work)) is not None:
        await EmbeddedRedis(url, started_by_us=True, directory=(work / "redis").resolve()).stop()


def _notes_file(work: Path) -> Path:
    return work / "calls.txt"


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False
