"""SQLite as the store needs it: write-ahead log, durable commits, explicit transactions, threads that end in time."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import Any

import aiosqlite
from aiosqlite.context import contextmanager
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

BEGIN_OPTION = "dialer_begin"
_PRAGMAS = ("synchronous=FULL", "foreign_keys=ON")
_BUSY_PAUSE_S = 0.01
_ROWS_AT_ONCE = 250
# Primary result codes that speak of the statement, not of the file: these are bugs and stay what they are.
_OUR_FAULT = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE}


class Threads:
    """The driver's threads, one a connection; `ended` waits for those that were told to stop."""

    def __init__(self) -> None:
        self._endings: set[asyncio.Future[Any]] = set()

    def connect(self, connector: Callable[[], sqlite3.Connection]) -> aiosqlite.Connection:
        """Return a connection that is opened when it is awaited."""
        return _Connection(connector, self._endings)

    async def ended(self, timeout_s: float) -> None:
        """Wait until every stopped thread has given its last answer: it may not answer to a closed loop."""
        loop = asyncio.get_running_loop()
        pending = [ending for ending in self._endings if ending.get_loop() is loop and not ending.done()]
        if pending:
            await asyncio.wait(pending, timeout=timeout_s)
        self._endings.clear()


class _Cursor(aiosqlite.Cursor):
    """Opened, asked, read and closed in one trip to the driver's thread instead of four.

    A trip costs more than most statements do. What has more rows than are read at once stays open for the rest.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        # Any: what runs a function on the driver's thread has no types.
        self._conn: Any = connection
        self.iter_chunk_size = _ROWS_AT_ONCE
        self._rows: list[Any] = []
        self._open = False

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> _Cursor:
        """Ask once."""
        return await self._ask(sqlite3.Cursor.execute, sql, parameters or ())

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> _Cursor:
        """Ask for each of these."""
        return await self._ask(sqlite3.Cursor.executemany, sql, parameters)

    async def _ask(self, ask: Callable[..., Any], sql: str, parameters: Iterable[Any]) -> _Cursor:
        self._cursor, self._rows = await self._conn._execute(_asked, self._conn._conn, ask, sql, parameters)
        self._open = len(self._rows) == _ROWS_AT_ONCE
        return self

    async def fetchone(self) -> Any:
        """Return the next row."""
        return next(iter(await self.fetchmany(1)), None)

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows."""
        if self._open and not self._rows:
            return list(await super().fetchmany(size))
        rows, self._rows = self._rows[:size], self._rows[size:] if size else []
        return rows

    async def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        rows, self._rows = self._rows, []
        return [*rows, *await super().fetchall()] if self._open else rows

    async def close(self) -> None:
        """Close what is still open."""
        if self._open:
            self._open = False
            await super().close()


def _asked(
    connection: sqlite3.Connection, ask: Callable[..., Any], sql: str, parameters: Iterable[Any]
) -> tuple[sqlite3.Cursor, list[Any]]:
    cursor = connection.cursor()
    ask(cursor, sql, parameters)
    rows = cursor.fetchmany(_ROWS_AT_ONCE)
    if len(rows) < _ROWS_AT_ONCE:
        cursor.close()
    return cursor, rows


class _Connection(aiosqlite.Connection):
    def __init__(self, connector: Callable[[], sqlite3.Connection], endings: set[asyncio.Future[Any]]) -> None:
        super().__init__(connector, _ROWS_AT_ONCE)
        # A killed or failed process must not hang on a thread that nobody stopped.
        self._thread.daemon = True
        self._endings = endings

    @contextmanager
    async def cursor(self) -> aiosqlite.Cursor:
        """Return a cursor that makes one trip."""
        return _Cursor(self)

    def stop(self) -> asyncio.Future[Any] | None:
        """Stop the thread and remember that it still has to answer."""
        ending = super().stop()
        if ending is not None:
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
        return ending


def engine(url: URL, timeout_s: float, threads: Threads) -> AsyncEngine:
    """Return the engine for a SQLite file; a locked file is waited for up to `timeout_s`."""
    path = url.database or ""

    def connect(*_: Any, **__: Any) -> aiosqlite.Connection:
        return threads.connect(lambda: _open(path, timeout_s))

    made = create_async_engine(
        url, pool_size=5, max_overflow=0, pool_timeout=timeout_s, connect_args={"async_creator_fn": connect}
    )
    event.listen(made.sync_engine, "begin", _begin)
    return made


def is_outage(error: sqlite3.Error) -> bool:
    """Tell whether the file is to blame (locked, full, gone), not the statement."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF not in _OUR_FAULT


def _open(path: str, timeout_s: float) -> sqlite3.Connection:
    """Open the file on the driver's own thread, which may wait."""
    connection = sqlite3.connect(path, timeout=timeout_s, isolation_level=None)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        _write_ahead(connection, time.monotonic() + timeout_s)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection, deadline: float) -> None:
    # SQLite does not wait for the lock here: two processes that create one file at once would fail.
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_PAUSE_S)
        else:
            return


def _begin(connection: Connection) -> None:
    # The driver opens no transaction by itself: it would take the write lock only at the first write, too late.
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN_OPTION, "BEGIN IMMEDIATE"))
