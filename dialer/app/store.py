"""The database for one command or for the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dialer.config import Config
from dialer.store import Store


@asynccontextmanager
async def open_store(config: Config) -> AsyncIterator[Store]:
    """Return the migrated database; raises Unavailable with the remedy."""
    config.home.mkdir(parents=True, exist_ok=True)
    async with Store(config.database_url, config.database.timeout_s) as store:
        await store.migrate()
        yield store
