"""The commented files a user starts from: they load, they are complete, and they say the true defaults."""

from __future__ import annotations

import tomllib
import typing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from campaigns.lists.columns import Columns
from campaigns.lists.mapping import Formats, Mapping
from campaigns.lists.reading import opened
from campaigns.lists.rows import Plan, Reject, Row, RowReader, SegmentRule
from campaigns.lists.scan import columns_of
from dialer.config import CampaignConfig, Config, Section, load_campaign, load_config

REPOSITORY = Path(__file__).parents[2]
CONFIG = REPOSITORY / "config.toml"
CAMPAIGN = REPOSITORY / "examples" / "campaign.toml"
DEBTORS = REPOSITORY / "examples" / "debtors.csv"
MARK = "#: "


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DIALER_HOME", "DIALER_DATABASE_URL", "DIALER_REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)


def with_examples(path: Path) -> str:
    """Return the file's text with its examples switched on."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.removeprefix(MARK) for line in lines) + "\n"


def sections_in(annotation: Any) -> list[type[Section]]:
    """Return the tables an annotation speaks of, for example those of `tuple[NodeConfig, ...]`."""
    if typing.get_origin(annotation) is None and isinstance(annotation, type):
        return [annotation] if issubclass(annotation, Section) else []
    return [section for part in typing.get_args(annotation) for section in sections_in(part)]


def tables(value: Any) -> list[dict[str, Any]]:
    """Return the tables written for one key: a table, a list of tables, or a table of tables."""
    if isinstance(value, list):
        return [table for table in value if isinstance(table, dict)]
    inner = list(value.values())
    return inner if inner and all(isinstance(table, dict) for table in inner) else [value]


def missing_keys(model: type[Section], written: list[dict[str, Any]], where: str = "") -> list[str]:
    """Return the keys of a model that none of the written tables shows."""
    missing = []
    for name, field in model.model_fields.items():
        shown = [table[name] for table in written if name in table]
        if not shown:
            missing.append(where + name)
            continue
        for inner in sections_in(field.annotation):
            missing += missing_keys(inner, [t for value in shown for t in tables(value)], f"{where}{name}.")
    return missing


def test_the_default_configuration_loads_and_says_the_true_defaults():
    config = load_config(CONFIG)
    assert config.home == REPOSITORY / "var"
    true_defaults = Config().model_dump(exclude={"service": {"home"}})
    assert config.model_dump(exclude={"service": {"home"}}) == true_defaults


def test_the_configuration_loads_with_its_examples_switched_on(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text(without_url_files(with_examples(CONFIG)), encoding="utf-8")
    config = load_config(path)
    assert config.trunk("carrier1").node == config.node("asterisk1").name


def without_url_files(text: str) -> str:
    """Leave out the files of secrets, which no repository holds."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("url_file"))


def test_every_key_stands_in_the_default_configuration():
    assert missing_keys(Config, [tomllib.loads(with_examples(CONFIG))]) == []


def test_the_example_campaign_loads():
    campaign = load_campaign(CAMPAIGN)
    assert [segment.name for segment in campaign.segments] == ["mora-90", "mora-30"]


def test_every_key_of_a_campaign_stands_in_the_example():
    assert missing_keys(CampaignConfig, [tomllib.loads(CAMPAIGN.read_text(encoding="utf-8"))]) == []


def test_a_key_that_nobody_wrote_down_would_be_noticed():
    raw = tomllib.loads(with_examples(CONFIG))
    del raw["trunks"][0]["codecs"], raw["dialing"]["setup_s"]
    assert missing_keys(Config, [raw]) == ["trunks.codecs", "dialing.setup_s"]


def test_every_group_of_keys_is_explained():
    for path in (CONFIG, CAMPAIGN):
        for block in with_comments(path):
            assert any(line.startswith("# ") for line in block), f"{path.name}: no comment above {block[0]!r}"


def with_comments(path: Path) -> list[list[str]]:
    """Return the paragraphs of the file that hold a key; the tables of retries explain one another."""
    blocks: list[list[str]] = [[]]
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("[retries."):
            continue
        if line:
            blocks[-1].append(line)
        else:
            blocks.append([])
    return [block for block in blocks if any("=" in line and not line.startswith("# ") for line in block)]


def columns() -> Columns:
    return columns_of(opened(DEBTORS, Formats()), Mapping(), "AR", frozenset())


def read() -> list[Row | Reject]:
    """Return what the importer makes of the example list in the example campaign."""
    campaign = load_campaign(CAMPAIGN)
    rules = tuple(SegmentRule(each.name, each.priority, each.where) for each in campaign.segments)
    reader = RowReader(Plan(columns(), "AR", "es", "", ".", "dmy", rules, frozenset(), date(2026, 6, 2)))
    lines = opened(DEBTORS, Formats()).rows()
    next(lines)
    return [reader.read(line, cells) for line, cells in lines]


def test_the_example_list_holds_ten_debtors_whom_the_example_campaign_takes():
    rows = [row for row in read() if isinstance(row, Row)]
    assert len(rows) == len(read()) == 10
    assert len({row.code for row in rows}) == len({row.phones for row in rows}) == 10
    assert {row.segment for row in rows} == {segment.name for segment in load_campaign(CAMPAIGN).segments}
    assert all(row.phones[0][0].startswith("+54") for row in rows)


def test_every_column_of_the_example_list_is_read():
    assert columns().unread == ()
