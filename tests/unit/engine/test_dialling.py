"""Placing calls: leased, booked, written; whatever fails on the way, nobody is called who was not booked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from campaigns.journal import Intent
from dialer.call import Recording, Stage
from dialer.engine.dialling import GROUP_MAX, GROUP_S, Dialling, recording_of, want_of
from dialer.engine.keeper import Part
from dialer.engine.lane import Lane
from dialer.pacing import Pacer, PacingPolicy
from dialer.types import Allowed, Outcome, QueuedLead, Refused, Verdict
from tests.unit.engine.desk import TRUNK, Desk, Door, a_campaign, a_config, a_lead

FAST = {**TRUNK, "calls_per_s": 1000, "channels": 1000}
QUICK = {"name": "a1", "calls_per_s": 1000}


class FakeJournal(Door):
    """Books every intent, but for those the story refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.booked: list[Intent] = []
        self.refusing: dict[str, Refused] = {}

    async def commit_intents(self, intents: Sequence[Intent]) -> list[Verdict]:
        await self.pass_()
        self.booked += [intent for intent in intents if intent.record.call_id not in self.refusing]
        return [self.refusing.get(intent.record.call_id) or Allowed() for intent in intents]


class Room(Desk):
    """A desk with a dialling loop and one lane."""

    def __init__(self, leads: int = 0, **tables: Any) -> None:
        super().__init__(a_config(**{"trunks": (FAST,), "nodes": (QUICK,), **tables}))
        self.journal = FakeJournal()
        self.parts = {"redis": self.redis_part, "database": Part("database"), "recordings": Part("recordings")}
        self.lanes: dict[tuple[int, str], Lane] = {}
        self.refused: list[tuple[int, str]] = []
        self.dialling = Dialling(
            self.config,
            self.clock,
            lanes=self.lanes,
            book=self.book,
            floor=self.floor,
            plane=self.plane,
            keeper=self.keeper,
            hopper=self.redis,
            journal=self.journal,
            counsel=self.counsel,
            parts=self.parts,
            incarnation=lambda node: f"{node}/today",
        )
        self.dialling.on_refused = lambda lane, lead, refused: self.refused.append((lead.lead_id, refused.rule))
        self.plane.on_written = self.dialling.written
        self.plane.on_not_placed = self.dialling.not_placed
        self.lane = self.opens("c1")
        self.queue(*(a_lead(number) for number in range(1, leads + 1)))

    def opens(self, name: str, number: int = 1, node: str = "a1", **keys: Any) -> Lane:
        policy = PacingPolicy(mode="ratio", lines_per_agent=1000)
        lane = Lane(number, f"key{number}", a_campaign(name=name, **keys), node, Pacer(policy))
        self.lanes[number, node] = lane
        return lane

    def queue(self, *leads: QueuedLead, campaign: str = "c1") -> None:
        self.redis.queued.setdefault(campaign, []).extend(leads)

    @property
    def phones(self) -> list[str]:
        return [action.get("Channel") for action in self.link.sent("Originate")]

    async def later(self, seconds: float = 0.5) -> None:
        self.clock.pass_s(seconds)
        await self.dialling.turn()


@pytest.fixture
async def room() -> Room:
    room = Room(leads=3)
    room.seats("ana")
    return room


async def test_a_lead_is_leased_booked_and_written(room: Room):
    await room.dialling.turn()
    assert [intent.record.debtor for intent in room.journal.booked] == ["EJ-0001", "EJ-0002", "EJ-0003"]
    assert room.phones == [f"PJSIP/+549115550000{n}@t1" for n in (1, 2, 3)]
    assert {call.stage for call in room.book.calls()} == {Stage.DIALLING}


async def test_the_intent_tells_what_will_be_needed_after_a_crash(room: Room):
    await room.dialling.turn()
    intent = room.journal.booked[0]
    record = intent.record
    assert (record.node, record.trunk, record.incarnation, record.try_no) == ("a1", "t1", "a1/today", 1)
    assert (str(intent.day), intent.max_per_day) == ("2026-03-03", 3)


async def test_nothing_is_written_before_it_is_booked(room: Room):
    room.journal.inside = lambda: room.refused.append((0, f"{len(room.link.written)} written"))
    await room.dialling.turn()
    assert room.refused == [(0, "0 written")]


async def test_who_is_refused_is_not_called_and_free_again(room: Room):
    lead = a_lead(2)
    room.journal.refusing[lead.call_id] = Refused("in_call")
    await room.dialling.turn()
    await room.keeper.flush()
    assert len(room.phones) == 2
    assert room.refused == [(2, "in_call")]
    assert room.redis.released == [lead.call_id]


async def test_nobody_is_booked_outside_the_hours_of_the_debtor():
    room = Room()
    room.seats("ana")
    room.queue(a_lead(1, time_zone="Asia/Tokyo"), a_lead(2))
    await room.dialling.turn()
    assert [intent.record.lead_id for intent in room.journal.booked] == [2]
    assert room.refused == [(1, "outside_window")]


async def test_an_unknown_zone_is_never_called():
    room = Room()
    room.seats("ana")
    room.queue(a_lead(1, time_zone="Nowhere/At_All"))
    await room.dialling.turn()
    assert room.refused == [(1, "unknown_zone")]
    assert room.phones == []


# Something is away.


async def test_redis_away_places_nothing_and_says_so(room: Room):
    room.redis.away = True
    await room.dialling.turn()
    assert room.parts["redis"].detail == "away"
    assert room.parts["database"].ok
    assert room.phones == []


async def test_redis_away_in_a_second_lane_blames_redis_and_frees_the_first(room: Room):
    room.opens("c2", 2)
    room.seats("eva", campaign="c2")
    room.redis.inside = lambda: setattr(room.redis, "away", True)
    await room.dialling.turn()
    assert (room.parts["redis"].ok, room.parts["database"].ok) == (False, True)
    room.redis.away = False
    await room.keeper.flush()
    assert room.redis.released == [a_lead(n).call_id for n in (1, 2, 3)]


async def test_the_database_away_after_the_lease_calls_nobody_and_frees_the_leads(room: Room):
    room.journal.away = True
    await room.dialling.turn()
    await room.keeper.flush()
    assert room.parts["database"].detail == "away"
    assert room.redis.released == [a_lead(n).call_id for n in (1, 2, 3)]
    assert (room.phones, len(room.book)) == ([], 0)


async def test_a_failed_turn_waits_for_the_next_decision(room: Room):
    room.journal.away = True
    await room.dialling.turn()
    room.journal.away = False
    room.queue(a_lead(4))
    await room.later(0.025)
    assert room.phones == []


async def test_dialling_goes_on_when_the_part_is_back(room: Room):
    room.journal.away = True
    await room.dialling.turn()
    room.journal.away = False
    room.parts["database"].works()
    room.queue(a_lead(4))
    await room.later()
    assert len(room.phones) == 1


@pytest.mark.parametrize("door", ["redis", "journal"])
async def test_a_failure_costs_no_rate(door: str):
    slow = Room(leads=1, trunks=({**TRUNK, "calls_per_s": 1},))
    slow.seats("ana")
    getattr(slow, door).away = True
    await slow.dialling.turn()
    getattr(slow, door).away = False
    for part in slow.parts.values():
        part.works()
    slow.queue(a_lead(9))
    await slow.later(0.5)
    assert len(slow.phones) == 1


async def test_an_empty_hopper_costs_no_rate():
    slow = Room(trunks=({**TRUNK, "calls_per_s": 1},))
    slow.seats("ana")
    await slow.dialling.turn()
    slow.queue(a_lead())
    await slow.later(0.5)
    assert len(slow.phones) == 1


async def test_the_node_away_gives_the_try_back(room: Room):
    room.journal.inside = lambda: setattr(room.link, "connected", False)
    await room.dialling.turn()
    kept = await room.kept()
    assert {record.outcome for record in kept.values()} == {Outcome.FAILED}  # type: ignore[union-attr]
    assert len(room.book) == 0


async def test_nothing_is_written_while_a_node_is_being_reconciled(room: Room):
    """The snapshot would not know of it: a call that rings would be taken for one never placed."""
    room.journal.inside = lambda: setattr(room.link, "up", False)
    await room.dialling.turn()
    assert room.phones == []
    assert len(room.book) == 0


# Stopped on the way.


async def test_a_campaign_paused_while_its_intents_are_booked_calls_nobody(room: Room):
    room.journal.inside = lambda: setattr(room.lane, "state", "paused")
    await room.dialling.turn()
    assert room.phones == []
    assert {record.outcome for record in (await room.kept()).values()} == {Outcome.FAILED}  # type: ignore[union-attr]


async def test_a_paused_campaign_leases_nothing_even_before_the_next_decision(room: Room):
    room.redis.queued = {}
    await room.dialling.turn()
    room.lane.wanted = 5
    room.lane.state = "paused"
    room.queue(a_lead())
    await room.later(0.025)
    assert room.journal.booked == []


async def test_an_engine_that_stops_calls_nobody(room: Room):
    room.journal.inside = lambda: setattr(room.dialling, "closed", "the engine is stopping")
    await room.dialling.turn()
    assert room.phones == []


async def test_a_campaign_started_while_redis_is_asked_breaks_nothing(room: Room):
    room.redis.inside = lambda: setattr(room.opens("c2", 2), "state", "running")
    await room.dialling.turn()
    assert len(room.phones) == 3


# Caps.


@pytest.mark.parametrize(
    ("tables", "keys", "most"),
    [
        ({"dialing": {"max_lines": 4}}, {}, 4),
        ({}, {"max_lines": 3}, 3),
        ({"trunks": ({**FAST, "channels": 2},)}, {}, 2),
        ({"nodes": ({**QUICK, "channels": 5},)}, {}, 5),
        ({"nodes": ({**QUICK, "calls_per_s": 20},)}, {}, 2),
        ({"trunks": ({**FAST, "calls_per_s": 10},)}, {}, 1),
        ({}, {}, GROUP_MAX),
    ],
    ids=["all lines", "campaign", "trunk", "node", "node's rate", "trunk's rate", "group"],
)
async def test_caps_hold_within_one_turn(tables: dict[str, Any], keys: dict[str, Any], most: int):
    room = Room(leads=80, **tables)
    room.opens("c1", **keys)
    room.seats("ana")
    await room.dialling.turn()
    assert len(room.phones) == most


async def test_the_lines_of_a_campaign_count_on_all_nodes():
    second = {"name": "a2", "recordings_dir": "/nowhere/two", "evidence_file": "/nowhere/two.csv"}
    tables = {"nodes": (QUICK, second), "trunks": (FAST, {**FAST, "name": "t2", "node": "a2"})}
    room = Room(leads=20, **tables)
    for node in ("a1", "a2"):
        room.opens("c1", 1, node, max_lines=5, trunks=("t1", "t2"))
        room.seats(f"on{node}", node=node)
    await room.dialling.turn()
    assert len(room.phones) == 5


async def test_two_campaigns_share_the_channels_of_a_trunk():
    room = Room(leads=10, trunks=({**FAST, "channels": 6},))
    room.opens("c2", 2)
    room.queue(*(a_lead(n) for n in range(20, 24)), campaign="c2")
    room.seats("ana")
    room.seats("eva", campaign="c2")
    room.redis.queued["c1"] = room.redis.queued["c1"][:4]
    await room.dialling.turn()
    await room.dialling.turn()
    assert len(room.phones) == 6


async def test_what_does_not_fit_waits_for_the_next_turn():
    room = Room(leads=4, trunks=({**FAST, "calls_per_s": 20},))
    room.seats("ana")
    await room.dialling.turn()
    await room.later(0.2)
    assert len(room.phones) == 4


# Why a lane is closed.


def _unkeepable(room: Room) -> None:
    for number in range(20_000):
        room.keeper._outbox[str(number)] = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("closing", "reason"),
    [
        (lambda room: setattr(room.dialling, "closed", "the engine is stopping"), "the engine is stopping"),
        (lambda room: setattr(room.lane, "state", "paused"), "campaign is paused"),
        (lambda room: room.parts["recordings"].failed("disk full"), "recordings: disk full"),
        (_unkeepable, "20000 records wait to be stored"),
        (lambda room: setattr(room.link, "up", False), "node a1 is not connected"),
        (lambda room: setattr(room.link, "shed", "event lag 0.700 s"), "event lag 0.700 s"),
    ],
)
async def test_a_closed_lane_says_why(room: Room, closing: Any, reason: str):
    closing(room)
    await room.dialling.turn()
    assert room.lane.gate == reason
    assert room.phones == []


async def test_a_lane_without_agents_dials_nobody():
    room = Room(leads=3)
    await room.dialling.turn()
    assert (room.phones, room.lane.gate) == ([], None)


# Answers of Asterisk.


async def test_a_refused_originate_gives_the_try_back(room: Room):
    await room.dialling.turn()
    await room.link.answers("Originate", "Extension does not exist", success=False)
    (record,) = (await room.kept()).values()
    assert (record.call_id, record.outcome) == (a_lead(3).call_id, Outcome.FAILED)  # type: ignore[union-attr]


async def test_an_originate_without_an_answer_may_have_been_carried_out(room: Room):
    await room.dialling.turn()
    await room.link.stays_silent("Originate")
    assert a_lead(3).call_id in room.book


# What a lead asks of an agent.


def test_a_segment_asks_for_skills_and_language():
    campaign = a_campaign(segments=({"name": "s1", "skills": {"legal": 2}, "language": "pt"}, {"name": "s2"}))
    assert want_of(campaign, "s1", "en", "ana").language == "pt"
    assert dict(want_of(campaign, "s1", "en", "ana").skills) == {"legal": 2}
    assert want_of(campaign, "s2", "en", None).language == "en"
    assert want_of(campaign, "gone", "", "ana").last_agent == "ana"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"recording": False}, Recording.NO),
        ({"recording_notice": True}, Recording.NOTICE),
        ({"recording_notice": False}, Recording.NOW),
    ],
)
def test_the_notice_comes_before_the_recording_where_the_campaign_says_so(keys: dict[str, bool], expected: Recording):
    assert recording_of(a_campaign(**keys)) is expected


@pytest.mark.parametrize(("speed", "pause_s"), [(1.0, GROUP_S), (20.0, 0.0125)])
async def test_pacers_decide_as_often_as_business_time_asks(speed: float, pause_s: float):
    room = Room()
    room.clock.speed = speed
    assert room.dialling.pause_s == pytest.approx(pause_s)


async def test_whoever_sleeps_in_a_group_that_cannot_be_booked_is_given_back_once():
    room = Room()
    room.seats("ana")
    room.queue(a_lead(1, time_zone="Asia/Tokyo"), a_lead(2))
    room.journal.away = True
    await room.dialling.turn()
    await room.keeper.flush()
    assert room.refused == []
    assert sorted(room.redis.released) == sorted([a_lead(1).call_id, a_lead(2).call_id])
