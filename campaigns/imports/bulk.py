"""Many rows written at once: COPY on PostgreSQL, one prepared statement on SQLite; ids are known beforehand."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

_BLOCK = 2_000

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


async def insert(
    connection: AsyncConnection, table: Table, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows inside the connection's transaction; a key that exists already raises IntegrityError."""
    if not rows:
        return
    processes = _processes(table, columns, connection.dialect)
    records = [_record(row, processes) for row in rows]
    if connection.dialect.name == "postgresql":
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.copy_records_to_table(table.name, records=records, columns=columns)
        return
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    await connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", records)  # noqa: S608


def _record(row: Sequence[Any], processes: Iterable[tuple[int, Process]]) -> tuple[Any, ...]:
    values = list(row)
    for place, process in processes:
        values[place] = process(values[place])
    return tuple(values)


class Ids:
    """Ids for rows that are yet to be written, so that rows can name each other before anything is."""

    def __init__(self) -> None:
        self._free: defaultdict[str, deque[int]] = defaultdict(deque)

    async def provide(self, connection: AsyncConnection, wanted: Mapping[str, int]) -> None:
        """See to it that at least so many ids a table can be taken."""
        for table, count in wanted.items():
            free = self._free[table]
            if connection.dialect.name == "postgresql":
                if len(free) < count:
                    free.extend(await _sequence(connection, table, max(count, _BLOCK)))
            else:
                # Nobody else writes between here and the chunk's commit, or the chunk is made anew.
                last = (await connection.execute(text(f"SELECT max(id) FROM {table}"))).scalar() or 0  # noqa: S608
                free.clear()
                free.extend(range(last + 1, last + 1 + count))

    def take(self, table: str) -> int:
        """Return the next id of a table."""
        return self._free[table].popleft()


async def _sequence(connection: AsyncConnection, table: str, count: int) -> list[int]:
    numbers = func.generate_series(1, count).alias("n")
    query = select(func.nextval(func.pg_get_serial_sequence(table, "id"))).select_from(numbers)
    return list((await connection.execute(query)).scalars())


def among(connection: AsyncConnection, column: str, name: str, *, numbers: bool = False) -> str:
    """Return the condition that a column is one of the values bound as `name` with `listed`: one statement for any."""
    if connection.dialect.name == "postgresql":
        return f"{column} = ANY(CAST(:{name} AS {'bigint' if numbers else 'text'}[]))"
    return f"{column} IN (SELECT value FROM json_each(:{name}))"  # noqa: S608 - names of columns, never values


def listed(connection: AsyncConnection, values: Iterable[Any]) -> Any:
    """Return values as `among` wants them bound."""
    return list(values) if connection.dialect.name == "postgresql" else json.dumps(list(values))
