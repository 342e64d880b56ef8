"""The database for one command or for the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dialer.app.home import state_directory
from dialer.config import Config
from dialer.store import Store


@asynccontextmanager
async def open_store(config: Config) -> AsyncIterator[Store]:
    """Return the migrated database; raises Unavailable with the remedy."""
    state_directory(config)
    async with Store(config.database_url, config.database.timeout_s) as store:
        await store.migrate()
        yield store
