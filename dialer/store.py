"""The SQL store: one engine, one unit of work, migrations; SQLite and PostgreSQL behave the same behind it.

Whoever holds a `Store` gets all or nothing per transaction, an answer or `Unavailable` within `timeout_s`,
and aware UTC datetimes on both databases.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, BigInteger, Connection, DateTime, Integer, MetaData, Numeric, Table, exc, make_url, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from dialer import sqlite
from dialer.types import ConfigError, Unavailable

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x6469616C6572
_MIGRATION_TIMEOUT_S = 120.0
_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant: any zone goes in, UTC comes out; a naive datetime is refused with ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn the instant into UTC; SQLite keeps no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value.isoformat()}: give it a zone, such as UTC")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the instant back aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount with two decimals; SQLite, which knows no decimals, keeps cents."""

    impl = Numeric(14, 2)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(14, 2))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        """Turn the amount into what the database keeps; more than two decimals are refused."""
        if value is None or dialect.name != "sqlite":
            return value
        cents = value.scaleb(2)
        if cents != int(cents):
            raise ValueError(f"amount {value} has more than two decimals")
        return int(cents)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Give the amount back with its two decimals."""
        return Decimal(value).scaleb(-2) if isinstance(value, int) else value


JsonType = JSON().with_variant(JSONB(), "postgresql")
BigId = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """Parent of every table; constraint names are the same on every database so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime(),
        dict[str, Any]: JsonType,
        dict[str, int]: JsonType,
        list[str]: JsonType,
    }


def upsert(connection: AsyncConnection, table: Table) -> Any:
    """Return the database's own INSERT, which knows ON CONFLICT."""
    return upsert_in(connection.dialect.name, table)


def upsert_in(dialect: str, table: Table) -> Any:
    """Return the INSERT of `sqlite` or `postgresql`, for a statement that is made once and kept."""
    return (postgresql if dialect == "postgresql" else sqlite_dialect).insert(table)


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """A database as found; `revision` is None before the first migration, `known` are all revisions of this code."""

    dialect: str
    version: str
    revision: str | None
    newest: str | None
    known: frozenset[str | None]
    journal: str


class Store:
    """The database behind one url; every call ends within `timeout_s` or raises `Unavailable`."""

    def __init__(self, url: str, timeout_s: float = 5.0) -> None:
        """Prepare the pools; nothing is opened before the first transaction."""
        self._url = _async_url(url)
        self._timeout_s = timeout_s
        self._threads = sqlite.Threads()
        self._engine = _engine(self._url, timeout_s, self._threads)
        self._reading = self._engine.execution_options(**{sqlite.BEGIN_OPTION: "BEGIN"})

    @property
    def url(self) -> str:
        """The database's url with the password hidden."""
        return self._url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @asynccontextmanager
    async def transaction(self, timeout_s: float | None = None) -> AsyncIterator[AsyncSession]:
        """All or nothing: commits when the block ends well, else nothing of it remains.

        The whole block has `timeout_s` seconds (the store's own by default). On SQLite the write lock is taken
        at the start, so that two processes wait for each other instead of failing half-way.
        """
        async with self._unit(self._engine, timeout_s) as session:
            yield session
            await session.commit()

    @asynccontextmanager
    async def snapshot(self, timeout_s: float | None = None) -> AsyncIterator[AsyncSession]:
        """Read without ever waiting for a writer; nothing written here is kept."""
        async with self._unit(self._reading, timeout_s) as session:
            yield session

    async def migrate(self) -> None:
        """Bring the tables to the newest form; a second process doing the same waits and then finds it done.

        Where there is nothing to do, nothing is locked: reading goes on beside somebody who writes for long.
        """
        self._make_folder()
        async with self.snapshot() as session:
            if await (await session.connection()).run_sync(_is_newest):
                return
        async with self.transaction(max(self._timeout_s, _MIGRATION_TIMEOUT_S)) as session:
            connection = await session.connection()
            if self.dialect == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            await connection.run_sync(_upgrade)

    def _make_folder(self) -> None:
        if self._url.get_backend_name() != "sqlite" or not self._url.database:
            return
        try:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unavailable(error, self._timeout_s) from error

    async def check(self) -> None:
        """Return when the database answers; else raise Unavailable naming its url and the remedy."""
        async with self.snapshot() as session:
            await session.execute(text("SELECT 1"))

    async def facts(self) -> StoreFacts:
        """Return what the database is and which tables it has; changes nothing."""
        async with self.snapshot() as session:
            connection = await session.connection()
            question = "SELECT sqlite_version()" if self.dialect == "sqlite" else "SHOW server_version"
            version = str((await connection.execute(text(question))).scalar_one())
            journal = ""
            if self.dialect == "sqlite":
                journal = str((await connection.execute(text("PRAGMA journal_mode"))).scalar_one())
            revision = await connection.run_sync(_revision)
        scripts = ScriptDirectory.from_config(_alembic())
        known = frozenset({None, *(script.revision for script in scripts.walk_revisions())})
        return StoreFacts(self.dialect, version, revision, scripts.get_current_head(), known, journal)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        await self._threads.ended(self._timeout_s)

    async def __aenter__(self) -> Self:
        """Use the store for the length of a block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self.close()

    @asynccontextmanager
    async def _unit(self, engine: AsyncEngine, timeout_s: float | None) -> AsyncIterator[AsyncSession]:
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        connected = False
        try:
            async with asyncio.timeout(limit_s), AsyncSession(engine, expire_on_commit=False) as session:
                await session.connection()
                connected = True
                yield session
        except Exception as error:
            if not _is_outage(error, connected):
                raise
            raise self._unavailable(error, limit_s) from error

    def _unavailable(self, error: Exception, limit_s: float) -> Unavailable:
        if isinstance(error, TimeoutError):
            reason = f"no answer within {limit_s:g} s"
        else:
            cause = getattr(error, "orig", None) or error
            reason = str(cause) or type(cause).__name__
        remedy = "start it, or correct [database] url in config.toml"
        if self.dialect == "sqlite":
            remedy = "check that the folder exists, is writable and has free space, and that no other program holds it"
        return Unavailable(f"database {self.url}: {reason}; {remedy}", error_id="database-unavailable")


def _async_url(text_: str) -> URL:
    try:
        url = make_url(text_)
    except exc.ArgumentError as error:
        raise ConfigError("[database] url is not a database url such as postgresql://user@host/name") from error
    url = url.set(drivername=_ASYNC_DRIVERS.get(url.drivername, url.drivername))
    if url.drivername not in _ASYNC_DRIVERS.values():
        raise ConfigError(f"[database] url names {url.drivername!r}; use sqlite or postgresql")
    return url


def _engine(url: URL, timeout_s: float, threads: sqlite.Threads) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        return sqlite.engine(url, timeout_s, threads)
    return create_async_engine(
        url,
        pool_size=5,
        max_overflow=5,
        pool_timeout=timeout_s,
        pool_pre_ping=True,
        connect_args={
            "timeout": timeout_s,
            "command_timeout": max(timeout_s, _MIGRATION_TIMEOUT_S),
            # A plan made once for all, on tables that were empty then, costs 100 ms a statement on a long list.
            "server_settings": {"plan_cache_mode": "force_custom_plan", "application_name": "dialer"},
        },
    )


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _is_newest(connection: Connection) -> bool:
    known = ScriptDirectory.from_config(_alembic()).get_current_head()
    return _revision(connection) == known


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_outage(error: Exception, connected: bool) -> bool:
    if isinstance(error, exc.DBAPIError):
        return not connected or error.connection_invalidated or _speaks_of_the_server(error)
    if isinstance(error, exc.TimeoutError | TimeoutError | ConnectionError):
        return True
    return not connected and isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError)


def _speaks_of_the_server(error: exc.DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return sqlite.is_outage(error.orig)
    # SQLSTATE classes: 08 connection, 53 resources (disk full), 57 operator (shutdown), 58 system, 40 rolled back.
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return isinstance(error, exc.OperationalError | exc.InterfaceError) or state[:2] in {"08", "40", "53", "57", "58"}
