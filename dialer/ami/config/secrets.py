"""Generated secrets in `<home>/secrets.toml` and the passwords of trunks; nothing secret is in config.toml."""

from __future__ import annotations

import fcntl
import os
import re
import secrets as random_source
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.config import Config, TrunkConfig
from dialer.types import ConfigError

ROLES = ("events", "actions", "admin")
"""The three manager users of a node: the event stream, the actions, administrative queries."""

_SAFE = re.compile(r"[!-:<-\[\]-~]+")


@dataclass(frozen=True, slots=True)
class NodeSecrets:
    """The manager secrets of one node, one per session."""

    events: str
    actions: str
    admin: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """Everything generated: manager secrets by node, softphone passwords by extension."""

    nodes: Mapping[str, NodeSecrets]
    extensions: Mapping[int, str]

    def node(self, name: str) -> NodeSecrets:
        """Return the manager secrets of a node; raise ConfigError when it has none."""
        if name not in self.nodes:
            raise _missing(f"the manager secrets of node {name!r}")
        return self.nodes[name]

    def extension(self, number: int) -> str:
        """Return the password of a softphone; raise ConfigError when it has none."""
        if number not in self.extensions:
            raise _missing(f"the password of extension {number}")
        return self.extensions[number]


def secrets_file(config: Config) -> Path:
    """Return where the generated secrets are kept (mode 0600)."""
    return config.home / "secrets.toml"


def load_secrets(config: Config) -> Secrets:
    """Read the secrets; `DIALER_AMI_SECRET_<NODE>_EVENTS` (`_ACTIONS`, `_ADMIN`) win over the file.

    Raises ConfigError when one is missing, the file is open to others, or a secret cannot be written to Asterisk.
    """
    kept = _read(secrets_file(config))
    nodes = {node.name: _node_secrets(node.name, kept) for node in config.nodes}
    phones = {number: _kept_extension(number, kept) for number in _extensions(config)}
    return Secrets(nodes, phones)


def ensure_secrets(config: Config) -> Secrets:
    """Create what is missing, keep what is there, and return all; safe to run twice at the same time."""
    path = secrets_file(config)
    config.home.mkdir(parents=True, exist_ok=True)
    with _locked(config.home):
        kept = _read(path)
        grown = _grown(config, kept)
        if grown != kept:
            _write(path, grown)
    return load_secrets(config)


def trunk_password(trunk: TrunkConfig) -> str:
    """Return the carrier's password from `password_env` or `password_file`; raise ConfigError when there is none."""
    where = f"trunk {trunk.name!r}"
    if trunk.password_env:
        value = os.environ.get(trunk.password_env, "")
        if not value:
            raise ConfigError(f"{where}: the environment variable {trunk.password_env} (password_env) is not set")
        return checked(value, f"{where}: password_env {trunk.password_env}")
    if trunk.password_file is None:
        raise ConfigError(f"{where}: auth = {trunk.auth!r} needs 'password_env' or 'password_file'")
    try:
        value = trunk.password_file.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(f"{where}: password_file {trunk.password_file} cannot be read: {exc.strerror}") from exc
    return checked(value, f"{where}: password_file {trunk.password_file}")


def checked(secret: str, where: str) -> str:
    """Return the secret if Asterisk's files can hold it: printable ASCII without spaces, `;` and backslash."""
    if not _SAFE.fullmatch(secret):
        raise ConfigError(
            f"{where}: use printable ASCII without spaces, ';' and '\\' (Asterisk's files cannot hold it)"
        )
    return secret


def _extensions(config: Config) -> range:
    first = config.agents.first_extension
    return range(first, first + config.agents.extensions)


def _node_secrets(node: str, kept: dict[str, Any]) -> NodeSecrets:
    return NodeSecrets(**{role: _node_secret(node, role, kept) for role in ROLES})


def _node_secret(node: str, role: str, kept: dict[str, Any]) -> str:
    variable = f"DIALER_AMI_SECRET_{node.upper().replace('-', '_')}_{role.upper()}"
    value = os.environ.get(variable) or kept.get("nodes", {}).get(node, {}).get(role)
    if not value:
        raise _missing(f"the manager secret {role!r} of node {node!r}", f" or set {variable}")
    return checked(str(value), f"the manager secret {role!r} of node {node!r}")


def _kept_extension(number: int, kept: dict[str, Any]) -> str:
    value = kept.get("extensions", {}).get(str(number))
    if not value:
        raise _missing(f"the password of extension {number}")
    return checked(str(value), f"the password of extension {number}")


def _missing(what: str, also: str = "") -> ConfigError:
    return ConfigError(f"{what} is missing: run 'dialer asterisk config --out DIR' to create it{also}")


def _grown(config: Config, kept: dict[str, Any]) -> dict[str, Any]:
    nodes = {name: dict(roles) for name, roles in kept.get("nodes", {}).items()}
    for node in config.nodes:
        roles = nodes.setdefault(node.name, {})
        for role in ROLES:
            roles.setdefault(role, random_source.token_urlsafe(24))
    phones = dict(kept.get("extensions", {}))
    for number in _extensions(config):
        phones.setdefault(str(number), random_source.token_urlsafe(18))
    return {"nodes": nodes, "extensions": phones}


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} can be read by others: run 'chmod 600 {path}'")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}") from exc


def _write(path: Path, values: dict[str, Any]) -> None:
    text = "# Generated by the dialer. Keep it secret, keep a copy.\n"
    for node, roles in values["nodes"].items():
        text += f"\n[nodes.{node}]\n" + "".join(f'{role} = "{value}"\n' for role, value in roles.items())
    text += "\n[extensions]\n" + "".join(f'{number} = "{value}"\n' for number, value in values["extensions"].items())
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the directory: two commands started together must not generate two different secrets."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
