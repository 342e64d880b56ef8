"""Many rows written at once: COPY on PostgreSQL, one prepared statement on SQLite; ids are known beforehand."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

_BLOCK = 8_000

_NOTHING = object()

Process = Callable[[Any], Any]


@lru_cache(maxsize=64)
def _processes(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[tuple[int, Process], ...]:
    """Return how values become what the driver takes, for the columns that need it."""
    found = []
    for place, name in enumerate(columns):
        process = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if process is not None:
            found.append((place, process))
    return tuple(found)


Records = tuple[Table, tuple[str, ...], list[tuple[Any, ...]]]
"""Rows as the driver takes them, with their table and columns."""


def records(dialect: Dialect, table: Table, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> Records:
    """Return rows as the driver takes them: made before the transaction, which is the shorter for it."""
    if not rows:
        return table, columns, []
    by_column: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for place, process in _processes(table, columns, dialect):
        by_column[place] = _processed(process, by_column[place])
    return table, columns, list(zip(*by_column, strict=True))


def _processed(process: Process, values: Iterable[Any]) -> Iterator[Any]:
    """Yield what the driver takes for each value; a column that repeats one object pays for it once."""
    last: Any = _NOTHING
    made: Any = None
    for value in values:
        if value is not last:
            last, made = value, process(value)
        yield made


async def insert(connection: AsyncConnection, made: Records) -> None:
    """Insert rows inside the connection's transaction; a key that exists already raises IntegrityError."""
    table, columns, rows = made
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.copy_records_to_table(table.name, records=rows, columns=columns)
        return
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    await connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)  # noqa: S608


class Ids:
    """Ids for rows that are yet to be written, so that rows can name each other before anything is."""

    def __init__(self) -> None:
        self._free: defaultdict[str, deque[int]] = defaultdict(deque)
        self._taken: defaultdict[str, int] = defaultdict(int)

    async def provide(self, connection: AsyncConnection, wanted: Mapping[str, int]) -> None:
        """See to it that at least so many ids a table can be taken."""
        for table, count in wanted.items():
            free = self._free[table]
            if connection.dialect.name == "postgresql":
                if len(free) < count:
                    free.extend(await _sequence(connection, table, max(count, _BLOCK)))
            else:
                # Nobody else writes between here and the chunk's commit, or the chunk is made anew.
                written = (await connection.execute(text(f"SELECT max(id) FROM {table}"))).scalar() or 0  # noqa: S608
                last = max(written, self._taken[table])
                free.clear()
                free.extend(range(last + 1, last + 1 + count))

    def take(self, table: str) -> int:
        """Return the next id of a table."""
        id_ = self._taken[table] = self._free[table].popleft()
        return id_


async def _sequence(connection: AsyncConnection, table: str, count: int) -> list[int]:
    name = (
        await connection.execute(text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table})
    ).scalar_one()
    query = text("SELECT array_agg(nextval(CAST(:name AS regclass))) FROM generate_series(1, CAST(:count AS integer))")
    return list((await connection.execute(query, {"name": name, "count": count})).scalar_one())


_BY_KEYS = text(
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true), "
    "set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
)


async def by_keys(connection: AsyncConnection) -> None:
    """Have rows found by their keys until the transaction ends, with plans that are made once; SQLite does so anyway.

    A growing list is longer than the statistics say: read from end to end, or planned anew for each row's foreign
    keys, it costs PostgreSQL more than all the writing.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_BY_KEYS)


def matching(connection: AsyncConnection, table: str, column: str, *, numbers: bool = False, also: str = "") -> str:
    """Return the rows of a table with one of the keys bound as `keys` with `listed`, as a subquery named `t`.

    Key by key: PostgreSQL, told to look for all at once, may read all that another column of the index allows.
    """
    condition = f" AND {also}" if also else ""
    if connection.dialect.name == "postgresql":
        keys = f"unnest(CAST(:keys AS {'bigint' if numbers else 'text'}[])) AS wanted(key)"
        found = f"SELECT * FROM {table} WHERE {column} = wanted.key{condition} OFFSET 0"  # noqa: S608 - never values
        return f"{keys} CROSS JOIN LATERAL ({found}) AS t"
    return f"(SELECT * FROM {table} WHERE {among(connection, column, 'keys')}{condition}) AS t"  # noqa: S608


def among(connection: AsyncConnection, column: str, name: str, *, numbers: bool = False) -> str:
    """Return the condition that a column is one of the values bound as `name` with `listed`: one statement for any."""
    if connection.dialect.name == "postgresql":
        return f"{column} = ANY(CAST(:{name} AS {'bigint' if numbers else 'text'}[]))"
    return f"{column} IN (SELECT value FROM json_each(:{name}))"  # noqa: S608 - names of columns, never values


def listed(connection: AsyncConnection, values: Iterable[Any]) -> Any:
    """Return values as `matching` and `among` want them bound."""
    return list(values) if connection.dialect.name == "postgresql" else json.dumps(list(values))
