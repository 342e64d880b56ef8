"""A node that comes up is reconciled before it is heard; one that goes is missed, and nothing is assumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.ami.client import NodeSnapshot
from dialer.engine.nodes import NodeEnd
from dialer.routing import AgentState
from dialer.types import InboundRecord, Unavailable
from tests.unit.engine.desk import CHANNEL, NOON, a_record, a_user_event, an_agent
from tests.unit.engine.plant import Plant
from tests.unit.engine.test_reconcile import a_leg, a_row

EXTENSION = an_agent("ana").extension
CALLER = InboundRecord(call_id="1772.5", seq=2, node="a1", phone="+549", dialled="+541", arrived_at=NOON)


def seen(*rows: object, registered: bool = True) -> NodeSnapshot:
    contacts = {EXTENSION: "Reachable"} if registered else {}
    return NodeSnapshot(incarnation="a1/today", asterisk_version="22.9.0", channels=rows, contacts=contacts)  # type: ignore[arg-type]


@pytest.fixture
async def plant(tmp_path: Path) -> Plant:
    plant = Plant(tmp_path)
    plant.serves()
    plant.hires("ana")
    await plant.engine.refresh()
    return plant


async def test_after_a_restart_agents_get_back_what_the_board_says(plant: Plant):
    plant.engine.board_before = {"ana": {"state": "ready", "campaign": "c1", "since": NOON.isoformat()}}
    await NodeEnd("a1", plant.engine).node_up(seen(a_leg()))
    assert plant.engine.floor.agents["ana"].state is AgentState.READY


async def test_after_a_reconnect_the_board_is_not_asked(plant: Plant):
    end = NodeEnd("a1", plant.engine)
    await end.node_up(seen())
    plant.engine.board_before = {"ana": {"state": "ready", "campaign": "c1"}}
    await end.node_up(seen(a_leg()))
    assert plant.engine.floor.agents["ana"].state is AgentState.PAUSED


async def test_an_agent_without_a_registered_softphone_is_out(plant: Plant):
    plant.engine.board_before = {"ana": {"state": "ready", "campaign": "c1"}}
    await NodeEnd("a1", plant.engine).node_up(seen(a_leg(), registered=False))
    assert plant.engine.floor.agents["ana"].state is AgentState.LOGGED_OUT


async def test_a_caller_in_conversation_is_adopted_and_the_audio_left_growing(plant: Plant, tmp_path: Path):
    plant.books.callers = [CALLER]
    (tmp_path / "1772.5.raw").write_bytes(b"1234")
    rows = (a_leg(bridge_id="b1"), a_row("1772.5", bridge_id="b1"))
    await NodeEnd("a1", plant.engine).node_up(seen(*rows))
    assert plant.engine.alive("1772.5")
    assert plant.engine.recorder.waiting == 0
    assert plant.engine.floor.agents["ana"].call_id == "1772.5"


async def test_a_caller_who_left_meanwhile_gets_an_end(plant: Plant):
    plant.books.callers = [CALLER]
    await NodeEnd("a1", plant.engine).node_up(seen())
    await plant.engine.keeper.flush()
    (record,) = plant.redis.stream
    assert (record.call_id, record.ended_at) == ("1772.5", NOON)


async def test_recordings_left_behind_are_found(plant: Plant, tmp_path: Path):
    (tmp_path / f"{a_record().call_id}.raw").write_bytes(b"1234")
    await NodeEnd("a1", plant.engine).node_up(seen())
    assert plant.engine.recorder.waiting == 1


SIMULATED = {"starts_at": NOON, "anchor": NOON, "speed": 20.0}


@pytest.mark.parametrize(
    ("version", "tables", "said"),
    [
        ("22.9.0", {}, None),
        ("18.2.0", {}, "runs Asterisk 18.2.0; 20.19, 22.9, 23.3 or newer"),
        ("22.9.0", {"simulation": SIMULATED}, "real people are called in their own time. Remove [simulation]"),
        ("22.9.0 simulated", {"simulation": SIMULATED}, None),
    ],
)
async def test_an_asterisk_that_may_not_be_used_is_refused_in_the_status(
    tmp_path: Path, version: str, tables: dict[str, object], said: str | None
):
    plant = Plant(tmp_path, **tables)
    plant.serves()
    await plant.engine.refresh()
    await NodeEnd("a1", plant.engine).node_up(NodeSnapshot(incarnation="a1/today", asterisk_version=version))
    shown = plant.engine.report.status()["nodes"]["a1"]
    assert shown is None if said is None else said in shown


async def test_a_fast_clock_alone_refuses_a_real_asterisk(plant: Plant):
    plant.clock.speed = 20.0
    await NodeEnd("a1", plant.engine).node_up(seen())
    assert "simulated" in plant.engine.report.status()["nodes"]["a1"]


async def test_without_the_database_nothing_is_settled(plant: Plant):
    plant.books.paper.away = True
    with pytest.raises(Unavailable):
        await NodeEnd("a1", plant.engine).node_up(seen())


async def test_events_reach_the_switchboard_and_a_loss_changes_nothing(plant: Plant):
    end = NodeEnd("a1", plant.engine)
    await end.node_up(seen(a_leg()))
    end.node_event(a_user_event("DialerAgentUp", an_agent("ana").leg_id))
    end.node_down("closed by the far end")
    assert plant.engine.floor.agents["ana"].channel == CHANNEL
