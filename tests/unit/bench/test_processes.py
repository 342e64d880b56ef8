"""Child processes of a bench."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dialer.bench.processes import Child, command
from dialer.types import Unavailable


def child(work: Path, code: str) -> Child:
    return Child("engine", (sys.executable, "-c", code), work / "out")


def test_a_child_ends_with_its_block(tmp_path: Path):
    with child(tmp_path, "import time; print('there', flush=True); time.sleep(60)") as one:
        one.wait_for("a word", lambda: "there" in one.said(), 20)
    with pytest.raises(Unavailable, match="the engine ended with status"):
        one.check()


def test_whoever_waits_for_a_dead_child_is_told_its_last_words(tmp_path: Path):
    with (
        child(tmp_path, "raise SystemExit('no room')") as one,
        pytest.raises(Unavailable, match=r"(?s)ended with status 1.*no room"),
    ):
        one.wait_for("nothing", lambda: False, 20)


def test_waiting_has_an_end(tmp_path: Path):
    with (
        child(tmp_path, "import time; time.sleep(60)") as one,
        pytest.raises(Unavailable, match="the moon did not happen"),
    ):
        one.wait_for("the moon", lambda: False, 0.05)


def test_a_command_that_fails_says_why(tmp_path: Path):
    (tmp_path / "config.toml").write_text("nonsense = 1\n")
    with pytest.raises(Unavailable, match="nonsense"):
        command(tmp_path / "config.toml", "agent", "status")
