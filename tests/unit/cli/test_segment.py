"""`dialer campaign segment`: counted, added, changed, removed from the command line."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from campaigns.models import Account, Debtor, Lead, Segment
from campaigns.repository import Campaigns
from dialer.cli.segment import segment
from dialer.config import parse_campaign
from dialer.store import Store
from tests.books import CAMPAIGN, NOW

LARGE = "balance = { min = 1000 }"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a campaign of two debtors, who owe 10 and 5000."""
    for variable in ("DIALER_CONFIG", "DIALER_HOME", "DIALER_DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text('[service]\nhome = "own"\n[database]\nurl = "sqlite:///own.db"\n')
    asyncio.run(_listed(f"sqlite:///{tmp_path}/own.db"))
    return tmp_path


async def _listed(url: str) -> None:
    text = CAMPAIGN.format(name="spring")
    async with Store(url) as store:
        await store.migrate()
        async with store.transaction() as session:
            campaign = await Campaigns(session).create(parse_campaign(text, "test"), text, key="k", now=NOW)
            early = (await session.scalars(select(Segment).where(Segment.name == "early"))).one()
            for balance in (10, 5000):
                debtor = Debtor(external_id=f"d{balance}", language="es", time_zone="")
                session.add(debtor)
                await session.flush()
                session.add(Account(debtor_id=debtor.id, balance=Decimal(balance)))
                session.add(Lead(campaign_id=campaign.id, segment_id=early.id, debtor_id=debtor.id))


def dialer(*words: str, **how: Any) -> Result:
    found = Path("config.toml")
    result = CliRunner().invoke(segment, words, obj=found, **how)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def listed() -> dict[str, dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(dialer("list", "spring", "--json").stdout)
    return {row["segment"]: row for row in rows}


def test_a_rule_is_counted_without_being_saved(work: Path) -> None:
    assert dialer("count", "spring", "--where", LARGE).stdout == "1 leads of campaign spring match\n"
    assert set(listed()) == {"early", "late"}


def test_a_segment_is_added_and_its_leads_move(work: Path) -> None:
    added = dialer("add", "spring", "large", "--where", LARGE, "--priority", "950", "--weight", "3")
    assert added.stdout == "segment large of campaign spring: its rule matches 1 leads, 1 moved\n"
    assert listed()["large"] == {
        "segment": "large",
        "priority": 950,
        "weight": 3,
        "leads": 1,
        "source": "api",
        "where": {"balance": {"min": 1000}},
    }


def test_a_segment_may_come_from_a_file(work: Path) -> None:
    (work / "large.toml").write_text(f"priority = 950\nwhere = {{ {LARGE} }}\n[cadence]\nmax_tries = 3\n")
    assert dialer("add", "spring", "large", "--file", "large.toml").exit_code == 0
    assert listed()["large"]["leads"] == 1


def test_a_segment_is_changed_and_removed(work: Path) -> None:
    dialer("add", "spring", "large", "--where", LARGE, "--priority", "950")
    assert "1 moved" in dialer("change", "spring", "large", "--where", "balance = { max = 10 }").stdout
    removed = dialer("remove", "spring", "large", "--to", "late")
    assert removed.stdout == "segment large of campaign spring removed, 2 leads moved\n"
    assert listed()["late"]["leads"] == 2


def test_a_rule_that_matches_nobody_is_not_saved_unasked(work: Path) -> None:
    with pytest.raises(Exception, match="matches nobody now; correct it, or save it all the same with --yes"):
        dialer("add", "spring", "huge", "--where", "balance = { min = 99999 }")
    assert "huge" not in listed()
    assert dialer("add", "spring", "huge", "--where", "balance = { min = 99999 }", "--yes").exit_code == 0
    assert listed()["huge"]["leads"] == 0


@pytest.mark.parametrize(("answer", "saved"), [("y\n", True), ("n\n", False)])
def test_at_a_terminal_it_is_asked(work: Path, monkeypatch: pytest.MonkeyPatch, answer: str, saved: bool) -> None:
    monkeypatch.setattr("dialer.cli.segment.at_a_terminal", lambda: True)
    if saved:
        dialer("add", "spring", "huge", "--where", "balance = { min = 99999 }", input=answer)
    else:
        with pytest.raises(Exception, match="nothing was saved"):
            dialer("add", "spring", "huge", "--where", "balance = { min = 99999 }", input=answer)
    assert ("huge" in listed()) is saved


def test_a_count_needs_a_rule(work: Path) -> None:
    with pytest.raises(Exception, match="say which rule to count"):
        dialer("count", "spring")
