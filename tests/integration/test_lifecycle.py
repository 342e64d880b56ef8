"""Starting, pausing and stopping: who is called when, what ends how, and what the service says of itself."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dialer.clock import SystemClock
from dialer.config import DAYS
from tests.lab.centre import Centre, centre
from tests.lab.processes import eventually, free_port
from tests.lab.witness import Row, numbers, seconds

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(120)]

MIN_RING_S = 15.0
TRUNK_RATE = 4.0
"""Calls per second that the trunk of these stories takes."""

MANY_LINES = {"mode": "ratio", "lines_per_agent": 10, "max_lines_per_agent": 20}
TALKS, RINGS, BUSY = 300, 180, 486
HOME = ZoneInfo("America/Argentina/Buenos_Aires")


@pytest.fixture(scope="module")
def metrics() -> str:
    """Where the service of these stories serves its page."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def at(lab_root: Path, tmp_path_factory: pytest.TempPathFactory, metrics: str) -> Iterator[Centre]:
    work = tmp_path_factory.mktemp("lifecycle")
    tables: dict[str, dict[str, Any]] = {"agents": {"wrap_up_s": 0.2}, "service": {"metrics": metrics}}
    tables["trunk"] = {"calls_per_s": TRUNK_RATE}
    with centre(lab_root, work, softphones=14, talk_s=1.5, tables=tables) as at:
        yield at


def called(at: Centre, phones: list[str]) -> list[str]:
    """Return which of these numbers were called, in order."""
    return [call.number for call in at.carrier.calls() if call.what == "INVITE" and call.number in phones]


def rang_s(at: Centre, phone: str) -> float:
    """Return for how long a phone rang until it was cancelled."""
    moments = {call.what: call.at for call in at.carrier.calls() if call.number == phone}
    return moments["CANCEL"] - moments["INVITE"]


def busy(at: Centre, name: str, place: int, seats: tuple[int, int], *tails: int) -> list[str]:
    """Let the first debtor talk with the first agent and the second phone ring for the other."""
    phones = numbers(place, tails)
    segments = [{"name": f"s{n}", "priority": 900 - n} for n in range(len(tails))]
    leads = [(f"{name}{n}", phone, f"s{n}") for n, phone in enumerate(phones)]
    at.campaign(leads, name=name, segments=segments)
    for seat in seats:
        at.hire(f"agente{seat}", seat)
    at.seat(f"agente{seats[0]}", name)
    at.witness.agent(f"agente{seats[0]}", "talking")
    at.seat(f"agente{seats[1]}", name)
    eventually(lambda: len(called(at, phones)) == len(seats), "a phone rings")
    return phones


@dataclass(frozen=True, slots=True)
class Paused:
    """A list of busy numbers, paused half-way and started again: what was called, and what the commands said."""

    order: list[str]
    high: list[str]
    at_once: int
    later: int
    status: dict[str, Any]
    finished: int


@pytest.fixture(scope="module")
def paused(at: Centre) -> Paused:
    low, high = numbers(70, [BUSY] * 6), numbers(71, [BUSY] * 6)
    leads = [(f"b{n}", phone, "baja") for n, phone in enumerate(low)]
    at.campaign([*leads, *((f"a{n}", phone, "alta") for n, phone in enumerate(high))], name="pausa")
    at.hire("ana", 0)
    at.seat("ana", "pausa")
    eventually(lambda: len(called(at, low + high)) >= 2, "two are called")
    at.witness.order("campaign.pause", campaign="pausa")
    at_once = len(at.witness.attempts("pausa"))
    status = at.service.json("campaign", "status", "pausa")
    later = len(called(at, low + high))
    at.service.run("campaign", "start", "pausa")
    finished = len(at.witness.ended("pausa", len(low + high)))
    return Paused(called(at, low + high), high, at_once, later, status, finished)


class TestPause:
    def test_no_call_is_placed_after_the_pause(self, paused: Paused) -> None:
        assert paused.later <= paused.at_once

    def test_the_status_says_why_nobody_is_called(self, paused: Paused) -> None:
        assert (paused.status["state"], paused.status["not_dialling_because"]) == ("paused", "campaign is paused")

    def test_started_again_it_goes_on_and_nobody_is_called_twice(self, paused: Paused) -> None:
        assert len(paused.order) == len(set(paused.order)) == paused.finished

    def test_the_segment_of_higher_priority_is_called_first(self, paused: Paused) -> None:
        assert set(paused.order[: len(paused.high)]) == set(paused.high)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A campaign stopped while one debtor talks and one phone rings."""

    answer: str
    states: list[str]
    talked: Row
    rang: Row


@pytest.fixture(scope="module")
def stopped(at: Centre) -> Stopped:
    talk, ring = busy(at, "corte", 72, (1, 2), TALKS, RINGS)
    answer = at.service.run("campaign", "stop", "corte")
    at.witness.ended("corte", 1)
    states = [at.quick.json("campaign", "status", "corte")["state"]]
    at.witness.order("agent.hangup", agent="agente1")
    at.witness.ended("corte", 2)
    states.append(eventually(lambda: _ended(at, "corte"), "the campaign is stopped", 10))
    return Stopped(answer, states, at.witness.attempt("corte", talk), at.witness.attempt("corte", ring))


def _ended(at: Centre, campaign: str) -> str | None:
    state = str(at.quick.json("campaign", "status", campaign)["state"])
    return None if state == "stopping" else state


class TestStop:
    def test_the_command_says_that_it_is_stopping(self, stopped: Stopped) -> None:
        assert "stopping" in stopped.answer

    def test_a_ringing_phone_is_cancelled_after_the_legal_minimum(self, at: Centre, stopped: Stopped) -> None:
        assert (stopped.rang["outcome"], stopped.rang["flags"]) == ("cancelled", [])
        assert MIN_RING_S <= rang_s(at, stopped.rang["phone"]) < MIN_RING_S + 2

    def test_the_conversation_ends_by_itself(self, stopped: Stopped) -> None:
        assert stopped.talked["outcome"] == "answered"
        assert stopped.talked["ended_at"] > stopped.rang["ended_at"]

    def test_it_is_stopped_when_its_last_call_ends(self, stopped: Stopped) -> None:
        assert stopped.states == ["stopping", "stopped"]


class TestRules:
    def test_outside_the_window_nobody_is_called_and_the_refusal_is_told(self, at: Centre) -> None:
        tomorrow = SystemClock().now().astimezone(HOME) + timedelta(days=1)
        window = f"{DAYS[tomorrow.weekday()]} 09:00-18:00"
        (phone,) = numbers(73, [BUSY])
        at.campaign([("duerme", phone, "alta")], name="cerrada", windows=[window])
        at.hire("dora", 3)
        at.seat("dora", "cerrada")
        opens = tomorrow.replace(hour=9, minute=0, second=0, microsecond=0)
        query = "SELECT next_try_at FROM leads JOIN debtors d ON d.id = debtor_id WHERE d.external_id = 'duerme'"
        eventually(
            lambda: f"{opens.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M}" in str(at.witness.rows(query)), "put off"
        )
        status = at.service.json("campaign", "status", "cerrada")
        assert called(at, [phone]) == []
        assert status["refused"] == {"outside_window": 1}
        assert status["not_dialling_because"] == "nobody may be called now; refused so far: outside_window 1"

    def test_a_phone_is_not_called_more_often_in_a_day_than_allowed(self, at: Centre) -> None:
        (phone,) = numbers(74, [BUSY])
        at.campaign([(f"familia{n}", phone, "alta") for n in range(3)], name="familia", max_tries_per_phone_per_day=2)
        at.hire("eva", 4)
        at.seat("eva", "familia")
        refused = at.witness.hears("refused", rule="phone_day_limit")
        at.witness.ended("familia", 2)
        assert called(at, [phone]) == [phone, phone]
        assert refused["call_id"]

    def test_a_progressive_campaign_rings_one_phone_for_each_ready_agent(self, at: Centre) -> None:
        phones = numbers(75, [RINGS] * 4)
        at.campaign([(f"p{n}", phone, "alta") for n, phone in enumerate(phones)], name="paso")
        for place, name in ((5, "flor"), (6, "gala")):
            at.hire(name, place)
            at.seat(name, "paso")
        eventually(lambda: len(called(at, phones)) == 2, "two are called")
        eventually(lambda: at.quick.json("campaign", "status", "paso")["calls"] == {"ringing": 2}, "both ring")
        at.witness.order("campaign.stop", campaign="paso")
        assert len(called(at, phones)) == 2


class TestLimits:
    def test_calls_of_a_trunk_keep_its_rate(self, at: Centre) -> None:
        phones = numbers(78, [BUSY] * 10)
        at.campaign([(f"r{n}", phone, "alta") for n, phone in enumerate(phones)], name="ritmo", pacing=MANY_LINES)
        at.hire("hilda", 11)
        at.seat("hilda", "ritmo")
        at.witness.ended("ritmo", len(phones))
        moments = [call.at for call in at.carrier.calls() if call.what == "INVITE" and call.number in phones]
        assert moments[-1] - moments[0] > (len(phones) - 1) / TRUNK_RATE - 0.3

    def test_a_campaign_never_has_more_lines_than_its_file_says(self, at: Centre) -> None:
        phones = numbers(79, [RINGS] * 4)
        leads = [(f"l{n}", phone, "alta") for n, phone in enumerate(phones)]
        at.campaign(leads, name="lineas", pacing=MANY_LINES, max_lines=2)
        at.hire("irma", 12)
        at.seat("irma", "lineas")
        full = "all 2 lines of the campaign are in use (max_lines)"
        eventually(lambda: _why(at, "lineas") == full, "the status names the limit", 10)
        at.witness.order("campaign.stop", campaign="lineas")
        assert len(called(at, phones)) == 2


def _why(at: Centre, campaign: str) -> str | None:
    why: str | None = at.quick.json("campaign", "status", campaign)["not_dialling_because"]
    return why


class TestCommands:
    def test_the_list_names_every_campaign_with_its_state(self, at: Centre) -> None:
        at.quick.campaign([("nadie", numbers(76, [BUSY])[0], "alta")], name="creada")
        listed = {row["campaign"]: row["state"] for row in at.service.json("campaign", "list")}
        assert listed["creada"] == "created"

    def test_the_status_of_a_campaign_without_agents_says_so(self, at: Centre) -> None:
        at.campaign([("solo", numbers(77, [BUSY])[0], "alta")], name="desierta")
        status = eventually(lambda: _served(at, "desierta"), "the engine serves it")
        assert status["not_dialling_because"] == "no agent is logged in"
        assert (status["leads"], status["due"], status["engine"]) == ({"open": 1}, 1, True)


def _served(at: Centre, campaign: str) -> dict[str, Any] | None:
    status: dict[str, Any] = at.quick.json("campaign", "status", campaign)
    return status if status["pacing"] else None


NAMES = {
    *("dialer_attempts", "dialer_refused", "dialer_calls", "dialer_agents", "dialer_part_up", "dialer_join_seconds"),
    *("dialer_ami_up", "dialer_ami_events", "dialer_ami_actions", "dialer_hopper_leads", "dialer_pacing_wanted"),
    *("dialer_inbound", "dialer_recordings", "dialer_backlog_records", "dialer_outcomes_waiting"),
}
LABELS = {"campaign", "node", "outcome", "state", "stage", "rule", "part", "result", "le"}
LABELS |= {"event", "action", "session", "error_id"}
SOMEBODY = re.compile(r"\+?\d{7,}|[tg][a-z2-7]{26}")
"""A phone or a call id: as a label it would grow without end."""


class TestPage:
    def test_every_expected_name_is_there(self, at: Centre, metrics: str) -> None:
        assert {family.name for family in families(metrics)} >= NAMES

    def test_labels_come_from_closed_lists(self, at: Centre, metrics: str) -> None:
        samples = [sample for family in families(metrics) for sample in family.samples if "dialer" in sample.name]
        assert {label for sample in samples for label in sample.labels} <= LABELS
        values = {value for sample in samples for value in sample.labels.values()}
        assert [value for value in values if SOMEBODY.fullmatch(value)] == []

    def test_a_healthy_service_says_that_every_part_works(self, at: Centre, metrics: str) -> None:
        with urllib.request.urlopen(f"http://{metrics}/healthz", timeout=5) as answer:
            told = json.load(answer)
        assert told["ok"]
        assert set(told["parts"]) == {"redis", "database", "recordings", "ledger", "node lab", "outbox"}


def families(metrics: str) -> list[Any]:
    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=5) as answer:
        return list(text_string_to_metric_families(answer.read().decode()))


ABOUT_CALLS = {"dialled", "answered", "routed", "joined", "ended", "recorded", "refused", "menu", "recording not kept"}


class TestLog:
    def test_every_line_about_a_call_carries_its_id(self, at: Centre, paused: Paused) -> None:
        lines = [line for line in at.witness.lines() if line["event"] in ABOUT_CALLS]
        assert lines
        assert [line for line in lines if not SOMEBODY.fullmatch(line.get("call_id") or "")] == []

    def test_every_line_has_its_moment_and_its_level(self, at: Centre) -> None:
        assert [line for line in at.witness.lines() if not {"timestamp", "level", "event"} <= set(line)] == []


@dataclass(frozen=True, slots=True)
class Ended:
    """What an engine left behind when it was told to end with one debtor talking and one phone ringing."""

    status: int | None
    talked: Row
    rang: Row
    rang_s: float
    left: int


@pytest.fixture(scope="module")
def once(at: Centre) -> Ended:
    """One SIGTERM; the conversation is ended a little after the ring."""
    talk, ring, never = busy(at, "fin", 80, (7, 8), TALKS, RINGS, BUSY)
    engine = at.service.engine
    engine.send(signal.SIGTERM)
    at.witness.hears("ended", 25, call_id=at.witness.attempt("fin", ring)["call_id"])
    at.witness.order("agent.hangup", agent="agente7")
    eventually(lambda: engine.exit_status is not None, "the engine ends", 15, engine.log)
    row = {phone: at.witness.attempt("fin", phone) for phone in (talk, ring)}
    found = Ended(engine.exit_status, row[talk], row[ring], rang_s(at, ring), len(called(at, [never])))
    at.service.start()
    at.witness.hears("node up")
    return found


@pytest.fixture(scope="module")
def twice(at: Centre) -> Ended:
    """Two SIGTERMs; the next engine finds the conversation as it was."""
    talk, ring, never = busy(at, "corto", 81, (9, 10), TALKS, RINGS, BUSY)
    engine = at.service.engine
    engine.send(signal.SIGTERM)
    at.witness.hears("stopping")
    engine.send(signal.SIGTERM)
    eventually(lambda: engine.exit_status is not None, "the engine ends", 15, engine.log)
    at.service.start()
    at.witness.hears("node up")
    at.witness.order("agent.hangup", agent="agente9")
    at.witness.ended("corto", 2)
    row = {phone: at.witness.attempt("corto", phone) for phone in (talk, ring)}
    return Ended(engine.exit_status, row[talk], row[ring], rang_s(at, ring), len(called(at, [never])))


class TestSignals:
    """The engine's end: the last stories of this module's engine, and the first of the next."""

    def test_the_engine_ends_well(self, once: Ended) -> None:
        assert once.status == 0

    def test_a_ring_is_cancelled_after_the_legal_minimum(self, once: Ended) -> None:
        assert (once.rang["outcome"], once.rang["flags"]) == ("cancelled", [])
        assert MIN_RING_S <= once.rang_s < MIN_RING_S + 2

    def test_the_conversation_was_let_end(self, once: Ended) -> None:
        assert (once.talked["outcome"], once.talked["flags"]) == ("answered", [])
        assert once.talked["ended_at"] > once.rang["ended_at"]

    def test_nobody_is_called_any_more(self, once: Ended) -> None:
        assert once.left == 0

    def test_a_second_signal_ends_it_at_once_and_well(self, twice: Ended) -> None:
        assert twice.status == 0
        assert seconds(twice.rang, "ringing_at", "ended_at") < MIN_RING_S

    def test_a_ring_cut_below_the_minimum_is_flagged(self, twice: Ended) -> None:
        assert (twice.rang["outcome"], twice.rang["flags"]) == ("cancelled", ["cut_below_minimum_ring"])
        assert twice.rang_s < MIN_RING_S

    def test_the_conversation_outlives_both_and_is_accounted_for(self, twice: Ended) -> None:
        assert twice.talked["outcome"] == "answered"
        assert twice.talked["bridged_at"] is not None
