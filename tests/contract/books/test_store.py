"""A transaction is all or nothing, answers in time, and keeps instants in UTC."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Subquery, exc, func, insert, literal, select, text

import campaigns.models
import recordings.models
from campaigns.models import Campaign, Phone
from dialer.store import Base, Store
from dialer.types import ConfigError, Unavailable
from tests.books import NOW, OnSqlite

MIGRATE = """
import asyncio, sys
from dialer.store import Store
async def migrate():
    async with Store(sys.argv[1], 30) as store:
        await store.migrate()
asyncio.run(migrate())
"""


def a_campaign(name: str, at: datetime = NOW) -> Campaign:
    return Campaign(key=name, name=name, definition="", state="created", created_at=at)


def rows_of(count: int) -> Subquery:
    """Return a question with so many rows."""
    rows = select(literal(1).label("number")).cte("rows", recursive=True)
    rows = rows.union_all(select(rows.c.number + 1).where(rows.c.number < count))
    return select(rows.c.number).where(rows.c.number <= count).subquery()


async def names(store: Store) -> list[str]:
    async with store.snapshot() as session:
        return list(await session.scalars(select(Campaign.name).order_by(Campaign.name)))


class StoreContract:
    async def test_what_a_transaction_wrote_is_kept(self, store: Store) -> None:
        async with store.transaction() as session:
            session.add(a_campaign("spring"))
        assert await names(store) == ["spring"]

    async def test_a_migrated_database_tells_that_it_is_the_newest(self, store: Store) -> None:
        facts = await store.facts()
        assert (facts.dialect, facts.revision, facts.version[:1].isdigit()) == (store.dialect, facts.newest, True)
        assert {None, facts.newest} <= facts.known

    @pytest.mark.parametrize("count", [0, 1, 249, 250, 251, 1000])
    async def test_every_row_arrives_once_at_once_or_by_and_by(self, store: Store, count: int) -> None:
        numbers = select(func.row_number().over()).select_from(rows_of(count))
        async with store.snapshot() as session:
            at_once = list(await session.scalars(numbers))
            by_and_by = [number async for (number,) in await session.stream(numbers.execution_options(yield_per=100))]
            first = await (await session.stream(numbers)).first()
        assert at_once == by_and_by == list(range(1, count + 1))
        assert first == ((1,) if count else None)

    async def test_an_exception_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(RuntimeError, match="half-way"):  # noqa: PT012
            async with store.transaction() as session:
                session.add(a_campaign("spring"))
                await session.flush()
                raise RuntimeError("half-way")
        assert await names(store) == []

    async def test_a_cancelled_transaction_leaves_nothing_and_no_lock(self, store: Store) -> None:
        written = asyncio.Event()

        async def writes_and_waits() -> None:
            async with store.transaction() as session:
                session.add(a_campaign("spring"))
                await session.flush()
                written.set()
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(writes_and_waits())
            await written.wait()
            task.cancel()
        async with store.transaction() as session:
            session.add(a_campaign("autumn"))
        assert await names(store) == ["autumn"]

    async def test_a_block_over_its_time_is_unavailable_and_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(Unavailable, match=r"no answer within 0\.2 s"):  # noqa: PT012
            async with store.transaction(timeout_s=0.2) as session:
                session.add(a_campaign("spring"))
                await session.flush()
                await asyncio.Event().wait()
        assert await names(store) == []

    async def test_transactions_at_once_wait_for_each_other(self, store: Store) -> None:
        async def writes(number: int) -> None:
            async with store.transaction() as session:
                known = len((await session.scalars(select(Campaign))).all())
                session.add(a_campaign(f"c{number:02}-{known}"))

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(writes(number))
        assert len(await names(store)) == 20

    async def test_instants_come_back_aware_in_utc(self, store: Store) -> None:
        bogota = timezone(timedelta(hours=-5))
        at = datetime(2026, 6, 2, 10, 0, 0, 123456, tzinfo=bogota)
        async with store.transaction() as session:
            session.add(a_campaign("spring", at))
        async with store.snapshot() as session:
            kept = (await session.scalars(select(Campaign))).one().created_at
        assert (kept, kept.tzinfo) == (at, UTC)

    async def test_a_naive_instant_is_refused(self, store: Store) -> None:
        with pytest.raises(exc.StatementError, match="naive datetime"):
            async with store.transaction() as session:
                session.add(a_campaign("spring", datetime(2026, 6, 2)))  # noqa: DTZ001

    async def test_a_row_without_its_parent_is_refused(self, store: Store) -> None:
        with pytest.raises(exc.IntegrityError):
            async with store.transaction() as session:
                await session.execute(insert(Phone).values(debtor_id=99, e164="+573001", rank=0))

    async def test_a_wrong_statement_is_a_bug_not_an_outage(self, store: Store) -> None:
        with pytest.raises(exc.DBAPIError):
            async with store.snapshot() as session:
                await session.execute(text("SELECT nothing FROM nowhere"))

    async def test_tables_are_what_the_models_say(self, store: Store) -> None:
        assert {campaigns.models.Attempt.metadata, recordings.models.Recording.metadata} == {Base.metadata}
        async with store.snapshot() as session:
            connection = await session.connection()
            assert await connection.run_sync(_differences) == []

    async def test_migrating_again_changes_nothing(self, store: Store) -> None:
        async with store.transaction() as session:
            session.add(a_campaign("spring"))
        await store.migrate()
        assert await names(store) == ["spring"]

    async def test_a_database_that_answers_passes_the_check(self, store: Store) -> None:
        await store.check()


def _differences(connection: object) -> object:
    context = MigrationContext.configure(connection, opts={"compare_type": True})  # type: ignore[arg-type]
    return compare_metadata(context, Base.metadata)


async def migrate_from_two_processes(url: str) -> list[int | None]:
    """Start both at the same moment; return their exit codes."""
    both = [await asyncio.create_subprocess_exec(sys.executable, "-W", "error", "-c", MIGRATE, url) for _ in range(2)]
    return [await process.wait() for process in both]


class TestOnSqlite(OnSqlite, StoreContract):
    async def test_two_processes_migrate_at_once(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/new/books.db"
        assert await migrate_from_two_processes(url) == [0, 0]
        async with Store(url) as store:
            assert await names(store) == []

    async def test_a_reader_never_waits_for_a_writer(self, store: Store) -> None:
        async with store.transaction() as session:
            session.add(a_campaign("spring"))
            await session.flush()
            assert await names(store) == []

    async def test_a_database_held_by_another_program_is_unavailable(self, tmp_path: Path) -> None:
        async with Store(f"sqlite:///{tmp_path}/books.db", timeout_s=0.2) as store:
            await store.migrate()
            holder = sqlite3.connect(tmp_path / "books.db", isolation_level=None)
            try:
                holder.execute("BEGIN IMMEDIATE")
                with pytest.raises(Unavailable, match=r"books\.db.*(locked|no answer).*no other program"):
                    async with store.transaction() as session:
                        session.add(a_campaign("spring"))
            finally:
                holder.close()

    async def test_a_folder_that_is_not_there_is_unavailable(self, tmp_path: Path) -> None:
        async with Store(f"sqlite:///{tmp_path}/nowhere/books.db") as store:
            with pytest.raises(Unavailable, match="check that the folder exists") as caught:
                await store.check()
        assert isinstance(caught.value.__cause__, exc.OperationalError)

    async def test_a_file_that_is_no_database_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "books.db").write_bytes(b"not a database at all, but long enough to be read as one" * 20)
        async with Store(f"sqlite:///{tmp_path}/books.db") as store:
            with pytest.raises(Unavailable, match="file is not a database"):
                await store.check()


async def test_a_server_that_is_away_is_unavailable_and_keeps_the_password() -> None:
    async with Store("postgresql://dialer:secret@127.0.0.1:1/books") as store:
        with pytest.raises(Unavailable, match=r"dialer:\*\*\*@127.*start it") as caught:
            await store.check()
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("url", ["not a url", "mysql://root@localhost/books"])
def test_another_kind_of_database_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError, match="database"):
        Store(url)
