"""`dialer doctor` finds a simulated node well, and a test call on it is told like one on a real node."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from dialer.ami.config import ensure_secrets
from dialer.clock import SystemClock
from dialer.config import Config
from dialer.doctor import Status, Step, examine, place
from dialer.simulation.far_end import Reply
from dialer.simulation.running import SimulatedNode, simulated_node
from tests.lab.processes import free_port
from tests.lab.sounds import own_prompts


class Phones:
    """Numbers ending in 1 answer at once and listen; all others are busy."""

    def called(self, number: str, trunk: str, at: datetime) -> Reply:
        answers = number.endswith("1")
        return Reply(rings_after_s=0.01, ends_after_s=0.02, sip=200 if answers else 486)


@pytest.fixture
async def config(tmp_path: Path) -> AsyncIterator[Config]:
    """An installation whose one node is simulated and runs."""
    node = {"name": "sim", "port": free_port(), "recordings_dir": tmp_path / "rec"}
    made = Config.model_validate(
        {
            "service": {"home": tmp_path / "home", "metrics": ""},
            "nodes": [{**node, "evidence_file": tmp_path / "log/cel-custom/dialer.csv"}],
            "trunks": [{"name": "carrier", "node": "sim", "host": "127.0.0.2", "caller_id": "+541150000000"}],
            "agents": {"extensions": 2},
            "menu": {"port": free_port()},
            "prompts": {"dir": own_prompts(tmp_path / "prompts", 0.3)},
        }
    )
    (tmp_path / "rec").mkdir()
    running = SimulatedNode(
        made, made.nodes[0], ensure_secrets(made), clock=SystemClock(), far_end=Phones(), rng=random.Random(1)
    )
    async with simulated_node(running):
        yield made


async def test_a_simulated_node_is_well(config: Config):
    checks = await examine(config, SystemClock())
    assert [check for check in checks if check.status in (Status.FAILED, Status.WARN)] == []
    told = {check.name for check in checks if check.status is Status.OK}
    assert {"modules", "dialplan", "fence dialer-act", "event filters", "recording folder", "call log"} <= told


async def told(config: Config, number: str) -> tuple[bool, list[str]]:
    steps: list[Step] = []
    trial = await place(config, config.trunks[0], number, SystemClock(), steps.append)
    return trial.ok, [step.what for step in steps]


async def test_a_test_call_is_heard(config: Config):
    whats = ["order", "dialling", "ringing", "answered", "message", "recording", "hang-up", "listen"]
    assert await told(config, "+541165550201") == (True, whats)


async def test_a_busy_phone_is_told(config: Config):
    assert await told(config, "+541165550202") == (False, ["order", "dialling", "ringing", "refused"])
