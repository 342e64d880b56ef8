"""The wrong thing, tried as a user would: one clear sentence, the right exit status, nothing changed, no traceback."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dialer.ami.config import ensure_secrets
from dialer.cli.door import door
from dialer.config import Config
from tests.lab.processes import free_port
from tests.lab.service import CAMPAIGN, Service, toml

INPUT, FAILED = 2, 1
"""Exit statuses: the user's input is wrong; the command was right and could not be carried out."""

LEADS = "debtor,name,phone,segment\nd1,Ana,+541160000486,alta\n"


def installation(work: Path, **tables: object) -> Service:
    """A configuration as a user would have it, with an Asterisk node that nobody answers for."""
    raw = {
        "service": {"home": work / "home", "metrics": ""},
        "nodes": [{"name": "lab", "port": free_port(), "recordings_dir": work, "evidence_file": work / "cel.csv"}],
        "trunks": [{"name": "carrier", "node": "lab", "host": "127.0.0.2", "caller_id": "+541150000000"}],
        "agents": {"extensions": 2},
        "menu": {"port": free_port()},
        **tables,
    }
    return Service(Config.model_validate(raw), work)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with installation(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An installation with the campaign `mora`, for commands that change nothing; made once, commands are slow."""
    with installation(tmp_path_factory.mktemp("stocked")) as made:
        (made.work / "mora.toml").write_text(toml(CAMPAIGN))
        made.run("campaign", "create", "mora.toml")
        yield made


def refused(service: Service, words: str, status: int, *phrases: str, env: dict[str, str] | None = None) -> None:
    """Run a command that must fail with this status and name every phrase; in this process, which saves a second."""
    settings = {"DIALER_HOME": str(service.config.home), **(env or {})}
    with contextlib.chdir(service.work):
        done = CliRunner(env=settings).invoke(door, ["--config", str(service.file), *words.split()])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    judge(done.exit_code, done.stderr, status, phrases)


def refused_process(service: Service, words: str, status: int, *phrases: str, env: dict[str, str] | None = None) -> str:
    """Run a command, as a user would, that must fail with this status and name every phrase; return its stderr."""
    done = service.attempt(*words.split(), env=env, timeout_s=30)
    judge(done.returncode, done.stderr, status, phrases)
    return done.stderr


def judge(returncode: int, stderr: str, status: int, phrases: tuple[str, ...]) -> None:
    assert returncode == status, stderr
    assert "Traceback" not in stderr
    said = stderr[stderr.lower().rfind("error:") :]
    assert not [phrase for phrase in phrases if phrase not in said], said


# Configuration


@pytest.mark.parametrize(
    ("broken", "phrases"),
    [
        ('[dialing]\nring_timeout = 3\n[[nodes]]\nname = "a"\n', ("dialing.ring_timeout", "unknown key")),
        ("[dialing]\nmin_ring_s = 5\n", ("dialing.min_ring_s", "greater than or equal to 15", "got 5")),
        ("[agents]\nextensions = 'many'\n", ("agents.extensions", "got 'many'")),
        ("[dialing\n", ("not valid TOML", "line 1")),
        ("nodes = 3\n", ("nodes", "[[name]]")),
        (
            '[[trunks]]\nname = "t"\nnode = "b"\nhost = "h"\ncaller_id = "+541150000000"\n',
            ("trunk 't' names node 'b'", "known nodes: none"),
        ),
        ('[redis]\nurl_file = "nowhere"\n', ("redis.url_file", "cannot be read", "create it")),
    ],
)
def test_a_wrong_configuration_names_file_and_key(service: Service, broken: str, phrases: tuple[str, ...]) -> None:
    service.file.write_text(broken)
    refused(service, "agent status", INPUT, str(service.file), *phrases)


def test_a_missing_configuration_says_how_to_name_one(service: Service) -> None:
    service.file.unlink()
    refused_process(service, "agent status", INPUT, "config.toml: no such file", "--config")


def test_a_configuration_that_is_no_text_is_told(service: Service) -> None:
    service.file.write_bytes(b"\xff\xfe\x00")
    refused(service, "agent status", INPUT, "config.toml", "not UTF-8")


def test_a_configuration_that_cannot_be_read_is_told(service: Service) -> None:
    service.file.unlink()
    service.file.mkdir()  # root reads everything, but nobody reads a folder
    refused(service, "agent status", INPUT, "config.toml", "cannot be read")


def test_a_state_directory_that_cannot_be_is_told(service: Service) -> None:
    (service.work / "file").write_text("")
    env = {"DIALER_HOME": str(service.work / "file" / "home")}
    for words in ("campaign list", "asterisk config --out out"):
        refused(service, words, INPUT, str(service.work / "file"), "service.home", env=env)


# Campaigns, lists, agents, reports


def campaign_file(service: Service, **changes: object) -> str:
    (service.work / "file.toml").write_text(toml({**CAMPAIGN, "name": "nueva", **changes}))
    return "file.toml"


@pytest.mark.parametrize(
    ("changes", "phrases"),
    [
        ({"trunks": ["carier"]}, ("trunks", "unknown trunk 'carier'", "known: carrier")),
        ({"trunk": "carrier"}, ("trunk", "unknown key", "examples/campaign.toml")),
        ({"windows": ["mon-fri 19:00-09:00"]}, ("windows", "ends before it begins")),
    ],
)
def test_a_wrong_campaign_file_names_file_and_key(
    stocked: Service, changes: dict[str, object], phrases: tuple[str, ...]
) -> None:
    refused(stocked, f"campaign create {campaign_file(stocked, **changes)}", INPUT, "file.toml", *phrases)


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        ("campaign create nowhere.toml", ("nowhere.toml: no such file", "examples/campaign.toml")),
        ("campaign create mora.toml", ("'mora' exists already",)),
        ("campaign start mora", ("nobody to call", "dialer leads import mora FILE")),
        ("campaign start morra", ("unknown campaign 'morra'", "known: mora")),
        ("campaign stop mora", ("mora", "created")),
        ("campaign status morra", ("unknown campaign 'morra'",)),
        ("report attempts --campaign morra", ("unknown campaign 'morra'",)),
        ("leads import mora nowhere.csv", ("nowhere.csv: no such file",)),
        ("agent add ana --extension 5", ("extension 5", "1001 to 1002")),
        ("agent add a;b --extension 1001", ("'a;b'", "1 to 40")),
        ("agent add ana --extension 1001 --skill law=9", ("law=9", "SKILL=LEVEL")),
        ("agent pause ana", ("REASON",)),
        ("campaing list", ("campaing",)),
    ],
)
def test_a_wrong_command_changes_nothing_and_says_what_is_known(
    stocked: Service, words: str, phrases: tuple[str, ...]
) -> None:
    refused(stocked, words, INPUT, *phrases)


@pytest.mark.parametrize("words", ["agent login ana --ready", "agent hangup ana", "agent dispose ana promise"])
def test_orders_to_agents_need_a_running_engine(stocked: Service, words: str) -> None:
    refused(stocked, words, FAILED, "no dialer is running", "dialer run")


@pytest.mark.parametrize(
    ("content", "phrases"),
    [
        (b"", ("the file is empty", "debtor,name,phone")),
        (b"debtor,name,phone,segment\n", ("no rows below the header",)),
        (b"deudor;telefono\n1;2\n", ("line 1", "missing columns segment")),
        (b"debtor,name,phone,segment\nd1,Ana,llamar,alta\n", ("no row could be imported", "rejects.csv")),
    ],
)
def test_a_wrong_list_imports_nobody(stocked: Service, content: bytes, phrases: tuple[str, ...]) -> None:
    (stocked.work / "list.csv").write_bytes(content)
    refused(stocked, "leads import mora list.csv", INPUT, "list.csv", *phrases)


def test_rejected_rows_are_kept_with_their_reasons_and_the_others_are_imported(service: Service) -> None:
    service.run("campaign", "create", campaign_file(service, name="mora"))
    rows = ["d2,Luis,llamar,alta", "d3,Eva,+541160000201,oro", "d4,Max"]
    (service.work / "list.csv").write_text(LEADS + "\n".join(rows) + "\n")
    answer = service.json("leads", "import", "mora", "list.csv")
    assert (answer["imported"], answer["rejected"]) == (1, 3)
    rejects = (service.work / "list.csv.rejects.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in rejects] == ["line", "3", "4", "5"]
    assert "llamar" in rejects[1]
    assert "oro" in rejects[2]


def test_columns_that_were_not_read_are_told(service: Service) -> None:
    service.run("campaign", "create", campaign_file(service, name="mora"))
    (service.work / "list.csv").write_text("debtor,name,phone,segment,color\nd1,Ana,+541160000201,alta,azul\n")
    assert service.json("leads", "import", "mora", "list.csv")["ignored_columns"] == ["color"]


def test_help_is_there_for_everybody_and_fits_its_line(stocked: Service) -> None:
    bare = stocked.attempt()
    assert (bare.returncode, bare.stdout) == (INPUT, "")
    assert "Usage: dialer [OPTIONS] COMMAND" in bare.stderr
    for group in (
        (),
        ("agent",),
        ("campaign",),
        ("leads",),
        ("asterisk",),
        ("bench",),
        ("compliance",),
        ("campaign", "segment"),
    ):
        text = CliRunner().invoke(door, [*group, "--help"], prog_name="dialer").stdout
        assert text.startswith("Usage: dialer")
        assert not re.findall(r"\w\.\.\.$", text, re.MULTILINE), text


# Asterisk's files


@pytest.mark.parametrize("out", ["mora.toml", "mora.toml/deeper"])
def test_a_folder_that_cannot_be_written_is_told(stocked: Service, out: str) -> None:
    refused(stocked, f"asterisk config --out {out}", INPUT, "--out", "mora.toml")


def test_missing_espeak_says_what_to_install_and_writes_nothing(service: Service) -> None:
    refused(service, "asterisk config --out out", INPUT, "espeak-ng", "apt-get install", env={"PATH": "/nowhere"})
    assert not (service.work / "out").exists()


def test_own_audio_of_a_wrong_form_says_how_to_convert_it(tmp_path: Path) -> None:
    own = tmp_path / "prompts" / "es"
    own.mkdir(parents=True)
    for name in ("abandon", "menu"):
        (own / f"{name}.wav").write_bytes(b"RIFF, but no sound")
    with installation(tmp_path, prompts={"dir": tmp_path / "prompts"}) as service:
        refused(service, "asterisk config --out out", INPUT, "prompts.dir", "abandon.wav", "not a WAV file")
    assert not (tmp_path / "out").exists()


# The start of the engine


@contextlib.contextmanager
def ready_to_start(work: Path, **tables: object) -> Iterator[Service]:
    with installation(work, **tables) as service:
        ensure_secrets(service.config)
        yield service


def test_missing_secrets_say_how_to_make_them(service: Service) -> None:
    refused_process(service, "engine", INPUT, "secret", "'lab'", "dialer asterisk config")


def test_secrets_open_to_others_are_not_used(tmp_path: Path) -> None:
    with ready_to_start(tmp_path) as service:
        (tmp_path / "home" / "secrets.toml").chmod(0o644)
        refused_process(service, "engine", INPUT, "secrets.toml", "chmod 600")


def test_an_engine_without_nodes_says_so(tmp_path: Path) -> None:
    with ready_to_start(tmp_path, nodes=[], trunks=[]) as service:
        refused_process(service, "engine", INPUT, "nodes", "[[nodes]]")


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


def private_redis(service: Service) -> bool:
    """Say whether a redis-server works in the state directory."""
    return (service.config.home / "redis" / "redis.pid").exists()


def test_a_taken_metrics_port_names_the_key_and_leaves_nothing_running(tmp_path: Path) -> None:
    with taken_port() as port:
        tables = {"service": {"home": tmp_path / "home", "metrics": f"127.0.0.1:{port}"}}
        with ready_to_start(tmp_path, **tables) as service:
            refused_process(service, "engine", INPUT, "service.metrics", str(port), "choose a free")
            assert not private_redis(service)


def test_a_taken_menu_port_names_the_key(tmp_path: Path) -> None:
    with taken_port() as port, ready_to_start(tmp_path, menu={"port": port}) as service:
        refused_process(service, "menu", INPUT, "[menu]", str(port), "change host or port")
        refused_process(service, "run", INPUT, "[menu]", str(port), "change host or port")


def test_queues_that_no_redis_of_this_machine_can_read_say_what_to_install(tmp_path: Path) -> None:
    with ready_to_start(tmp_path) as service:
        (service.config.home / "redis" / "appendonlydir").mkdir(parents=True)
        refused_process(service, "engine", FAILED, "redis-server", "install", "redis.url", env={"PATH": "/nowhere"})


@pytest.mark.parametrize(
    ("variable", "url", "status", "phrases"),
    [
        ("REDIS", "redis://127.0.0.1:{port}/0", FAILED, ("Redis at 127.0.0.1:{port}", "redis.url")),
        ("REDIS", "127.0.0.1:{port}", INPUT, ("redis.url", "redis://host:6379/0")),
        ("DATABASE", "postgresql://dialer:hidden@127.0.0.1:{port}/dialer", FAILED, ("127.0.0.1:{port}", "[database]")),
        ("DATABASE", "mysql://dialer@127.0.0.1/dialer", INPUT, ("[database]", "postgresql")),
        ("DATABASE", "sqlite:////dev/null/dialer.db", FAILED, ("/dev/null/dialer.db", "folder exists, is writable")),
    ],
)
def test_a_server_that_is_not_there_is_named_with_its_remedy(
    tmp_path: Path, variable: str, url: str, status: int, phrases: tuple[str, ...]
) -> None:
    port = str(free_port())
    env = {f"DIALER_{variable}_URL": url.format(port=port)}
    with ready_to_start(tmp_path) as service:
        said = refused_process(service, "engine", status, *(phrase.format(port=port) for phrase in phrases), env=env)
        assert "hidden" not in said


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/sys").is_dir(), reason="needs a place even root cannot write")
def test_a_folder_the_database_cannot_write_is_told(tmp_path: Path) -> None:
    env = {"DIALER_DATABASE_URL": "sqlite:////proc/sys/dialer.db"}
    with installation(tmp_path) as service:
        refused(service, "campaign list", FAILED, "/proc/sys/dialer.db", "is writable", env=env)
