"""An import that was killed goes on; nobody sees half of one; nobody waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from campaigns.importer import import_list
from campaigns.imports import publishing
from campaigns.imports.pace import Pace
from dialer.store import Store
from tests.books import NOW, Desk, OnSqlite

BESIDE = """
import asyncio, sys, threading, time
from sqlalchemy import text
from dialer.store import Store

async def main(url, over):
    writes, longest = 0, 0.0
    async with Store(url) as store:
        await store.check()
        print("ready", flush=True)
        while not over.is_set():
            began = time.monotonic()
            async with store.transaction() as session:
                await session.execute(text("UPDATE campaigns SET started_at = NULL WHERE name = 'spring'"))
            writes, longest = writes + 1, max(longest, time.monotonic() - began)
            await asyncio.sleep(0.02)
    print(writes, longest)

over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True).start()
asyncio.run(main(sys.argv[1], over))
"""

HEADER = "cédula;nombre;celular;segmento;acreedor;nro crédito;saldo;mora"
ROWS = 9_000
KILL_AFTER_ROWS = 2_500

IMPORT = """
import asyncio, sys
from datetime import datetime, timezone
from pathlib import Path
from campaigns.importer import import_list
from dialer.store import Store

async def main(url, path):
    def progress(done, total):
        print(done, flush=True)
    async with Store(url, 30.0) as store:
        await import_list(store, Path(path), "spring", datetime(2026, 6, 2, 15, tzinfo=timezone.utc), progress=progress)

if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
"""


def write(path: Path, rows: int = ROWS, balance: int = 10) -> None:
    lines = [
        f"{1_000_000 + number};Persona {number};3{10 + number % 10}{number * 7919 % 10_000_000:07};"
        f"early;Banco;{number};{balance};5"
        for number in range(rows)
    ]
    # Some are refused, and some people come twice.
    lines[7] = "1000007;Persona 7;12;early;;;;"
    lines[5_000 % rows] = "1000003;Persona 3;3009999999;early;Otro;99;7;5"
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")


async def counts(store: Store) -> dict[str, int]:
    async with store.snapshot() as session:
        return {
            table: int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
            for table in ("debtors", "phones", "accounts", "leads", "import_changes")
        }


def killed_half_way(url: str, path: Path, script: Path) -> int:
    """Import in a process of its own, and kill it when it has come some way; return how far that was."""
    script.write_text(IMPORT, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), url, str(path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    done = 0
    for line in process.stdout:
        done = int(line)
        if done >= KILL_AFTER_ROWS:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.stdout.close()
    process.wait(timeout=10)
    return done


def writer_beside(url: str, script: Path) -> subprocess.Popen[str]:
    """Begin to write in another process, as an engine would, until a line is sent to it."""
    script.write_text(BESIDE, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


class ImporterResumedContract:
    async def test_killed_half_way_it_goes_on_and_doubles_nothing(self, store: Store, tmp_path: Path) -> None:
        desk = await Desk.opened(store)
        path = tmp_path / "list.csv"
        write(path)
        done = await asyncio.to_thread(killed_half_way, store.url, path, tmp_path / "run.py")
        assert KILL_AFTER_ROWS <= done < ROWS
        assert await desk.due() == []
        report = await import_list(store, path, "spring", NOW)
        assert report.resumed_at >= KILL_AFTER_ROWS
        assert (report.rows, report.imported, report.rejected) == (ROWS, ROWS - 1, 1)
        people = ROWS - 2
        expected = {"debtors": people, "phones": people + 1, "accounts": people + 1, "leads": people}
        assert report.new == expected
        assert await counts(store) == {**expected, "import_changes": 0}
        assert len(await desk.due(limit=ROWS)) == people

    async def test_killed_after_publication_the_next_import_tidies_up(self, store: Store, tmp_path: Path) -> None:
        desk = await Desk.opened(store)
        first, second = tmp_path / "a.csv", tmp_path / "b.csv"
        write(first, 30)
        await import_list(store, first, "spring", NOW)
        write(second, 30, balance=99)
        await self.published_only(store, second)
        assert len(await desk.due(limit=100)) == 28
        await import_list(store, first, "spring", NOW)
        async with store.snapshot() as session:
            states = set((await session.execute(text("SELECT state FROM imports"))).scalars())
            balances = int(await session.scalar(text("SELECT count(*) FROM import_changes")) or 0)
        assert (states, balances) == ({"done"}, 0)

    async def published_only(self, store: Store, path: Path) -> None:
        """Import up to the publication and no further, as a process that is killed there."""

        async def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patched, suppress(KeyboardInterrupt):
            patched.setattr(publishing, "tidy", killed)
            await import_list(store, path, "spring", NOW)

    async def test_tidying_twice_changes_nothing(self, store: Store, tmp_path: Path) -> None:
        await Desk.opened(store)
        path = tmp_path / "a.csv"
        write(path, 30)
        await import_list(store, path, "spring", NOW)
        before = await counts(store)
        await publishing.tidy_all(store, Pace())
        assert await counts(store) == before

    async def test_a_writer_beside_it_never_waits_long(self, store: Store, tmp_path: Path) -> None:
        """An engine writes what came of calls all the time; half a second is its patience."""
        await Desk.opened(store)
        path = tmp_path / "list.csv"
        write(path, 6_000)
        beside = await asyncio.to_thread(writer_beside, store.url, tmp_path / "beside.py")
        try:
            await import_list(store, path, "spring", NOW)
        finally:
            told, _ = await asyncio.to_thread(beside.communicate, "over\n", 30)
        writes, longest_s = told.split()[-2:]
        assert int(writes) > 10
        assert float(longest_s) < 0.5


class TestOnSqlite(OnSqlite, ImporterResumedContract):
    pass
