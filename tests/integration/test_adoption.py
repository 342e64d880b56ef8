"""The engine dies in the middle of a conversation: debtor and agent talk on, and the next engine knows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.lab.ami_proxy import AmiProxy
from tests.lab.asterisk import AsteriskLab
from tests.lab.carrier import Carrier
from tests.lab.dialer import Plant, dialer, seat, stocked
from tests.lab.processes import eventually
from tests.lab.service import Service
from tests.lab.softphones import Softphones

TALK_S = 14.0


@pytest.mark.asterisk
@pytest.mark.timeout(120)
def test_a_conversation_outlives_the_engine_and_is_adopted(lab_root: Path, tmp_path: Path):
    with (
        AsteriskLab(
            lab_root,
            tmp_path / "home",
            softphones=1,
            agents={"wrap_up_s": 0.5},
            service={"home": tmp_path / "home", "metrics": ""},
        ) as lab,
        Carrier(tmp_path, lab.carrier_port, talk_s=TALK_S) as carrier,
        Softphones(lab, tmp_path),
        Service(lab.config, tmp_path) as service,
    ):
        campaign = service.campaign([("ana", "+541160001201", "alta"), ("eva", "+541160002201", "baja")], max_tries=1)
        service.start()
        service.hire(1)
        service.run("campaign", "start", campaign)
        (agent,) = service.agents(1, campaign)
        eventually(lambda: _state(service, agent) == "talking", "the first conversation")
        service.engine.kill()
        service.start()
        eventually(lambda: _state(service, agent) == "talking", "the agent is known to be talking")
        first = eventually(lambda: _ended(service, "ana"), "the first conversation ends", 40)
        assert (first["outcome"], first["agent"]) == ("answered", agent)
        eventually(lambda: _recording_s(service, "ana") > TALK_S - 1.0, "it was recorded from end to end", 30)
        second = eventually(lambda: _ended(service, "eva"), "the agent takes the next call", 40)
        assert second["outcome"] == "answered"
        assert set(carrier.invites().values()) == {1}


@pytest.mark.asterisk
@pytest.mark.timeout(120)
def test_an_engine_that_dies_before_it_saw_asterisk_takes_no_agent_off_the_floor(lab_root: Path, tmp_path: Path):
    with (
        AsteriskLab(lab_root, tmp_path / "lab", softphones=1) as lab,
        Carrier(tmp_path, lab.carrier_port) as carrier,
        Softphones(lab, tmp_path),
        AmiProxy(lab.node.port) as wire,
        dialer(Plant(lab, carrier), tmp_path, wire.port) as run,
    ):
        (agent,) = stocked(run, ["+541160009404"], 1)
        seat(run, agent)
        eventually(lambda: _state(run.service, agent) == "ready", "the agent is ready")
        wire.shut()
        run.service.engine.kill()
        run.service.start()
        run.ails("node lab")
        run.service.engine.kill()
        wire.open()
        run.service.start()
        run.witness.hears("adopted", agent=agent)
        eventually(lambda: _state(run.service, agent) == "ready", "the agent is ready again, untouched")


def _state(service: Service, agent: str) -> str:
    return str({row["agent"]: row["state"] for row in service.json("agent", "status")}[agent])


def _ended(service: Service, debtor: str) -> dict[str, Any] | None:
    rows = [row for row in service.report("attempts") if row["debtor"] == debtor and row["outcome"]]
    return rows[0] if rows else None


def _recording_s(service: Service, debtor: str) -> float:
    row = _ended(service, debtor)
    return soundfile.info(row["recording"]).duration if row and row["recording"] else 0.0
