"""Secrets are made once, kept closed, and refused when Asterisk's files could not hold them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dialer.ami.config import Secrets, ensure_secrets, load_secrets, secrets_file, trunk_password
from dialer.config import AgentsConfig, Config, NodeConfig, ServiceConfig, TrunkConfig
from dialer.types import ConfigError


def centre(home: Path, *nodes: str, extensions: int = 2) -> Config:
    return Config(
        service=ServiceConfig(home=home),
        nodes=tuple(
            NodeConfig(name=name, recordings_dir=home / name, evidence_file=home / f"{name}.csv")
            for name in nodes or ("ast-1",)
        ),
        agents=AgentsConfig(extensions=extensions),
    )


def test_they_are_made_once_and_stay(tmp_path: Path) -> None:
    config = centre(tmp_path / "var")
    assert ensure_secrets(config) == ensure_secrets(config) == load_secrets(config)


def test_the_file_is_closed_to_others(tmp_path: Path) -> None:
    config = centre(tmp_path)
    ensure_secrets(config)
    assert secrets_file(config).stat().st_mode & 0o777 == 0o600


def test_no_two_are_the_same_and_all_are_long(tmp_path: Path) -> None:
    made = ensure_secrets(centre(tmp_path, "a", "b"))
    values = [secret for node in made.nodes.values() for secret in (node.events, node.actions, node.admin)]
    values += made.extensions.values()
    assert len(set(values)) == 8
    assert min(map(len, values)) >= 20


def test_a_new_node_and_more_softphones_keep_the_old_ones(tmp_path: Path) -> None:
    before = ensure_secrets(centre(tmp_path, "a", extensions=1))
    after = ensure_secrets(centre(tmp_path, "a", "b", extensions=3))
    assert after.node("a") == before.node("a")
    assert after.extension(1001) == before.extension(1001)
    assert set(after.extensions) == {1001, 1002, 1003}


def test_two_commands_at_once_agree(tmp_path: Path) -> None:
    config = centre(tmp_path, extensions=20)
    results: list[Secrets] = []
    threads = [threading.Thread(target=lambda: results.append(ensure_secrets(config))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(result == results[0] for result in results)


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = centre(tmp_path)
    ensure_secrets(config)
    monkeypatch.setenv("DIALER_AMI_SECRET_AST_1_EVENTS", "from-the-vault")
    assert load_secrets(config).node("ast-1").events == "from-the-vault"


def test_without_a_file_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'ast-1' is missing: run 'dialer asterisk config.*DIALER_AMI_SECRET_AST_1_"):
        load_secrets(centre(tmp_path))


def test_a_file_open_to_others_is_refused(tmp_path: Path) -> None:
    config = centre(tmp_path)
    ensure_secrets(config)
    secrets_file(config).chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others: run 'chmod 600"):
        load_secrets(config)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    config = centre(tmp_path)
    secrets_file(config).write_text("nodes = [")
    secrets_file(config).chmod(0o600)
    with pytest.raises(ConfigError, match=r"secrets\.toml: not valid TOML"):
        load_secrets(config)


@pytest.mark.parametrize("secret", ["with space", "semi;colon", "back\\slash", "new\nline", "niño"])
def test_a_secret_that_breaks_asterisks_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    config = centre(tmp_path)
    ensure_secrets(config)
    monkeypatch.setenv("DIALER_AMI_SECRET_AST_1_ADMIN", secret)
    with pytest.raises(ConfigError, match="use printable ASCII without spaces"):
        load_secrets(config)


def trunk(**values: object) -> TrunkConfig:
    base = {"name": "t", "node": "ast-1", "host": "192.0.2.1", "caller_id": "+541150000000"}
    return TrunkConfig.model_validate({**base, "auth": "digest", "username": "u", **values})


def test_a_trunks_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER", "p@ss#word")
    assert trunk_password(trunk(password_env="CARRIER")) == "p@ss#word"


def test_or_from_a_file_whose_line_end_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p@ss\n")
    assert trunk_password(trunk(password_file=tmp_path / "password")) == "p@ss"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "needs 'password_env' or 'password_file'"),
        ({"password_env": "NOT_THERE"}, "NOT_THERE .password_env. is not set"),
        ({"password_file": "/nowhere/password"}, "/nowhere/password cannot be read"),
    ],
)
def test_a_trunk_without_its_password_is_named(values: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=f"trunk 't'.*{reason}"):
        trunk_password(trunk(**values))
