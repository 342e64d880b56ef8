"""`dialer doctor` on a real node: all well, then one thing broken at a time, each found, named and given a remedy."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dialer.config import Config
from tests.lab.asterisk import AsteriskLab
from tests.lab.carrier import PASSWORD, USER, Carrier
from tests.lab.dialer import Plant
from tests.lab.processes import eventually, free_port
from tests.lab.quick import QuickService
from tests.lab.redis_server import RedisServer
from tests.lab.softphones import Softphones
from tests.lab.sounds import own_prompts

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(120)]

Row = dict[str, Any]
PEOPLE = "+541165551"


@pytest.fixture(scope="module")
def plant(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    work = tmp_path_factory.mktemp("doctor")
    trunk, prompts = {"qualify_s": 1}, own_prompts(work / "prompts", 4.0)
    with (
        AsteriskLab(lab_root, work / "home", softphones=2, trunk=trunk, prompts={"dir": prompts}) as lab,
        Carrier(work / "carrier", lab.carrier_port) as carrier,
        Softphones(lab, work, count=1),
    ):
        yield Plant(lab, carrier)


def installation(plant: Plant, work: Path, *, node: Row | None = None, **tables: Row) -> QuickService:
    """Install a dialer beside the node; `node` and `tables` change its config.toml only."""
    home = work / "home"
    home.mkdir(mode=0o700)
    shutil.copy(plant.lab.config.home / "secrets.toml", home / "secrets.toml")
    raw = json.loads(plant.lab.config.model_dump_json(exclude_none=True))
    raw["service"] |= {"home": home, "metrics": f"127.0.0.1:{free_port()}"}
    raw["dialing"] |= {"ring_timeout_s": 15, "setup_s": 1}
    raw["nodes"][0] |= node or {}
    for name, values in tables.items():
        raw[name] |= values
    return QuickService(Config.model_validate(raw), work)


def examined(service: QuickService) -> tuple[int, list[Row]]:
    """Return the exit status and every check."""
    done = service.attempt("doctor", "--json")
    answer = json.loads(done.stdout)
    assert set(answer) == {"ok", "counts", "checks"}
    assert answer["ok"] == (done.returncode == 0)
    return done.returncode, answer["checks"]


def ill(service: QuickService) -> dict[str, str]:
    """Return what failed or is warned of, as found; every one of them must have a remedy."""
    status, checks = examined(service)
    found = [check for check in checks if check["status"] in ("failed", "warn")]
    assert all(check["remedy"] for check in found)
    assert status == (1 if any(check["status"] == "failed" for check in found) else 0)
    return {check["name"]: check["detail"] for check in found}


def detail(service: QuickService, name: str) -> str:
    _, checks = examined(service)
    (found,) = [check["detail"] for check in checks if check["name"] == name]
    return str(found)


@contextmanager
def changed(plant: Plant, file: str, old: str, new: str, reload: str) -> Iterator[None]:
    """Change a file on the node for the length of a block, as somebody who edits it there."""
    path = plant.lab.directory / "etc" / file
    text = path.read_text()
    assert old in text
    try:
        path.write_text(text.replace(old, new))
        plant.lab.console(reload)
        yield
    finally:
        path.write_text(text)
        plant.lab.console(reload)


def test_an_installation_that_is_well_passes_without_its_service(plant: Plant, tmp_path: Path):
    with installation(plant, tmp_path) as service:
        status, checks = examined(service)
        told = {check["name"]: check["detail"] for check in checks if check["status"] == "ok"}
        assert ill(service) == {}
        assert status == 0
        assert told["fence dialer-act"] == told["fence dialer-ev"] == "a second login is refused"
        assert told["event filters"] == "ours come through, others do not"
        assert told["softphones"] == "1 of 2 registered"
        assert told["trunk carrier"].endswith("answers")
        assert not list(plant.lab.node.recordings_dir.glob("dialer-doctor*"))


def test_a_running_service_is_examined_and_called_beside(plant: Plant, tmp_path: Path):
    with installation(plant, tmp_path) as service:
        service.start("run")
        eventually(lambda: ill(service) == {}, "the running service is well", 20)
        assert detail(service, "fence dialer-act") == "held by the running engine"
        assert "every part works" in detail(service, "running")
        assert detail(service, "persistence") == "append-only file on"
        assert "the newest" in detail(service, "migrations")
        assert detail(service, "menu").endswith("answers")
        assert json.loads(service.run("doctor", "--call", f"{PEOPLE}210", "--yes", "--json"))["ok"]
        assert service.engine.alive


def test_the_table_has_failures_first_and_remedies_below(plant: Plant, tmp_path: Path):
    with installation(plant, tmp_path, recordings={"min_free_mb": 10**9}) as service:
        text = service.run("doctor", ok=False)
    rows = [line for line in text.splitlines() if line.startswith("│")]
    assert " failed " in rows[0]
    assert "node lab, free disk: make room" in text
    assert text.splitlines()[-1].startswith("3 failed")


def test_an_unloaded_module_is_named(plant: Plant, tmp_path: Path):
    plant.lab.console("module unload app_amd.so")
    try:
        with installation(plant, tmp_path) as service:
            assert ill(service) == {"modules": "not loaded: app_amd"}
    finally:
        plant.lab.console("module load app_amd.so")


def test_a_module_that_is_loaded_but_does_not_run_is_named(plant: Plant, tmp_path: Path):
    amd = plant.lab.directory / "etc" / "amd.conf"
    plant.lab.console("module unload app_amd.so")
    amd.rename(amd.with_suffix(".away"))
    try:
        plant.lab.console("module load app_amd.so")
        with installation(plant, tmp_path) as service:
            found = ill(service)
    finally:
        amd.with_suffix(".away").rename(amd)
        plant.lab.console("module load app_amd.so")
    assert found["modules"] == "loaded, but not running for want of its file: app_amd"
    assert found["files"] == "not as rendered: amd.conf: missing"


def test_a_missing_context_is_named(plant: Plant, tmp_path: Path):
    plant.lab.console("dialplan remove context dialer-join")
    try:
        with installation(plant, tmp_path) as service:
            assert ill(service) == {"dialplan": "missing: dialer-join"}
    finally:
        plant.lab.console("dialplan reload")


def test_a_dialplan_that_was_rendered_before_a_change_is_stale(plant: Plant, tmp_path: Path):
    with installation(plant, tmp_path, menu={"port": free_port()}) as service:
        assert ill(service) == {"dialplan": "not the one this installation renders: dialer-abandon"}


def test_a_second_login_that_is_let_in_is_an_open_fence(plant: Plant, tmp_path: Path):
    with (
        changed(plant, "manager.conf", "allowmultiplelogin = no", "allowmultiplelogin = yes", "manager reload"),
        installation(plant, tmp_path) as service,
    ):
        found = ill(service)
    assert set(found) == {"manager.conf", "fence dialer-act", "fence dialer-ev"}


def test_events_that_nobody_filters_are_found(plant: Plant, tmp_path: Path):
    with (
        changed(plant, "manager.conf", "eventfilter(", "; eventfilter(", "manager reload"),
        installation(plant, tmp_path) as service,
    ):
        found = ill(service)
    assert set(found) == {"manager.conf", "event filters"}
    assert "nobody needs" in found["event filters"]


def test_a_user_that_may_not_originate_is_found(plant: Plant, tmp_path: Path):
    with (
        changed(plant, "manager.conf", "call,originate,reporting", "call,reporting", "manager reload"),
        installation(plant, tmp_path) as service,
    ):
        assert ill(service)["permissions dialer-act"] == "may not: Originate"


@pytest.mark.parametrize(("role", "name"), [("admin", "reachable"), ("actions", "fence")])
def test_a_wrong_secret_is_named_and_hides_nothing_else(plant: Plant, tmp_path: Path, role: str, name: str):
    with installation(plant, tmp_path) as service:
        file = service.config.home / "secrets.toml"
        right = getattr(plant.lab.secrets.node("lab"), role)
        file.write_text(file.read_text().replace(right, "wrong"))
        found = ill(service)
        assert f"dialer-{role[:3]}" in found[name]
        assert detail(service, "Python").startswith("Python 3")


def test_a_node_that_is_away_is_named_and_hides_nothing_else(plant: Plant, tmp_path: Path):
    with installation(plant, tmp_path, node={"port": free_port()}) as service:
        assert set(ill(service)) == {"reachable"}
        assert detail(service, "everything else") == "not asked"


def test_softphones_that_nobody_registered_are_a_warning(plant: Plant, tmp_path: Path):
    with installation(plant, tmp_path, agents={"first_extension": 1002, "extensions": 1}) as service:
        found = ill(service)
    assert found["softphones"] == "0 of 1 registered: nobody can take a call"


def test_a_trunk_that_is_away_and_one_that_registered_are_told_apart(
    lab_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LAB_CARRIER_PASSWORD", PASSWORD)
    trunk = {"auth": "register", "username": USER, "password_env": "LAB_CARRIER_PASSWORD", "qualify_s": 1}
    with AsteriskLab(lab_root, tmp_path / "lab", softphones=0, trunk=trunk) as lab:
        with Carrier(tmp_path / "carrier", lab.carrier_port, media=False) as carrier:
            work = tmp_path / "dialer"
            work.mkdir()
            service = installation(Plant(lab, carrier), work)
            eventually(lambda: "registered with" in detail(service, "trunk carrier"), "the trunk is registered", 20)
            assert ill(service) == {}  # no softphone is expected here
        eventually(lambda: "does not answer" in ill(service).get("trunk carrier", ""), "the carrier is missed", 20)


def test_folders_that_are_not_the_nodes_are_found(plant: Plant, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    node = {"recordings_dir": other, "evidence_file": other / "dialer.csv"}
    with installation(plant, tmp_path, node=node) as service:
        found = ill(service)
    assert set(found) == {"recording folder", "call log"}
    assert str(other) in found["recording folder"]


def test_a_folder_that_asterisk_cannot_write_to_is_found(plant: Plant, tmp_path: Path):
    folder = plant.lab.node.recordings_dir
    away = folder.with_name("away")
    folder.rename(away)
    folder.symlink_to(tmp_path)  # which is there for us, and not for Asterisk in its own root
    try:
        with installation(plant, tmp_path) as service:
            assert "cannot write" in ill(service)["recording folder"]
    finally:
        folder.unlink()
        away.rename(folder)


@pytest.mark.redis
def test_a_redis_that_forgets_and_throws_away_is_found(plant: Plant, tmp_path: Path):
    with RedisServer(tmp_path / "redis") as server:
        command = ["redis-cli", "-p", str(server.port), "config", "set", "maxmemory-policy", "allkeys-lru"]
        subprocess.run(command, check=True, capture_output=True, timeout=10)
        with installation(plant, tmp_path, redis={"url": server.url}) as service:
            assert set(ill(service)) == {"persistence", "eviction"}
        server.kill9()
        assert set(ill(service)) == {"reachable"}


def test_tables_that_are_behind_are_found(plant: Plant, tmp_path: Path):
    with installation(plant, tmp_path) as service:
        service.run("agent", "add", "ana", "--extension", "1001")
        assert ill(service) == {}
        with closing(sqlite3.connect(service.config.home / "dialer.db")) as books, books:
            books.execute("DELETE FROM alembic_version")
        assert set(ill(service)) == {"migrations"}


def test_a_database_that_is_away_is_found(plant: Plant, tmp_path: Path):
    url = f"postgresql+asyncpg://dialer:secret@127.0.0.1:{free_port()}/dialer"
    with installation(plant, tmp_path, database={"url": url}) as service:
        assert set(ill(service)) == {"reachable"}
        assert "secret" not in service.attempt("doctor").stdout.replace("secrets", "")


def test_missing_secrets_are_told_with_their_remedy(plant: Plant, tmp_path: Path):
    with installation(plant, tmp_path) as service:
        (service.config.home / "secrets.toml").unlink()
        assert set(ill(service)) == {"readable"}


def test_a_missing_configuration_is_wrong_input(plant: Plant, tmp_path: Path):
    with installation(plant, tmp_path) as service:
        service.file.unlink()
        done = service.attempt("doctor")
    assert (done.returncode, "config.toml" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("digits", "outcome", "last", "word"),
    [
        ("486", "busy", "refused", "the trunk itself works"),
        ("404", "invalid", "refused", "number_format"),
        ("180", "no_answer", "no answer", "answer the phone"),
        ("201", "answered", "hang-up", "listen to the end"),
    ],
)
def test_a_test_call_that_is_not_heard_says_why(
    plant: Plant, tmp_path: Path, digits: str, outcome: str, last: str, word: str
):
    with installation(plant, tmp_path) as service:
        done = service.attempt("doctor", "--call", f"{PEOPLE}{digits}", "--yes", "--json")
    story = json.loads(done.stdout)
    failed = [step for step in story["steps"] if step["status"] == "failed"]
    assert (done.returncode, story["ok"], story["outcome"]) == (1, False, outcome)
    assert [step["what"] for step in failed] == [last]
    assert word in failed[0]["remedy"]


def test_a_test_call_is_told_step_by_step_and_placed_once(plant: Plant, tmp_path: Path):
    phone = f"{PEOPLE}211"
    with installation(plant, tmp_path) as service:
        told = service.run("doctor", "--call", phone, "--trunk", "carrier", "--yes")
    words = [line[10:].split()[0] for line in told.splitlines()[:-1]]
    assert words == ["order", "dialling", "ringing", "answered", "message", "recording", "hang-up", "listen"]
    assert told.splitlines()[-1].startswith("heard: answered")
    assert plant.carrier.invites()[phone] == 1
    assert {call.caller for call in plant.carrier.calls() if call.number == phone} == {"+541150000000"}


def test_nobody_is_called_without_a_yes_or_at_a_wrong_number(plant: Plant, tmp_path: Path):
    phone = f"{PEOPLE}212"
    with installation(plant, tmp_path) as service:
        assert service.attempt("doctor", "--call", phone).returncode == 1
        assert service.attempt("doctor", "--call", "1165551213", "--yes").returncode == 2
        assert service.attempt("doctor", "--trunk", "carrier").returncode == 2
        assert service.attempt("doctor", "--call", phone, "--trunk", "nobody", "--yes").returncode == 2
    assert plant.carrier.invites()[phone] == 0
