"""Bad input stories: every message names the file, the key and the remedy."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path

import pytest

from dialer.config import CampaignConfig, Config, TrunkConfig, Window, load_campaign, load_config, parse_campaign
from dialer.types import ConfigError

NODE = '[[nodes]]\nname = "a1"\n'
TRUNK = '[[trunks]]\nname = "t1"\nnode = "a1"\nhost = "sip.example"\ncaller_id = "+541150000000"\n'
CAMPAIGN = """
name = "c1"
country = "AR"
windows = ["mon-fri 09:00-20:00"]
trunks = ["t1"]
[[segments]]
name = "s1"
"""


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DIALER_HOME", "DIALER_DATABASE_URL", "DIALER_REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(file: Path, text: str) -> Config:
    file.write_text(text, encoding="utf-8")
    return load_config(file)


def complaint(file: Path, text: str) -> str:
    """Return what is said about a config.toml that cannot be used."""
    with pytest.raises(ConfigError) as caught:
        load(file, text)
    return str(caught.value)


def campaign_complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_campaign(text, "c1.toml")
    return str(caught.value)


# What a file may not say.


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ('colour = "blue"', "colour", "config.toml in the repository"),
        ("[dialing]\nring_timeout = 28", "dialing.ring_timeout", "config.toml in the repository"),
        (NODE + "prot = 5038", "nodes[0].prot", "unknown key"),
        ('[ami]\nping_s = "often"', "ami.ping_s", "valid number"),
        ("[ami]\nping_s = 0", "ami.ping_s", "greater than 0"),
        ("[dialing]\nmin_ring_s = 5", "dialing.min_ring_s", "greater than or equal to 15"),
        ("[dialing]\nmin_ring_s = 40", "dialing", "ring_timeout_s 28.0 is below min_ring_s 40.0"),
        ("[dialing]\nconnect_within_s = 3", "dialing.connect_within_s", "less than or equal to 2"),
        ("service = 3", "service", "write it as [name]"),
        ("database = 3", "database", "write it as [name]"),
        ('[nodes]\nname = "a1"', "nodes", "[[name]]"),
        ("[[nodes]]\nport = 5038", "nodes[0].name", "required"),
        ('[[nodes]]\nname = "A 1"', "nodes[0].name", "use 1 to 40 of a-z"),
        (TRUNK, "the file", "trunk 't1' names node 'a1'; known nodes: none"),
        (NODE + NODE, "the file", "names used twice: a1"),
        (NODE + TRUNK.replace("+541150000000", "1150000000"), "trunks[0].caller_id", "E.164, for example +54"),
        (NODE + TRUNK + 'auth = "digest"', "trunks[0]", "needs 'username'"),
        ('[agency]\nname = "A;B"', "agency.name", "not allowed here"),
        ('[agency]\nname = "A\\nB"', "agency.name", "line breaks are not allowed"),
        ('[agency]\ncallback_number = "0800"', "agency.callback_number", "E.164"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_remedy(file: Path, text: str, key: str, remedy: str):
    said = complaint(file, text)
    assert said.startswith(f"{file}: {key}: ")
    assert remedy in said


def test_all_mistakes_are_told_at_once(file: Path):
    said = complaint(file, 'colour = 1\n[ami]\nping_s = 0\n[service]\nlog_level = "loud"')
    assert len(said.splitlines()) == 3


def test_the_value_that_was_written_is_shown(file: Path):
    assert "(got 'loud')" in complaint(file, '[service]\nlog_level = "loud"')


# Files that are not there or cannot be read.


def test_a_missing_file_says_how_to_name_one(file: Path):
    with pytest.raises(ConfigError, match="no such file; name it with --config or DIALER_CONFIG"):
        load_config(file)


def test_a_folder_is_not_a_file(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


def test_broken_toml_is_named_with_its_line(file: Path):
    assert "not valid TOML" in complaint(file, "[service]\nhome = var\n")
    assert "line 2" in complaint(file, "[service]\nhome = var\n")


def test_a_file_that_is_not_utf_8_says_so(file: Path):
    file.write_bytes('[agency]\nname = "Crédito"'.encode("latin-1"))
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        load_config(file)


# Paths, environment and secrets.


def test_relative_paths_count_from_the_files_folder(file: Path):
    config = load(file, '[service]\nhome = "state"\n[recordings]\ndir = "audio"')
    assert config.home == file.parent / "state"
    assert config.recordings_dir == file.parent / "audio"


def test_the_default_home_counts_from_the_files_folder(file: Path):
    config = load(file, "")
    assert config.home == file.parent / "var"
    assert config.recordings_dir == file.parent / "var" / "recordings"
    assert config.database_url == f"sqlite+aiosqlite:///{file.parent / 'var' / 'dialer.db'}"


def test_dialer_home_wins_and_counts_from_where_we_stand(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv("DIALER_HOME", "elsewhere")
    assert load(file, '[service]\nhome = "state"').home == tmp_path.parent / "elsewhere"


def test_urls_from_the_environment_win_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIALER_DATABASE_URL", "postgresql+asyncpg://env/dialer")
    monkeypatch.setenv("DIALER_REDIS_URL", "redis://env:6379/0")
    config = load(file, '[database]\nurl = "sqlite+aiosqlite://"\n[redis]\nurl_file = "absent"')
    assert config.database_url == "postgresql+asyncpg://env/dialer"
    assert config.redis.url == "redis://env:6379/0"


def test_an_empty_variable_counts_as_none(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIALER_REDIS_URL", "")
    assert load(file, '[redis]\nurl = "redis://file:6379/0"').redis.url == "redis://file:6379/0"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_an_url_can_come_from_a_file_of_its_own(file: Path, ending: str):
    (file.parent / "url").write_text(f"redis://:secret@host/0{ending}", encoding="utf-8", newline="")
    assert load(file, '[redis]\nurl_file = "url"').redis.url == "redis://:secret@host/0"


@pytest.mark.parametrize("table", ["database", "redis"])
def test_an_url_comes_from_one_place(file: Path, table: str):
    said = complaint(file, f'[{table}]\nurl = "x://secret@y"\nurl_file = "url"')
    assert said == f"{file}: {table}: 'url' and 'url_file' are both set; keep one of them"


def test_a_missing_file_of_an_url_says_what_it_must_hold(file: Path):
    said = complaint(file, '[database]\nurl_file = "absent"')
    assert said.startswith(f"{file}: database.url_file: {file.parent / 'absent'} cannot be read")
    assert "the url as its only line" in said


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"with space", b"\xff"])
def test_a_file_of_an_url_holds_one_url_and_is_never_shown(file: Path, content: bytes):
    (file.parent / "url").write_bytes(content)
    said = complaint(file, '[database]\nurl_file = "url"')
    assert said == f"{file}: database.url_file: {file.parent / 'url'} must hold one url and nothing else"


# Looking things up.


def test_an_unknown_node_or_trunk_is_told_with_the_known_ones(file: Path):
    config = load(file, NODE + TRUNK)
    with pytest.raises(ConfigError, match="unknown node 'a2'; known: a1"):
        config.node("a2")
    with pytest.raises(ConfigError, match="unknown trunk 't2'; known: t1"):
        config.trunk("t2")
    with pytest.raises(ConfigError, match="unknown node 'a1'; known: none"):
        Config().node("a1")


@pytest.mark.parametrize(
    ("number_format", "prefix", "dialled"),
    [
        ("e164", "", "PJSIP/+5491122334455@t1"),
        ("digits", "", "PJSIP/5491122334455@t1"),
        ("digits", "00", "PJSIP/005491122334455@t1"),
    ],
)
def test_a_trunk_dials_in_its_carriers_format(number_format: str, prefix: str, dialled: str):
    trunk = TrunkConfig.model_validate(
        {
            "name": "t1",
            "node": "a1",
            "host": "sip.example",
            "caller_id": "+541150000000",
            "number_format": number_format,
            "prefix": prefix,
        }
    )
    assert trunk.dial_string("+5491122334455") == dialled


# A simulated installation.

FAST = """
[simulation]
speed = 20.0
starts_at = 2026-03-03T10:00:00-03:00
anchor = 2026-11-22T18:00:00Z
"""
NODE_AT = '[[nodes]]\nname = "a1"\nhost = "{host}"\n'


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("[simulation]\nspeed = 20.0\n", "needs 'starts_at' and 'anchor'"),
        ("[simulation]\nstarts_at = 2026-03-03T10:00:00-03:00\n", "give both or neither"),
        (FAST.replace("-03:00", ""), "timezone"),
        (FAST.replace("20.0", "0"), "greater than 0"),
        (NODE_AT.format(host="192.0.2.7") + FAST, "a1 (192.0.2.7). Remove [simulation]"),
    ],
)
def test_a_wrong_simulation_is_told_with_its_remedy(tmp_path: Path, text: str, remedy: str):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError, match=re.escape(remedy)):
        load_config(tmp_path / "config.toml")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "localhost", "::1"])
def test_other_time_is_for_nodes_on_this_machine(tmp_path: Path, host: str):
    (tmp_path / "config.toml").write_text(NODE_AT.format(host=host) + FAST)
    clock = load_config(tmp_path / "config.toml").clock()
    assert clock.speed == 20.0


def test_without_a_simulation_time_is_the_machines():
    assert Config().clock().speed == 1.0
    assert not Config().simulation.on


def test_the_environment_does_not_bend_a_simulated_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIALER_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("DIALER_DATABASE_URL", "postgresql+asyncpg://real")
    monkeypatch.setenv("DIALER_REDIS_URL", "redis://real")
    (tmp_path / "config.toml").write_text(FAST)
    config = load_config(tmp_path / "config.toml")
    assert (config.home, config.database.url, config.redis.url) == (tmp_path / "var", "", "")


# Campaign files.


def test_a_campaign_file_gives_the_defaults():
    campaign = parse_campaign(CAMPAIGN, "c1.toml")
    assert (campaign.language, campaign.max_tries_per_phone_per_day, campaign.pacing.mode) == ("es", 3, "predictive")
    assert campaign.segment("s1").priority == 100


@pytest.mark.parametrize(
    ("old", "new", "key", "remedy"),
    [
        ('country = "AR"', 'country = "AR"\ncolor = 1', "color", "examples/campaign.toml"),
        ('country = "AR"', "", "country", "required"),
        ('country = "AR"', 'country = "Argentina"', "country", "[A-Z]{2}"),
        ('country = "AR"', 'country = "AR"\ntime_zone = "Buenos Aires"', "time_zone", "such as America/Bogota"),
        ("mon-fri 09:00-20:00", "lun-vie 09:00-20:00", "windows", "such as 'mon-fri 09:00-19:00'"),
        ("mon-fri 09:00-20:00", "mon-fri 9-20", "windows", "such as 'mon-fri 09:00-19:00'"),
        ("mon-fri 09:00-20:00", "fri-mon 09:00-20:00", "windows", "ends before it begins"),
        ("mon-fri 09:00-20:00", "mon-fri 20:00-09:00", "windows", "write two windows"),
        ("mon-fri 09:00-20:00", "mon-fri 09:00-24:00", "windows", "between 00:00 and 23:59"),
        ('trunks = ["t1"]', "trunks = []", "trunks", "at least 1 item"),
        ('trunks = ["t1"]', 'trunks = "t1"', "trunks", "write values in [ ]"),
        ('name = "s1"', 'name = "s1"\nskills = { ventas = 9 }', "segments[0].skills.ventas", "less than or equal to 5"),
        ('name = "s1"', 'name = "s1"\n[[segments]]\nname = "s1"', "the file", "segment names must differ: s1, s1"),
        ('name = "s1"', 'name = "s1"\n[retries.busi]\ndelay_m = 5', "retries.busi", "not an outcome that is retried"),
        ('name = "s1"', 'name = "s1"\n[retries.answered]\ndelay_m = 5', "retries.answered", "known: abandoned"),
        ('name = "s1"', 'name = "s1"\n[retries.busy]\nmax_tries = 5', "retries.busy", "write one of delay_m"),
        (
            'name = "s1"',
            'name = "s1"\n[retries.busy]\ndelays = ["4 h"]',
            "retries.busy.delays[0]",
            "such as '90s', '15m'",
        ),
        ('name = "s1"', 'name = "s1"\n[retries.busy]\nfirst = "0m"', "retries.busy", "longer than nothing"),
        ('name = "s1"', 'name = "s1"\nwhere = { product = { min = 3 } }', "segments[0].where", "has no order; write"),
        ('name = "s1"', 'name = "s1"\nwhere = { balanze = 3 }', "segments[0].where", "balanze: unknown; known"),
        ('name = "s1"', 'name = "s1"\n[pacing]\nmode = "predict"', "pacing.mode", "'progressive' or 'ratio'"),
    ],
)
def test_a_wrong_campaign_is_told_with_key_and_remedy(old: str, new: str, key: str, remedy: str):
    said = campaign_complaint(CAMPAIGN.replace(old, new))
    assert said.startswith(f"c1.toml: {key}")
    assert remedy in said


def test_a_campaign_that_is_not_toml_names_its_source():
    assert campaign_complaint("name = ").startswith("c1.toml: not valid TOML")


def test_a_missing_campaign_file_points_to_the_example(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"absent\.toml: no such file; examples/campaign\.toml shows one"):
        load_campaign(tmp_path / "absent.toml")


def test_an_unknown_segment_is_told_with_the_known_ones():
    campaign: CampaignConfig = parse_campaign(CAMPAIGN, "c1.toml")
    with pytest.raises(ConfigError, match="unknown segment 's2'; known: s1"):
        campaign.segment("s2")


def test_a_window_covers_its_days_and_hours():
    assert Window.parse("tue-thu 08:30-12:00") == Window(
        days=frozenset({1, 2, 3}), opens=time(8, 30), closes=time(12, 0)
    )
    assert Window.parse("sun 10:00-13:00").days == frozenset({6})
