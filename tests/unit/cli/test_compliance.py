"""`dialer compliance`: what is in force, whether a file is right, and who answers for it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from campaigns.compliance import Library
from dialer.cli.door import door

CO = Library.shipped().profile("co")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("DIALER_CONFIG", "DIALER_HOME", "DIALER_DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "config.toml").write_text('[service]\nhome = "own"\n[compliance]\ndirectory = "rules"\n')
    return tmp_path


def dialer(*words: str) -> Result:
    return CliRunner().invoke(door, ["--config", "config.toml", "compliance", *words], catch_exceptions=False)


def listed(name: str) -> dict[str, str]:
    rows: list[dict[str, str]] = json.loads(dialer("list", "--json").stdout)
    return next(row for row in rows if row["profile"] == name)


def own(work: Path, text: str) -> None:
    (work / "rules" / "own.toml").write_text(text)


def test_the_list_says_who_answers(work: Path) -> None:
    assert listed("co")["approval"] == "never approved"
    assert dialer("approve", "co", "base", "--by", "Ana Gómez").exit_code == 0
    assert (listed("co")["approval"], listed("co")["by"]) == ("approved", "Ana Gómez")
    own(work, CO.text.replace("15:00", "13:00"))
    assert (listed("co")["approval"], listed("co")["by"]) == ("changed since", "Ana Gómez")


def test_what_is_shown_can_be_changed_and_put_back(work: Path) -> None:
    shown = dialer("show", "co").stdout
    assert tomllib.loads(shown)["co"]["match"] == {"country": "CO"}
    assert CO.hash in shown
    own(work, shown.replace("15:00", "13:00"))
    assert dialer("check").stdout == "26 profiles, nothing wrong; of the house: co\n"


def test_a_file_is_checked_before_it_counts(work: Path) -> None:
    (work / "draft.toml").write_text(CO.text.replace("windows =", "window ="))
    result = dialer("check", "draft.toml")
    assert (result.exit_code, "draft.toml: [co]: window: unknown key" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "zz"), "unknown profile 'zz'; known: base"),
        (("approve", "zz", "--by", "Ana"), "unknown profile 'zz'"),
        (("approve", "demo", "--by", "Ana"), "demo needs no approval"),
        (("approve", "co", "--by", " "), "give the name of a person"),
        (("check", "nowhere.toml"), "nowhere.toml: cannot be read"),
    ],
)
def test_a_mistake_is_one_sentence(work: Path, words: tuple[str, ...], told: str) -> None:
    result = dialer(*words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_directory_that_is_missing_is_told(work: Path) -> None:
    (work / "rules").rmdir()
    result = dialer("list")
    assert (result.exit_code, "is no directory" in result.stderr) == (2, True)


def test_a_file_in_another_encoding_is_told(work: Path) -> None:
    (work / "rules" / "own.toml").write_bytes(b"\xff\xfe")
    assert "save it as UTF-8" in dialer("list").stderr
