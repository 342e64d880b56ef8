"""docs/asterisk.md, followed line by line: a stock Asterisk in a fresh root, sipp as carrier and as softphone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dialer.ami.config import Secrets, load_secrets
from dialer.config import Config, load_config
from tests.lab.ami import Ami
from tests.lab.asterisk import CARRIER_HOST
from tests.lab.carrier import Carrier
from tests.lab.guide import Block, Shell, blocks, shows, with_values
from tests.lab.network import own_network
from tests.lab.softphones import Softphones

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(300)]

PAGE = Path(__file__).parents[2] / "docs" / "asterisk.md"
CARRIER_PORT = 5070
OUTCOMES = {"201": "answered", "486": "busy", "404": "invalid", "603": "rejected", "410": "invalid"}
ENDINGS = ("201", "486", "404", "201", "603", "486", "201", "410", "486", "201")
BLOCK_S = 120.0

SYSTEMCTL = """#!/bin/sh
# Stands in for systemd, which a bare root has not: does what the unit of the package says, and waits like it.
[ "$*" = "restart asterisk" ] || { echo "systemctl $*: only 'restart asterisk' is known here"; exit 1; }
install -d -o asterisk -g asterisk /run/asterisk
setsid $(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/asterisk.service) > /tmp/console.log 2>&1 < /dev/null &
for try in $(seq 100); do asterisk -rx 'core waitfullybooted' > /dev/null 2>&1 && exit 0; sleep 0.1; done
cat /tmp/console.log; exit 1
"""


class FirstNode:
    """What the softphones need to know of a node that the page made, not the lab."""

    sip_port = 5060

    def __init__(self, folder: Path) -> None:
        self.config: Config = load_config(folder / "config.toml")
        self.secrets: Secrets = load_secrets(self.config)

    def ami(self) -> Ami:
        return Ami(5038, "dialer-adm", self.secrets.node("ast1").admin)


@contextmanager
def stock_asterisk(lab_root: Path, work: Path) -> Iterator[Path]:
    """Copy the root as the packages left it; whatever was started in it ends with the block."""
    root = work / "node"
    root.mkdir()
    skipped = ["--exclude=./srv/*", "--exclude=./proc/*", "--exclude=./sys/*"]
    with subprocess.Popen(["tar", "-C", lab_root, *skipped, "-cf", "-", "."], stdout=subprocess.PIPE) as packing:
        subprocess.run(["tar", "-C", root, "-xpf", "-"], stdin=packing.stdout, check=True, timeout=120)
    systemctl = root / "usr/local/bin/systemctl"
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)
    try:
        yield root
    finally:
        pid = root / "run/asterisk/asterisk.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)
        shutil.rmtree(root, ignore_errors=True)


class Reader:
    """Somebody who follows the page: types the blocks, compares what appears, registers the softphone."""

    def __init__(self, root: Path, work: Path, values: dict[str, str], stack: ExitStack) -> None:
        self.folder = work / "dialer"
        self.folder.mkdir()
        scripts = work / "typed"
        scripts.mkdir()
        plain = {name: value for name, value in os.environ.items() if not name.startswith("DIALER_")}
        path = f"{Path(sys.executable).parent}:{plain['PATH']}"
        self._stack, self._work, self._values = stack, work, values
        dialer = Shell([], scripts, str(scripts), self.folder, {**plain, "PATH": path})
        node = Shell(["chroot", str(root)], root / "tmp", "/tmp", work, plain)
        self._shells = {"dialer": dialer, "node": node}
        for shell in self._shells.values():
            stack.callback(shell.close)
        self.last = ""

    def type(self, text: str, machine: str = "dialer") -> str:
        """Run commands on one of the machines and return what they printed."""
        return self._shells[machine].run(text, BLOCK_S)

    def follow(self, block: Block) -> None:
        if block.language == "sh":
            text = with_values(block.text, self._values) if "set" in block.words else block.text
            self.last = self.type(text, block.words[0])
        elif "step=softphone" in block.words:
            node: Any = FirstNode(self.folder)
            assert node.secrets.extension(1001) in self.last
            self._stack.enter_context(Softphones(node, self._work, count=1))
        else:
            assert shows(self.last, block.text) == [], self.last


def the_readers_values(root: Path) -> dict[str, str]:
    phones = [f"+54116555{place}{ending}" for place, ending in enumerate(ENDINGS)]
    return {
        "NODE_HOST": "127.0.0.1",
        "NODE_FILES": str(root),
        "CARRIER_HOST": CARRIER_HOST,
        "CARRIER_PORT": str(CARRIER_PORT),
        "CALLER_ID": "+541150000000",
        "MY_PHONE": "+541165559210",
        "PHONES": " ".join(phones),
    }


def test_the_page_leads_from_a_stock_asterisk_to_ten_calls(lab_root: Path, tmp_path: Path):
    with ExitStack() as stack:
        root = stack.enter_context(stock_asterisk(lab_root, tmp_path))
        stack.enter_context(own_network())
        carrier = stack.enter_context(Carrier(tmp_path / "carrier", CARRIER_PORT, talk_s=2.0))
        values = the_readers_values(root)
        reader = Reader(root, tmp_path, values, stack)
        for block in blocks(PAGE):
            reader.follow(block)
        phones = values["PHONES"].split()
        assert [carrier.invites()[phone] for phone in phones] == [1] * len(phones)
        attempts = json.loads(reader.type("dialer report attempts --format json"))
    expected = {phone: OUTCOMES[phone[-3:]] for phone in phones}
    assert {attempt["phone"]: attempt["outcome"] for attempt in attempts} == expected
