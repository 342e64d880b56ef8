"""A private redis-server for these tests; without redis-server they are skipped, and with CI=true they fail."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialer.queues import EmbeddedRedis, RedisLink, connect, ensure
from dialer.types import QueuedLead, attempt_id

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    need_redis_server()
    server = asyncio.run(ensure(tmp_path_factory.mktemp("queues")))
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def redis(redis_server: EmbeddedRedis) -> AsyncIterator[RedisLink]:
    async with await connect(redis_server.url, 5.0) as link:
        await link.call("FLUSHALL")
        yield link


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    """A server a test may kill."""
    need_redis_server()
    server = await ensure(tmp_path)
    yield server
    again = await ensure(tmp_path)
    await again.stop(anyway=True)


def need_redis_server() -> None:
    if shutil.which("redis-server") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("redis-server is not on PATH and CI=true; run scripts/provision")
        pytest.skip("redis-server is not on PATH; run scripts/provision")


def a_lead(lead_id: int, **changes: object) -> QueuedLead:
    lead = QueuedLead(
        lead_id=lead_id,
        debtor_id=lead_id,
        debtor=f"Debtor {lead_id}",
        campaign_id=1,
        segment="early",
        phone_id=lead_id,
        phone=f"+54911{lead_id:08d}",
        time_zone="America/Argentina/Buenos_Aires",
        language="es",
        try_no=1,
        call_id=attempt_id("march", lead_id, 1),
        due_at=NOON - timedelta(minutes=1),
    )
    return replace(lead, **changes)  # type: ignore[arg-type]
