"""`dialer leads promise`: promises to pay, seen and decided from the command line."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from campaigns.models import Account
from campaigns.promises import Promises
from dialer.cli.promise import promise
from dialer.store import Store
from tests.books import NOW, Desk


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a campaign in which Ana has promised 100 for Friday."""
    for variable in ("DIALER_CONFIG", "DIALER_HOME", "DIALER_DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text('[service]\nhome = "own"\n[database]\nurl = "sqlite:///own.db"\n')
    asyncio.run(_promised(f"sqlite:///{tmp_path}/own.db"))
    return tmp_path


async def _promised(url: str) -> None:
    async with Store(url) as store:
        await store.migrate()
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        async with store.transaction() as session:
            session.add(Account(debtor_id=lead.debtor_id, creditor="Banco", balance=Decimal(500)))
        await desk.book(lead)
        await Promises(store).make(lead.call_id, date(2026, 6, 5), NOW, amount=Decimal(100), agent="rosa")


def dialer(*words: str) -> Result:
    result = CliRunner().invoke(promise, words, obj=Path("config.toml"))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_open_promises_are_listed(work: Path) -> None:
    (row,) = json.loads(dialer("list", "spring", "--json").stdout)
    said = {name: row[name] for name in ("debtor", "creditor", "amount", "due_on", "agent")}
    assert said == {"debtor": "ana", "creditor": "Banco", "amount": "100.00", "due_on": "2026-06-05", "agent": "rosa"}
    assert "2026-06-05" in dialer("list", "spring").stdout


@pytest.mark.parametrize("verdict", ["kept", "broken"])
def test_a_promise_is_decided_once(work: Path, verdict: str) -> None:
    assert dialer(verdict, "spring", "ana").stdout == f"1 promises of debtor ana: {verdict}\n"
    with pytest.raises(Exception, match="has no open promise in campaign 'spring'"):
        dialer(verdict, "spring", "ana")
