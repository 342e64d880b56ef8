"""The database: is it there, new enough, and are its tables of this version of the dialer."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import make_url

from dialer.config import Config
from dialer.doctor.check import Check, Part
from dialer.store import Store, StoreFacts

OLDEST_POSTGRESQL = 15
_PART = Part("database")


async def database_facts(config: Config) -> StoreFacts | None:
    """Ask the database, changing nothing; None when its SQLite file is not there yet. Raises Unavailable."""
    file = sqlite_file(config.database_url)
    if file is not None and not file.exists():
        return None
    async with Store(config.database_url, config.database.timeout_s) as store:
        return await store.facts()


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite url, None for a server."""
    parts = make_url(url)
    return Path(parts.database) if parts.get_backend_name() == "sqlite" and parts.database else None


def database_checks(url: str, facts: StoreFacts | None) -> list[Check]:
    """Judge the database; `url` is shown without its password."""
    shown = make_url(url).render_as_string(hide_password=True)
    if facts is None:
        return [_PART.skipped("reachable", f"{shown} is not there yet: the first command that needs it makes it")]
    return [_PART.ok("reachable", shown), _version(facts), _migrations(facts), *_journal(facts)]


def _version(facts: StoreFacts) -> Check:
    major = int(re.match(r"\d+", facts.version)[0]) if re.match(r"\d+", facts.version) else 0  # type: ignore[index]
    told = f"{'SQLite' if facts.dialect == 'sqlite' else 'PostgreSQL'} {facts.version}"
    if facts.dialect == "sqlite" or major >= OLDEST_POSTGRESQL:
        return _PART.ok("version", told)
    return _PART.failed("version", told, f"use PostgreSQL {OLDEST_POSTGRESQL} or newer")


def _migrations(facts: StoreFacts) -> Check:
    if facts.revision == facts.newest:
        return _PART.ok("migrations", f"tables are at {facts.revision}, the newest")
    if facts.revision in facts.known:
        told = f"tables are at {facts.revision or 'nothing'}, this dialer's are {facts.newest}"
        return _PART.failed("migrations", told, "restart the service: 'dialer run' brings the tables up to date")
    told = f"tables are at {facts.revision}, which this dialer does not know: a newer one made them"
    return _PART.failed("migrations", told, "run the newer dialer everywhere, or restore a backup")


def _journal(facts: StoreFacts) -> list[Check]:
    if facts.dialect != "sqlite":
        return []
    if facts.journal == "wal":
        return [_PART.ok("write-ahead log", "on")]
    told = f"journal mode {facts.journal}: readers would stop the engine's writes"
    return [_PART.warn("write-ahead log", told, "keep the file on a local disk; 'dialer run' switches the log on")]
