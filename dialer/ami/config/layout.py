"""Where the files of a node live, seen from inside Asterisk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from dialer.config import NodeConfig
from dialer.types import ConfigError

_PATH = re.compile(r"(/[A-Za-z0-9._-]+)+")


class ConfTemplate(Template):
    """A configuration file with `%{name}` holes: `$` belongs to Asterisk's own variables."""

    delimiter = "%"


def filled(name: str, **values: object) -> str:
    """Return a template of this package with its holes filled; a hole without a value is a KeyError."""
    text = (files("dialer.ami.config") / "templates" / name).read_text(encoding="utf-8")
    return ConfTemplate(text).substitute(values)


@dataclass(frozen=True, slots=True)
class Layout:
    """The directories of one node: `etc` holds the rendered files, `sounds` the spoken prompts."""

    etc: str
    sounds: str
    recordings: str
    section: str


def layout(node: NodeConfig) -> Layout:
    """Return a node's directories: Asterisk's normal ones, or all of them under `directories`."""
    prefix = node.directories.rstrip("/")
    recordings = _path(node.recordings_inside, f"node {node.name!r}: recordings_inside")
    if not prefix:
        return Layout("/etc/asterisk", "/etc/asterisk/sounds/dialer", recordings, "")
    _path(prefix, f"node {node.name!r}: directories")
    places = {"astetcdir": "etc", "astvarlibdir": "lib", "astdbdir": "lib", "astkeydir": "lib"}
    places |= {"astcachedir": "cache", "astspooldir": "spool", "astrundir": "run", "astlogdir": "log"}
    section = "[directories]\n" + "".join(f"{name} = {prefix}/{place}\n" for name, place in places.items())
    return Layout(f"{prefix}/etc", f"{prefix}/etc/sounds/dialer", recordings, section)


def _path(value: str, where: str) -> str:
    if not _PATH.fullmatch(value.rstrip("/")):
        raise ConfigError(f"{where}: {value!r} must be an absolute path of letters, digits, '.', '_' and '-'")
    return value.rstrip("/")
