"""Where the demo lives: taken by one, found by others, emptied only when it is a demo's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dialer.demo.place import CONFIG, folder, running, taken
from dialer.types import ConfigError, Unavailable


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"DIALER_HOME": str(tmp_path)}


def test_it_is_a_folder_of_the_state_directory(home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert folder(home) == tmp_path / "demo"
    assert folder({}) == tmp_path / "var" / "demo"


def test_a_running_demo_is_found_by_its_configuration(home: dict[str, str]):
    place = folder(home)
    with taken(place):
        assert running(home) is None
        (place / CONFIG).write_text("")
        assert running(home) == place / CONFIG
    assert running(home) is None


def test_without_a_demo_nothing_is_found(home: dict[str, str]):
    assert running(home) is None


def test_a_second_demo_is_refused_with_the_remedy(home: dict[str, str]):
    with (
        taken(folder(home)),
        pytest.raises(Unavailable, match=r"a demo is running .* another DIALER_HOME"),
        taken(folder(home)),
    ):
        pass


def test_the_next_demo_begins_with_an_empty_place(home: dict[str, str]):
    place = folder(home)
    (place / "recordings" / "2026").mkdir(parents=True)
    (place / CONFIG).write_text("")
    with taken(place):
        assert [entry.name for entry in place.iterdir()] == ["running.lock"]


def test_what_no_demo_made_is_left_alone(home: dict[str, str]):
    place = folder(home)
    place.mkdir()
    (place / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="holds files that no demo made"), taken(place):
        pass
    assert (place / "thesis.txt").exists()


def test_a_place_that_cannot_be_made_is_told_with_the_remedy(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="point DIALER_HOME at a folder"), taken(tmp_path / "file" / "demo"):
        pass


def test_what_a_killed_demo_left_running_is_ended_and_a_stranger_is_not(home: dict[str, str]):
    place = folder(home)
    place.mkdir()
    (place / CONFIG).write_text("")
    sleeper = [sys.executable, "-c", "input()"]
    with (
        subprocess.Popen(sleeper, cwd=place, stdin=subprocess.PIPE) as left_behind,
        subprocess.Popen(sleeper, cwd=place.parent, stdin=subprocess.PIPE) as stranger,
    ):
        (place / "engine.pid").write_text(f"{left_behind.pid}\n")
        (place / "asterisk.pid").write_text(f"{stranger.pid}\n")
        with taken(place):
            assert left_behind.wait(timeout=5) == -9
            assert stranger.poll() is None
        stranger.kill()
