"""The lab's servers as pytest fixtures: import them into a conftest.py with `from tests.lab.fixtures import *`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.postgres import Postgres
from tests.lab.redis_server import RedisServer
from tests.lab.root import asterisk_root

__all__ = ["lab_root", "postgres", "redis_server"]


@pytest.fixture(scope="session")
def lab_root() -> Path:
    """The provisioned Asterisk root; skips, or fails with CI=true, where there is none."""
    return asterisk_root()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A fresh, durable redis-server."""
    with RedisServer(tmp_path / "redis", durable=True) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the session; `create_database` gives a test its own."""
    # Not pytest's own directory: that is closed to the user PostgreSQL runs as.
    work = Path(tempfile.mkdtemp(prefix="dialer-pg-"))
    try:
        with Postgres(work) as server:
            yield server
    finally:
        shutil.rmtree(work, ignore_errors=True)
