from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.config import Config
from dialer.doctor.check import Check, Status
from dialer.doctor.database import database_checks, database_facts, sqlite_file
from dialer.store import Store, StoreFacts

SQLITE = StoreFacts("sqlite", "3.45.1", "0002", "0002", frozenset({None, "0001", "0002"}), "wal")
POSTGRESQL = replace(SQLITE, dialect="postgresql", version="16.4 (Debian 16.4-1)", journal="")
URL = "postgresql+asyncpg://dialer:secret@db/dialer"


def judged(facts: StoreFacts, name: str) -> Check:
    (check,) = [check for check in database_checks(URL, facts) if check.name == name]
    return check


@pytest.mark.parametrize("facts", [SQLITE, POSTGRESQL])
def test_a_good_database_passes(facts: StoreFacts):
    assert {check.status for check in database_checks(URL, facts)} == {Status.OK}


def test_the_password_is_not_shown():
    assert "secret" not in "".join(check.detail for check in database_checks(URL, POSTGRESQL))


def test_a_database_that_nobody_made_yet_is_no_failure():
    (check,) = database_checks("sqlite:////x/dialer.db", None)
    assert check.status is Status.SKIPPED


def test_an_old_postgresql_fails():
    assert judged(replace(POSTGRESQL, version="14.9"), "version").status is Status.FAILED


@pytest.mark.parametrize("revision", [None, "0001"])
def test_tables_behind_are_brought_up_to_date_by_the_service(revision: str | None):
    check = judged(replace(SQLITE, revision=revision), "migrations")
    assert (check.status, "dialer run" in check.remedy) == (Status.FAILED, True)


def test_tables_of_a_newer_dialer_are_told_apart():
    check = judged(replace(SQLITE, revision="0099"), "migrations")
    assert (check.status, "newer dialer" in check.remedy) == (Status.FAILED, True)


def test_a_file_without_its_write_ahead_log_is_warned_of():
    assert judged(replace(SQLITE, journal="delete"), "write-ahead log").status is Status.WARN


def test_only_sqlite_has_a_file():
    assert sqlite_file("sqlite+aiosqlite:////x/dialer.db") == Path("/x/dialer.db")
    assert sqlite_file(URL) is None


async def test_asking_makes_nothing_and_finds_what_the_first_command_made(tmp_path: Path):
    config = Config.model_validate({"service": {"home": tmp_path}})
    assert await database_facts(config) is None
    assert os.listdir(tmp_path) == []
    async with Store(config.database_url) as store:
        await store.migrate()
    facts = await database_facts(config)
    assert facts is not None
    assert (facts.revision == facts.newest, facts.journal, facts.revision in facts.known) == (True, "wal", True)
