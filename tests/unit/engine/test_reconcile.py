"""After a loss of contact: what lives is adopted, what ended is closed, what nobody can tell is named; all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.ami.client import ChannelRow, NodeSnapshot
from dialer.ami.session import Response
from dialer.ami.wire import Action, Kind, Message
from dialer.call import CallRules, Recording, Stage
from dialer.engine import reconcile as reconcile_module
from dialer.engine.keeper import StreamRecord
from dialer.engine.reconcile import GRACE, TOLD_AGAIN, Reconciler
from dialer.events import Answered, HungUp, Joined, Rang
from dialer.routing import AgentState, Want
from dialer.types import AttemptRecord, Outcome, attempt_id
from tests.unit.engine.desk import CHANNEL, NOON, Desk, a_config, a_record, an_agent

TODAY, BEFORE = "a1/today", "a1/before the crash"
LEG = an_agent("ana").leg_id
RINGING, UP = 5, 6


def a_row(uniqueid: str, state: int = UP, **facts: Any) -> ChannelRow:
    usual = {"linkedid": uniqueid, "channel": CHANNEL, "context": "dialer-debtor", "exten": "s", "application": "Wait"}
    rest = {"bridge_id": "", "caller": "", "connected": ""}
    return ChannelRow(uniqueid=uniqueid, state=state, duration_s=3, **{**usual, **rest, **facts})


def a_leg(name: str = "ana", bridge_id: str = "holding") -> ChannelRow:
    agent = an_agent(name)
    channel = f"PJSIP/{agent.extension}-00000009"
    return a_row(agent.leg_id, channel=channel, bridge_id=bridge_id, context="dialer-agent", application="BridgeWait")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def number(n: int) -> str:
    return attempt_id("key", n, 1)


class Clinic(Desk):
    """A desk with a reconciler, an event log and the books' open attempts."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "cel.csv"
        self.log.write_text("")
        super().__init__(a_config(nodes=({"name": "a1", "evidence_file": self.log, "recordings_dir": folder},)))
        self.open: list[AttemptRecord] = []
        self.while_reading: Callable[[], None] = lambda: None
        self.recording = Recording.NO
        self.reconciler = Reconciler(
            self.config,
            self.clock,
            book=self.book,
            floor=self.floor,
            open_attempts=self._open_attempts,
            known=lambda record: (Want(), self.recording),
            rules=CallRules(),
        )
        self.answer_rows: list[str] = []
        self.while_asked: Callable[[], object] = lambda: None

    async def _open_attempts(self, node: str) -> list[AttemptRecord]:
        found = list(self.open)
        self.while_reading()
        return found

    def left_open(self, n: int = 1, **facts: Any) -> str:
        record = a_record(call_id=number(n), debtor_id=n, lead_id=n, incarnation=BEFORE, intent_at=NOON, **facts)
        self.open.append(record)
        return record.call_id

    def logged(self, call_id: str, *events: tuple[str, float], cause: int = 16) -> None:
        lines = []
        for name, seconds in events:
            extra = f'{{""hangupcause"":{cause}}}' if name == "HANGUP" else ""
            when = at(seconds).timestamp()
            lines.append(f'"{name}","{when}","{call_id}","{call_id}","{CHANNEL}","dialer-debtor","","{extra}"\n')
        with self.log.open("a") as log:
            log.writelines(lines)

    async def sees(self, *rows: ChannelRow, board: Mapping[str, Any] | None = None, incarnation: str = TODAY) -> None:
        snapshot = NodeSnapshot(incarnation=incarnation, asterisk_version="22.9.0", channels=rows)
        await self.reconciler.reconcile("a1", snapshot, board or {})

    async def request(
        self, action: Action, action_id: str | None = None, deadline: float | None = None, *, is_list: bool = False
    ) -> Response:
        self.while_asked()
        rows = tuple(Message(Kind.EVENT, "CoreShowChannel", f"Uniqueid: {row}".encode()) for row in self.answer_rows)
        return Response(Message(Kind.RESPONSE, "Success", b"Response: Success"), rows)

    async def audits(self) -> None:
        await self.reconciler.audit("a1", self, TODAY)

    def hired(self, *names: str) -> None:
        for name in names:
            agent = an_agent(name, state=AgentState.LOGGED_OUT, leg_id="", channel="", node="", campaign="")
            self.floor.seat(agent)


@pytest.fixture
async def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setattr(reconcile_module, "LOG_SETTLES_S", 0.0)
    return Clinic(tmp_path)


def outcome(record: StreamRecord) -> tuple[Outcome | None, tuple[str, ...]]:
    assert isinstance(record, AttemptRecord)
    return record.outcome, record.flags


# Attempts of a former engine.


async def test_a_ringing_call_is_adopted_with_its_timer(clinic: Clinic):
    call_id = clinic.left_open(ringing_at=at(-8))
    await clinic.sees(a_row(call_id, RINGING))
    assert clinic.call(call_id).stage is Stage.RINGING
    assert clinic.timers.running["ring", call_id][0] == 20.0
    assert clinic.call(call_id).record.flags == ("adopted",)


async def test_a_conversation_is_adopted_and_its_agent_goes_on_talking(clinic: Clinic):
    clinic.hired("ana")
    call_id = clinic.left_open()
    board = {"ana": {"state": "talking", "campaign": "c1", "call_id": call_id, "since": at(-60).isoformat()}}
    await clinic.sees(a_leg(bridge_id="b1"), a_row(call_id, bridge_id="b1"), board=board)
    assert (clinic.call(call_id).stage, clinic.call(call_id).agent) == (Stage.TALKING, "ana")
    assert (clinic.agent().state, clinic.agent().call_id) == (AgentState.TALKING, call_id)
    clinic.hears(call_id, HungUp(16))
    assert clinic.agent().state is AgentState.WRAP_UP


async def test_an_agent_in_a_conversation_is_not_given_to_somebody_who_waits(clinic: Clinic):
    """The one who waits may be looked at first: the other's agent must not look ready meanwhile."""
    clinic.hired("ana")
    waits, talks = clinic.left_open(1), clinic.left_open(2)
    board = {"ana": {"state": "talking", "campaign": "c1", "call_id": talks, "since": NOON.isoformat()}}
    await clinic.sees(a_row(waits), a_leg(bridge_id="b1"), a_row(talks, bridge_id="b1"), board=board)
    assert clinic.call(waits).stage is Stage.WAITING
    assert clinic.call(talks).agent == "ana"
    assert clinic.link.sent("Redirect") == []


async def test_an_agent_talking_to_an_inbound_caller_is_left_alone(clinic: Clinic):
    clinic.hired("ana")
    waits = clinic.left_open(1)
    board = {"ana": {"state": "talking", "campaign": "c1", "call_id": "1772.5", "since": at(-30).isoformat()}}
    await clinic.sees(a_leg(bridge_id="b1"), a_row("1772.5", bridge_id="b1"), a_row(waits), board=board)
    assert (clinic.agent().state, clinic.agent().call_id) == (AgentState.TALKING, "1772.5")
    assert clinic.link.sent("Redirect") == []
    clinic.floor.call_gone("1772.5")
    assert clinic.agent().state is AgentState.WRAP_UP


async def test_somebody_who_waits_gets_a_ready_agent(clinic: Clinic):
    clinic.hired("ana")
    call_id = clinic.left_open()
    board = {"ana": {"state": "ready", "campaign": "c1", "since": NOON.isoformat()}}
    await clinic.sees(a_row(call_id), a_leg(), board=board)
    assert clinic.call(call_id).agent == "ana"


@pytest.mark.parametrize(
    ("kept", "state", "reason"),
    [
        ({"state": "ready", "campaign": "c1"}, AgentState.READY, ""),
        ({"state": "paused", "reason": "lunch", "campaign": "c1"}, AgentState.PAUSED, "lunch"),
        ({"state": "talking", "campaign": "c1"}, AgentState.READY, ""),
        ({"state": "wrap_up", "campaign": "c1"}, AgentState.READY, ""),
        ({"state": "calling", "campaign": "c1"}, AgentState.PAUSED, "the dialer was restarted"),
        ({}, AgentState.PAUSED, "the dialer was restarted"),
    ],
    ids=["ready", "paused", "talked", "wrapped up", "calling", "unknown"],
)
async def test_agents_get_their_places_back(clinic: Clinic, kept: dict[str, str], state: AgentState, reason: str):
    clinic.hired("ana")
    await clinic.sees(a_leg(), board={"ana": kept} if kept else {})
    agent = clinic.agent()
    assert (agent.state, agent.reason, agent.leg_id, agent.call_id) == (state, reason, LEG, "")


async def test_a_leg_of_nobody_is_ended(clinic: Clinic):
    await clinic.sees(a_leg())
    assert clinic.link.names() == ["Hangup"]


async def test_a_second_leg_of_an_agent_is_ended_and_the_first_kept(clinic: Clinic):
    clinic.seats("ana", state=AgentState.READY)
    stray = a_row("g-old".ljust(27, "x"), channel=f"PJSIP/{clinic.agent().extension}-00000003", bridge_id="holding")
    await clinic.sees(a_leg(), stray)
    assert (clinic.agent().state, clinic.agent().leg_id) == (AgentState.READY, LEG)
    assert clinic.link.sent("Hangup")[0].get("Channel") == stray.channel


async def test_an_ended_call_is_closed_with_its_cause(clinic: Clinic):
    call_id = clinic.left_open()
    clinic.logged(call_id, ("CHAN_START", 1), ("HANGUP", 9), ("CHAN_END", 9), cause=17)
    await clinic.sees()
    assert outcome((await clinic.kept())[call_id]) == (Outcome.BUSY, ("reconciled",))
    assert clinic.redis.released == [call_id]


async def test_without_a_trace_a_new_asterisk_leaves_it_unknown(clinic: Clinic):
    call_id = clinic.left_open()
    await clinic.sees()
    assert outcome((await clinic.kept())[call_id]) == (Outcome.UNKNOWN, ("no_trace",))


async def test_without_a_trace_the_same_asterisk_never_had_it(clinic: Clinic):
    call_id = clinic.left_open()
    await clinic.sees(incarnation=BEFORE)
    assert outcome((await clinic.kept())[call_id]) == (Outcome.FAILED, ("not_placed",))


async def test_without_a_log_nothing_is_given_back(clinic: Clinic):
    call_id = clinic.left_open()
    clinic.log.unlink()
    await clinic.sees(incarnation=BEFORE)
    assert outcome((await clinic.kept())[call_id]) == (Outcome.UNKNOWN, ("no_trace",))


async def test_every_mix_is_settled_at_once(clinic: Clinic):
    rings, ended, gone = (clinic.left_open(n) for n in (1, 2, 3))
    clinic.logged(ended, ("CHAN_START", 1), ("HANGUP", 4), cause=1)
    await clinic.sees(a_row(rings, RINGING))
    kept = await clinic.kept()
    assert rings in clinic.book
    assert {outcome(kept[ended])[0], outcome(kept[gone])[0]} == {Outcome.INVALID, Outcome.UNKNOWN}


# Our own calls, after the connection was lost and made again.


async def test_a_call_that_stands_where_we_think_is_left_alone(clinic: Clinic):
    call_id = clinic.dials()
    clinic.hears(call_id, Rang(CHANNEL))
    before = clinic.call(call_id)
    await clinic.sees(a_row(call_id, RINGING))
    assert clinic.call(call_id) is before


async def test_an_answer_we_missed_finds_an_agent(clinic: Clinic):
    clinic.seats("ana")
    call_id = clinic.dials()
    clinic.hears(call_id, Rang(CHANNEL))
    await clinic.sees(a_row(call_id), a_leg())
    assert clinic.call(call_id).agent == "ana"


async def test_a_join_we_could_not_write_is_done_again(clinic: Clinic):
    clinic.seats("ana")
    call_id = clinic.dials()
    clinic.link.connected = False
    clinic.hears(call_id, Answered(CHANNEL))
    assert clinic.agent().state is AgentState.RESERVED
    clinic.link.connected = True
    await clinic.sees(a_row(call_id), a_leg())
    assert clinic.link.names() == ["Setvar", "Setvar", "Redirect"]
    assert (clinic.agent().state, clinic.agent().call_id) == (AgentState.RESERVED, call_id)


async def test_a_bridge_we_missed_is_a_conversation(clinic: Clinic):
    clinic.seats("ana")
    call_id = clinic.dials()
    clinic.hears(call_id, Answered(CHANNEL))
    await clinic.sees(a_row(call_id, bridge_id="b1"), a_leg(bridge_id="b1"))
    assert clinic.call(call_id).stage is Stage.TALKING
    assert clinic.agent().state is AgentState.TALKING


async def test_the_message_we_missed_frees_the_agent(clinic: Clinic):
    clinic.seats("ana")
    call_id = clinic.dials()
    clinic.hears(call_id, Answered(CHANNEL))
    await clinic.sees(a_row(call_id, context="dialer-abandon", application="Playback"), a_leg())
    assert clinic.call(call_id).stage is Stage.MESSAGE
    assert clinic.agent().state is AgentState.READY


async def test_a_hang_up_we_missed_ends_the_call_and_frees_the_agent(clinic: Clinic):
    clinic.seats("ana")
    call_id = clinic.dials(incarnation=TODAY)
    clinic.hears(call_id, Answered(CHANNEL), Joined())
    clinic.logged(call_id, ("CHAN_START", 1), ("ANSWER", 4), ("BRIDGE_ENTER", 5), ("HANGUP", 60))
    await clinic.sees(a_leg())
    assert outcome((await clinic.kept())[call_id]) == (Outcome.ANSWERED, ("reconciled",))
    assert clinic.agent().state is AgentState.WRAP_UP


async def test_an_agent_whose_leg_is_gone_is_out(clinic: Clinic):
    clinic.seats("ana")
    await clinic.sees()
    assert clinic.agent().state is AgentState.LOGGED_OUT


async def test_what_ended_while_the_books_were_read_is_not_ended_again(clinic: Clinic):
    call_id = clinic.left_open()

    def booked_late_and_not_placed() -> None:
        clinic.dials()
        clinic.hears(call_id, HungUp(17))

    clinic.while_reading = booked_late_and_not_placed
    await clinic.sees()
    assert outcome((await clinic.kept())[call_id]) == (Outcome.BUSY, ())
    assert clinic.redis.released == [call_id]


async def test_a_notice_nobody_knows_to_be_heard_is_played_again(clinic: Clinic):
    clinic.recording = Recording.NOTICE
    clinic.hired("ana")
    call_id = clinic.left_open()
    await clinic.sees(a_leg(bridge_id="b1"), a_row(call_id, bridge_id="b1"))
    assert clinic.link.names() == ["Originate"]


async def test_a_conversation_that_is_being_recorded_hears_no_second_notice(clinic: Clinic):
    clinic.recording = Recording.NOTICE
    clinic.hired("ana")
    call_id = clinic.left_open()
    (clinic.log.parent / f"{call_id}.raw").touch()
    await clinic.sees(a_leg(bridge_id="b1"), a_row(call_id, bridge_id="b1"))
    assert clinic.link.names() == []
    assert clinic.call(call_id).recording is Recording.NOW


# The audit: the connection was up all along, and something was missed.


async def test_the_audit_closes_a_call_whose_end_was_missed(clinic: Clinic):
    call_id = clinic.dials(incarnation=TODAY)
    clinic.logged(call_id, ("CHAN_START", 1), ("HANGUP", 3), cause=34)
    clinic.clock.pass_s(GRACE.total_seconds() + 1)
    await clinic.audits()
    assert outcome((await clinic.kept())[call_id]) == (Outcome.CONGESTION, ("reconciled",))


async def test_the_audit_leaves_living_and_young_calls_alone(clinic: Clinic):
    old = clinic.dials(1)
    clinic.clock.pass_s(GRACE.total_seconds() + 1)
    young = clinic.dials(2)
    clinic.answer_rows = [old]
    await clinic.audits()
    assert old in clinic.book
    assert young in clinic.book


async def test_the_audit_gives_events_on_their_way_the_machines_time(clinic: Clinic):
    clinic.clock.speed = 20.0
    call_id = clinic.dials()
    clinic.clock.pass_s(GRACE.total_seconds() * 20 - 1)
    await clinic.audits()
    assert call_id in clinic.book


async def test_the_audit_settles_an_intent_in_nobodys_hands(clinic: Clinic):
    call_id = clinic.left_open()
    clinic.clock.pass_s(GRACE.total_seconds() + 1)
    await clinic.audits()
    assert outcome((await clinic.kept())[call_id])[0] is Outcome.UNKNOWN


async def test_the_audit_tells_an_outcome_again_that_was_lost_on_its_way(clinic: Clinic):
    call_id = clinic.dials()
    in_the_books = clinic.call(call_id).record
    clinic.hears(call_id, HungUp(17, "486"))
    await clinic.kept()
    clinic.redis.stream.clear()
    clinic.open.append(in_the_books)
    clinic.clock.pass_s(TOLD_AGAIN.total_seconds() + 1)
    await clinic.audits()
    assert outcome((await clinic.kept())[call_id])[0] is Outcome.BUSY


async def test_the_audit_does_not_touch_what_moved_while_it_looked(clinic: Clinic):
    call_id = clinic.dials()
    clinic.clock.pass_s(GRACE.total_seconds() + 1)
    clinic.while_asked = lambda: clinic.hears(call_id, Rang(CHANNEL))
    await clinic.audits()
    assert clinic.call(call_id).stage is Stage.RINGING


async def test_an_intent_that_becomes_a_call_during_the_audit_stays_one(clinic: Clinic):
    call_id = clinic.left_open()
    clinic.clock.pass_s(GRACE.total_seconds() + 1)
    clinic.while_asked = clinic.dials
    await clinic.audits()
    assert call_id in clinic.book


async def test_the_audit_of_an_idle_node_asks_nothing(clinic: Clinic):
    clinic.while_asked = lambda: pytest.fail("asked")
    await clinic.audits()
