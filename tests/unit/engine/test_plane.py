"""Orders become AMI actions; what Asterisk answers to them becomes what happened."""

from __future__ import annotations

from typing import Any

import pytest

from dialer.ami.wire import Action
from dialer.call import Call, Recording
from dialer.config import TrunkConfig
from dialer.engine.plane import Plane
from tests.unit.engine.desk import CHANNEL, TRUNK, FakeLink, HandClock, a_campaign, a_config, a_record, an_agent

CALL = a_record().call_id


class Wire:
    """A plane on one node, and what it tells."""

    def __init__(self) -> None:
        self.link = FakeLink()
        self.clock = HandClock()
        self.plane = Plane(a_config(), self.clock, {"a1": self.link})
        self.told: list[tuple[str, ...]] = []
        self.plane.on_written = lambda call_id: self.told.append(("written", call_id))
        self.plane.on_not_placed = lambda call_id, detail: self.told.append(("not placed", call_id, detail))
        self.plane.on_join_failed = lambda call_id: self.told.append(("join failed", call_id))
        self.plane.on_leg_failed = lambda leg_id, detail: self.told.append(("leg failed", leg_id, detail))

    def originates(self, *, recording: Recording = Recording.NOTICE, trunk: Any = None, **keys: Any) -> Action | None:
        call = Call(record=a_record(), recording=recording)
        self.plane.originate(call, TrunkConfig(**{**TRUNK, **(trunk or {})}), a_campaign(**keys), "pt")
        sent = self.link.sent("Originate")
        return sent[-1] if sent else None


@pytest.fixture
async def wire() -> Wire:
    return Wire()


def variables(action: Action) -> dict[str, str]:
    pairs = [value.split("=", 1) for name, value in action.fields if name == "Variable"]
    return dict((name, value) for name, value in pairs)


async def test_a_call_is_placed_under_its_own_id(wire: Wire):
    action = wire.originates(trunk={"caller_name": "Agencia", "prefix": "9", "number_format": "digits"})
    assert action is not None
    assert (action.get("ChannelId"), action.get("Channel")) == (CALL, "PJSIP/95491155550101@t1")
    assert (action.get("Context"), action.get("Timeout")) == ("dialer-debtor", "47000")
    assert action.get("CallerID") == '"Agencia" <+541150000001>'
    assert wire.link.written[-1][1] == CALL
    assert wire.told == [("written", CALL)]


@pytest.mark.parametrize(
    ("recording", "amd", "expected"),
    [
        (Recording.NOTICE, False, {"DIALER_LANG": "pt", "DIALER_AMD": "0", "DIALER_RECORD": "notice"}),
        (Recording.NO, True, {"DIALER_LANG": "pt", "DIALER_AMD": "1", "DIALER_RECORD": "no"}),
    ],
)
async def test_the_dialplan_is_told_what_it_must_know(
    wire: Wire, recording: Recording, amd: bool, expected: dict[str, str]
):
    action = wire.originates(recording=recording, amd=amd)
    assert action is not None
    assert variables(action) == expected


@pytest.mark.parametrize("state", [{"connected": False}, {"up": False}], ids=["no connection", "being reconciled"])
async def test_what_cannot_be_written_was_not_placed(wire: Wire, state: dict[str, bool]):
    for name, value in state.items():
        setattr(wire.link, name, value)
    assert wire.originates() is None
    ((kind, call_id, detail),) = wire.told
    assert (kind, call_id) == ("not placed", CALL)
    assert "a1" in detail


async def test_a_node_that_is_refused_gets_no_call(wire: Wire):
    wire.plane.refused["a1"] = "node a1 runs another time"
    assert wire.originates() is None
    assert wire.told == [("not placed", CALL, "node a1 runs another time")]


async def test_a_value_asterisk_would_misread_is_not_placed(wire: Wire):
    wire.originates(trunk={"caller_name": "A" * 2000})
    assert [each[0] for each in wire.told] == ["not placed"]


async def test_an_order_that_asterisk_refuses_was_not_placed(wire: Wire):
    wire.originates()
    await wire.link.answers("Originate", "Extension does not exist.", success=False)
    assert wire.told[-1] == ("not placed", CALL, "Extension does not exist.")


async def test_an_accepted_order_tells_nothing_more(wire: Wire):
    wire.originates()
    await wire.link.answers("Originate")
    assert wire.told == [("written", CALL)]


async def test_a_lost_answer_tells_nothing(wire: Wire):
    wire.originates()
    await wire.link.stays_silent("Originate")
    assert wire.told == [("written", CALL)]


# Joining.


async def test_variables_come_before_the_redirect_in_one_piece(wire: Wire):
    wire.plane.join(Call(record=a_record(), channel=CHANNEL), an_agent("ana"))
    assert wire.link.names() == ["Setvar", "Setvar", "Redirect"]
    assert [action.get("Value") for action in wire.link.sent("Setvar")] == ["PJSIP/ana-00000001", "ana"]
    assert {action.get("Channel") for action, _ in wire.link.written} == {CHANNEL}
    assert len({action_id for _, action_id in wire.link.written}) == 3


async def test_a_refused_redirect_is_told(wire: Wire):
    wire.plane.join(Call(record=a_record(), channel=CHANNEL), an_agent("ana"))
    await wire.link.answers("Redirect", "Channel does not exist", success=False)
    assert wire.told == [("join failed", CALL)]


async def test_an_unanswered_redirect_tells_nothing(wire: Wire):
    wire.plane.join(Call(record=a_record(), channel=CHANNEL), an_agent("ana"))
    await wire.link.stays_silent("Redirect")
    assert wire.told == []


async def test_a_join_on_a_node_that_is_away_waits_for_the_reconciliation(wire: Wire):
    wire.link.connected = False
    wire.plane.join(Call(record=a_record()), an_agent("ana"))
    assert wire.told == []


async def test_how_long_a_join_took_is_forgotten_with_the_call(wire: Wire):
    wire.plane.answered(CALL)
    wire.plane.joined(CALL)
    wire.plane.answered("t-gone")
    wire.plane.forget("t-gone")
    wire.plane.forget("t-gone")
    assert not wire.plane._join_began


# Legs and the rest.


async def test_a_softphone_is_called_under_the_id_of_its_leg(wire: Wire):
    agent = an_agent("ana")
    wire.plane.call_softphone(agent)
    (action,) = wire.link.sent("Originate")
    assert (action.get("ChannelId"), action.get("Context")) == (agent.leg_id, "dialer-agent")
    await wire.link.answers("Originate", "no such endpoint", success=False)
    assert wire.told == [("leg failed", agent.leg_id, "no such endpoint")]


async def test_a_softphone_on_a_node_that_is_away_fails_at_once(wire: Wire):
    wire.link.connected = False
    wire.plane.call_softphone(an_agent("ana"))
    assert wire.told[0][0] == "leg failed"


async def test_an_unanswered_call_to_a_softphone_tells_nothing(wire: Wire):
    wire.plane.call_softphone(an_agent("ana"))
    await wire.link.stays_silent("Originate")
    assert wire.told == []


async def test_a_channel_is_hung_up(wire: Wire):
    wire.plane.hang_up("a1", CHANNEL)
    assert wire.link.sent("Hangup")[0].get("Channel") == CHANNEL
    await wire.link.stays_silent("Hangup")


async def test_the_recording_goes_where_the_node_keeps_it(wire: Wire):
    wire.plane.start_recording(Call(record=a_record(), channel=CHANNEL))
    (action,) = wire.link.sent("MixMonitor")
    assert action.get("File") == f"/var/spool/asterisk/dialer/{CALL}.raw"
    assert action.get("options") == "D"


async def test_the_notice_is_spied_into_the_conversation(wire: Wire):
    wire.plane.play_notice(Call(record=a_record(), channel=CHANNEL), "pt")
    (action,) = wire.link.sent("Originate")
    assert action.get("Data").startswith(f"{CALL},")
    assert variables(action) == {"DIALER_NOTICE_CALL": CALL, "DIALER_LANG": "pt"}


# The gate.


@pytest.mark.parametrize(
    ("facts", "node", "reason"),
    [
        ({}, "a1", None),
        ({"shed": "too slow"}, "a1", "too slow"),
        ({"up": False}, "a1", "node a1 is not connected"),
        ({"up": False, "trouble": "refused"}, "a1", "node a1 is not connected: refused"),
        ({}, "a9", "node a9 is not configured"),
    ],
)
async def test_why_a_node_takes_no_calls(wire: Wire, facts: dict[str, Any], node: str, reason: str | None):
    for name, value in facts.items():
        setattr(wire.link, name, value)
    assert wire.plane.gate(node) == reason
