"""`dialer bench import`: a long list brought in by the real command, into SQLite and PostgreSQL, beside a bare copy."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg

from campaigns.repository import Campaigns
from dialer.bench.machine import MachineMeter, children
from dialer.config import parse_campaign
from dialer.store import Store
from dialer.types import DialerError

TABLES = ("debtors", "phones", "accounts", "leads")
CAMPAIGN = """
name = "bench"
country = "CO"
time_zone = "America/Bogota"
windows = ["mon-sat 08:00-19:00"]
trunks = ["main"]
[[segments]]
name = "late"
priority = 900
[segments.where]
days_overdue = { min = 60 }
[[segments]]
name = "early"
[segments.where]
days_overdue = { max = 59 }
"""
_WHEN = datetime(2026, 3, 3, 15, tzinfo=UTC)
_SAMPLE_S = 0.05
_LONGEST_S = 3_600.0
_PREFIXES = tuple(str(prefix) for prefix in (*range(300, 306), *range(310, 322)) if prefix != 303)


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How long the list is, and which databases it goes into."""

    rows: int = 1_000_000
    databases: tuple[str, ...] = ("sqlite", "postgresql")


QUICK_ROWS = 6_000
"""Enough for two reading processes, done within some seconds: whether it works, not how fast."""


@dataclass(frozen=True, slots=True)
class ImportFigures:
    """What one import came to; seconds of the whole command, memory of all its processes, times of transactions."""

    database: str
    rows: int
    imported: int
    seconds: float
    bare_copy_s: float
    peak_mb: float
    chunks: Mapping[str, float]

    def figures(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "database": self.database,
            "rows": self.rows,
            "imported": self.imported,
            "seconds": round(self.seconds, 1),
            "rows_per_s": round(self.rows / self.seconds),
            "bare_copy_s": round(self.bare_copy_s, 1),
            "times_bare_copy": round(self.seconds / self.bare_copy_s, 1) if self.bare_copy_s else None,
            "peak_mb": round(self.peak_mb),
            "transactions": int(self.chunks["chunks"]),
            "transaction_p50_ms": self.chunks["p50_ms"],
            "transaction_p99_ms": self.chunks["p99_ms"],
            "transaction_max_ms": self.chunks["max_ms"],
        }


def run(plan: ImportPlan, folder: Path) -> tuple[list[ImportFigures], Mapping[str, float]]:
    """Import the same list into each database; a PostgreSQL that is not installed is left out with a word."""
    listing = folder / "list.csv"
    write_list(listing, plan.rows)
    meter = MachineMeter()
    measured = []
    for database in plan.databases:
        with _database(database, folder) as url:
            if url is not None:
                measured.append(_measured(database, url, listing, plan.rows, folder))
    return measured, meter.read()


def write_list(path: Path, rows: int) -> None:
    """Write a list as an agency would: accents, amounts with two signs, numbers in no order."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("código;cédula;nombre;celular;acreedor;producto;saldo;días mora\n")
        for number in range(1, rows + 1):
            spread = number * 7_368_787 % 10_000_019
            phone = f"{_PREFIXES[number % len(_PREFIXES)]}{spread % 10_000_000:07}"
            balance = f"{spread % 9 + 1}.{number % 900 + 100},{number % 100:02}"
            file.write(
                f"C{spread:08};{10_000_000 + spread};Persona Número {number};{phone};Banco Ejemplo;tarjeta;"
                f"{balance};{number % 180}\n"
            )


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str | None]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    try:
        laboratory = import_module("tests.lab.postgres")
    except ModuleNotFoundError:
        print("PostgreSQL is left out: run the bench from the project's checkout", file=sys.stderr)
        yield None
        return
    # Not below `folder`: PostgreSQL's user may not enter it.
    place = tempfile.TemporaryDirectory(prefix="dialer-pg-", ignore_cleanup_errors=True)
    with place as own, laboratory.Postgres(Path(own)) as server:
        yield server.url


def _measured(database: str, url: str, listing: Path, rows: int, folder: Path) -> ImportFigures:
    asyncio.run(_prepare(url))
    home = folder / database
    home.mkdir()
    config = home / "config.toml"
    config.write_text(f'[service]\nhome = "{home}"\n[database]\nurl = "{url}"\ntimeout_s = 30.0\n', encoding="utf-8")
    command = [sys.executable, "-c", "from dialer.cli import main; main()", "--config", str(config)]
    began = time.monotonic()
    with (
        subprocess.Popen(
            [*command, "leads", "import", "bench", str(listing), "--json"], stdout=subprocess.PIPE, text=True
        ) as process,
        _memory(process.pid) as peak,
    ):
        try:
            output, _ = process.communicate(timeout=_LONGEST_S)
        except BaseException:
            process.kill()
            raise
    seconds = time.monotonic() - began
    if process.returncode != 0:
        raise DialerError(f"the import ended with status {process.returncode}")
    told = json.loads(output.splitlines()[-1])
    bare = _bare_sqlite(url, folder) if database == "sqlite" else asyncio.run(_bare_postgres(url, folder))
    return ImportFigures(database, rows, told["imported"], seconds, bare, peak[0], told["chunks"])


async def _prepare(url: str) -> None:
    async with Store(url, 30.0) as store:
        await store.migrate()
        async with store.transaction() as session:
            await Campaigns(session).create(parse_campaign(CAMPAIGN, "bench"), CAMPAIGN, key="bench", now=_WHEN)


@contextmanager
def _memory(pid: int) -> Iterator[list[float]]:
    """Watch what a process and its children hold in memory; yields the highest sum in MB."""
    peak, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(_SAMPLE_S):
            peak[0] = max(peak[0], sum(map(_resident_mb, [pid, *_living_children(pid)])))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _living_children(pid: int) -> list[int]:
    try:
        return children(pid)
    except (FileNotFoundError, ProcessLookupError):
        return []


def _resident_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def _bare_sqlite(url: str, folder: Path) -> float:
    """Copy the same rows into empty tables with the same keys, in one transaction, by SQLite itself."""
    target = folder / "bare.db"
    asyncio.run(_migrate(f"sqlite:///{target}"))
    connection = sqlite3.connect(target)
    try:
        connection.execute("ATTACH ? AS books", (url.removeprefix("sqlite:///"),))
        connection.execute("PRAGMA foreign_keys=OFF")
        began = time.monotonic()
        for table in TABLES:
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM books.{table}")  # noqa: S608
        connection.commit()
        return time.monotonic() - began
    finally:
        connection.close()
        target.unlink()


async def _migrate(url: str) -> None:
    async with Store(url, 30.0) as store:
        await store.migrate()


async def _bare_postgres(url: str, folder: Path) -> float:
    """COPY the same rows into empty tables with the same keys."""
    async with asyncio.timeout(_LONGEST_S):
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            took = 0.0
            for table in TABLES:
                rows = folder / "rows.copy"
                await connection.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING INDEXES)")
                await connection.copy_from_table(table, output=str(rows), format="binary")
                began = time.monotonic()
                await connection.copy_to_table(f"bare_{table}", source=str(rows), format="binary")
                took += time.monotonic() - began
                rows.unlink()
            return took
        finally:
            await connection.close()
