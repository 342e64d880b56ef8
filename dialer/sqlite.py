"""SQLite as the store needs it: write-ahead log, durable commits, explicit transactions, threads that end in time."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

BEGIN_OPTION = "dialer_begin"
_PRAGMAS = ("synchronous=FULL", "foreign_keys=ON")
_BUSY_PAUSE_S = 0.01
_ROWS_AT_ONCE = 64
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


class _Connection(aiosqlite.Connection):
    def __init__(self, connector: Callable[[], sqlite3.Connection], endings: set[asyncio.Future[Any]]) -> None:
        super().__init__(connector, _ROWS_AT_ONCE)
        # A killed or failed process must not hang on a thread that nobody stopped.
        self._thread.daemon = True
        self._endings = endings

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
