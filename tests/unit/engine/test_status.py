"""How the engine is, for supervisors and for whoever watches the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dialer.call import Call, Stage
from dialer.routing import Want
from tests.unit.engine.desk import a_record, an_agent
from tests.unit.engine.plant import Plant


@pytest.fixture
async def plant(tmp_path: Path) -> Plant:
    plant = Plant(tmp_path)
    plant.serves()
    await plant.engine.refresh()
    plant.engine.floor.seat(an_agent("ana"))
    plant.engine.book.add(Call(record=a_record(), stage=Stage.RINGING), Want())
    return plant


async def test_the_status_is_plain_data(plant: Plant):
    status = json.loads(json.dumps(plant.engine.report.status()))
    assert (status["calls"], status["inbound"], status["backlog"]) == (1, 0, 0)
    assert status["nodes"] == {"a1": None}
    assert set(status["parts"].values()) == {None}


async def test_a_campaign_shows_its_calls_and_agents(plant: Plant):
    campaign = plant.engine.report.status()["campaigns"]["c1"]
    assert (campaign["state"], campaign["calls"], campaign["agents"]) == ("running", {"ringing": 1}, {"ready": 1})


async def test_whatever_is_away_is_named(plant: Plant):
    plant.engine.parts["redis"].failed("away")
    plant.link.up = False
    status = plant.engine.report.status()
    assert status["parts"]["redis"] == "away"
    assert status["nodes"] == {"a1": "node a1 is not connected"}
    assert {name for name, part in plant.engine.report.health().items() if not part.ok} == {"redis", "node a1"}


async def test_the_health_of_a_well_engine(plant: Plant):
    assert all(part.ok for part in plant.engine.report.health().values())
