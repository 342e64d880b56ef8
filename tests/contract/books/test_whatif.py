"""A supervisor asks what would be; the answer comes from the campaign's own books, which stay as they are."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from campaigns.models import Attempt
from dialer.cli.door import door
from dialer.store import Store
from tests.books import NOW, TODAY, Desk

WAYS: tuple[tuple[str, dict[str, float]], ...] = (
    (
        "answered",
        {"answered_at": 12.0, "classified_at": 12.0, "bridged_at": 12.1, "ended_at": 80.0, "wrap_ended_at": 95.0},
    ),
    ("no_answer", {"ended_at": 30.0}),
    ("busy", {"ended_at": 1.5}),
    ("machine", {"answered_at": 20.0, "ended_at": 22.0}),
)


def an_attempt(desk: Desk, place: int) -> Attempt:
    outcome, moments = WAYS[place % len(WAYS)]
    return Attempt(
        call_id=f"t{place:026d}",
        state="closed",
        day=TODAY,
        campaign_id=desk.campaign.id,
        campaign="spring",
        segment="early",
        lead_id=1,
        debtor_id=1,
        debtor="ana",
        phone_id=1,
        phone="+573001",
        try_no=place,
        node="north",
        trunk="main",
        time_zone="America/Bogota",
        intent_at=NOW,
        dialled_at=NOW,
        outcome=outcome,
        **{name: NOW + timedelta(seconds=after) for name, after in moments.items()},
    )


async def filled(home: Path, attempts: int) -> None:
    async with Store(f"sqlite:///{home}/dialer.db") as store:
        await store.migrate()
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", "+573001")
        async with store.transaction() as session:
            session.add_all(an_attempt(desk, place) for place in range(attempts))


def asked(home: Path, *words: str) -> Result:
    config = home / "config.toml"
    config.write_text(f'[service]\nhome = "{home}"\n')
    return CliRunner().invoke(door, ["--config", str(config), "simulate", "spring", *words])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("past")
    asyncio.run(filled(home, 400))
    return home


def test_the_answer_compares_what_is_with_what_would_be(home: Path):
    done = asked(home, "--agents", "6", "--mode", "progressive", "--hours", "0.5", "--seeds", "2", "--json")
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["now"]["calls_per_hour"]["mean"] > answer["what_if"]["calls_per_hour"]["mean"] > 0
    assert answer["what_if"]["abandonment"]["most"] == 0


def test_the_table_shows_the_knobs_tried_and_the_spread(home: Path):
    done = asked(home, "--agents", "4", "--knob", "abandon_target=0.01", "--hours", "0.25", "--seeds", "2")
    assert done.exit_code == 0
    assert "0.025" in done.stdout
    assert "0.01" in done.stdout
    assert " to " in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--mode", "warp"), "mode"), (("--knob", "abandon_limit=1"), "abandon_limit"), (("--knob", "x"), "x")],
)
def test_a_knob_that_cannot_be_is_named(home: Path, words: tuple[str, ...], said: str):
    done = asked(home, "--agents", "4", *words)
    assert (done.exit_code, said in done.stderr) == (2, True)


def test_a_campaign_with_too_little_past_says_how_much_is_needed(tmp_path: Path):
    asyncio.run(filled(tmp_path, 40))
    done = asked(tmp_path, "--agents", "4")
    assert (done.exit_code, "too little" in done.stderr) == (2, True)
