"""A private PostgreSQL for these tests, or the one named by DIALER_TEST_POSTGRES_URL; a fresh database each test.

Without one they are skipped, and with CI=true they fail.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from dialer.store import Store


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The url of a server whose user may create databases, without a database name."""
    given = os.environ.get("DIALER_TEST_POSTGRES_URL")
    if given:
        yield given.rstrip("/")
        return
    programs = _programs()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL's initdb and pg_ctl were not found and CI=true; run scripts/provision")
        pytest.skip("PostgreSQL's initdb and pg_ctl were not found; run scripts/provision")
    with tempfile.TemporaryDirectory(prefix="dialer-pg-") as folder:
        yield from _private_server(programs, Path(folder))


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> str:
    """The name of a database with all tables; copying it is quicker than migrating again."""
    name = f"books_template_{os.getpid()}"

    async def prepare() -> None:
        await _run(postgres_server, f"CREATE DATABASE {name}")
        async with Store(f"{postgres_server}/{name}", 30) as store:
            await store.migrate()

    asyncio.run(prepare())
    return name


@pytest.fixture
async def empty_database(postgres_server: str) -> AsyncIterator[str]:
    """The url of a database without a table."""
    await _run(postgres_server, "CREATE DATABASE books_empty")
    yield f"{postgres_server}/books_empty"
    await _run(postgres_server, "DROP DATABASE books_empty WITH (FORCE)")


@pytest.fixture
async def database(postgres_server: str, migrated_template: str) -> AsyncIterator[str]:
    """The url of a database with all tables and no rows."""
    name = f"books_{os.getpid()}"
    await _run(postgres_server, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield f"{postgres_server}/{name}"
    await _run(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


class OnPostgres:
    """A story told over a fresh database of a real PostgreSQL."""

    @pytest.fixture
    async def store(self, database: str) -> AsyncIterator[Store]:
        async with Store(database) as store:
            yield store


async def _run(server: str, statement: str) -> None:
    async with asyncio.timeout(30):
        connection = await asyncpg.connect(f"{server}/postgres")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _programs() -> Path | None:
    found = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)]
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else next(iter(found), None)


def _private_server(programs: Path, folder: Path) -> Iterator[str]:
    data, port = folder / "data", _free_port()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
    _as_postgres([programs / "initdb", "-A", "trust", "-U", "dialer", "-E", "UTF8", "-N", "-D", data])
    _as_postgres([programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"])
    try:
        yield f"postgresql://dialer@127.0.0.1:{port}"
    finally:
        _as_postgres([programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop"])


def _as_postgres(command: list[str | Path]) -> None:
    # PostgreSQL refuses to run as root.
    words = [str(word) for word in command]
    runas = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
    subprocess.run([*runas, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
