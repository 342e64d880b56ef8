"""Decisions that can be checked are checked."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DECISIONS = sorted((REPOSITORY / "docs" / "decisions").glob("*.md"))
SECTIONS = ["Context", "Decision", "Consequences", "Alternatives", "Enforced by"]
LONGEST_FILE = 400


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_five_parts(decision: Path):
    text = decision.read_text(encoding="utf-8")
    assert text.startswith(f"# {decision.stem[:4]}: ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_what_enforces_a_decision_exists(decision: Path):
    enforced = decision.read_text(encoding="utf-8").partition("## Enforced by")[2]
    named = [name for name in re.findall(r"`([\w./-]+)`", enforced) if "/" in name]
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_every_dependency_has_its_reason():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in wanted}
    reasons = (REPOSITORY / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
    assert {name for name in names if name not in reasons} == set()


def sources() -> list[Path]:
    return [path for folder in ("dialer", "campaigns", "recordings") for path in (REPOSITORY / folder).rglob("*.py")]


def test_panoramisk_is_for_administration_only():
    """And for the benchmark that compares our client with it."""
    importers = [
        path for path in sources() if re.search(r"^\s*(import|from) panoramisk", path.read_text("utf-8"), re.M)
    ]
    assert set(importers) == {
        REPOSITORY / "dialer" / "ami" / "admin.py",
        REPOSITORY / "dialer" / "bench" / "clients.py",
    }


def test_no_file_is_too_long_to_be_read_whole():
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}
