"""The Asterisk root file system that scripts/provision made, or the reason why there is none."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


def cache_dir() -> Path:
    """Return where scripts/provision keeps things between runs, outside the checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dialer-lab"


def asterisk_root() -> Path:
    """Return the provisioned root; skip the test where there is none, fail it where there must be one (CI=true)."""
    root = Path(os.environ.get("DIALER_LAB_ROOT") or cache_dir() / "asterisk-root")
    if not (root / "usr/sbin/asterisk").exists():
        missing(f"no Asterisk root at {root}: run scripts/provision as root")
    if os.geteuid() != 0:
        missing("a real Asterisk needs root (chroot)")
    _name_hosts(root)
    return root


def missing(reason: str) -> None:
    """Skip, or fail where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _name_hosts(root: Path) -> None:
    """Without the host's name in its hosts file Asterisk waits seconds for DNS in every call."""
    hosts = root / "etc/hosts"
    name = socket.gethostname()
    if not hosts.exists() or name not in hosts.read_text().split():
        with hosts.open("a") as out:
            out.write(f"127.0.0.1 localhost {name}\n")
