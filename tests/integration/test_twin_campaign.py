"""The whole engine on a simulated node: small campaigns, and what goes wrong on the wire and in the engine."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.lab.processes import eventually
from tests.lab.quick import QuickService
from tests.lab.twin import TwinLab
from tests.lab.witness import Witness, numbers

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]

TALK_S = 4.0


@dataclass(frozen=True, slots=True)
class Run:
    """A running dialer, its books, and the node it takes for Asterisk."""

    lab: TwinLab
    service: QuickService
    witness: Witness

    def campaign(self, phones: list[str], agents: int = 1, **changes: Any) -> list[str]:
        """Start the campaign `mora` on these numbers with so many agents, ready."""
        leads = [(f"d{place}", phone, "alta") for place, phone in enumerate(phones)]
        self.service.campaign(leads, max_tries=1, **changes)
        names = self.service.agents(agents, "mora", log_in=False)
        self.witness.order("campaign.start", campaign="mora")
        self.witness.hears("node up")
        for name in names:
            self.witness.order("agent.login", agent=name, campaign="mora", node="", ready=True)
        return names

    def placed(self) -> Counter[str]:
        """Return how often the node began a call, by call id."""
        rows = csv.reader(self.lab.node.evidence_file.read_text().splitlines())
        return Counter(row[2] for row in rows if row[0] == "CHAN_START" and row[2].startswith("t"))

    def called(self) -> Counter[str]:
        """Return how often each phone was called, as the node knows it."""
        placed = self.placed()
        return Counter({row["phone"]: 0 for row in self.witness.attempts("mora")}) + Counter(
            row["phone"] for row in self.witness.attempts("mora") for _ in range(placed[row["call_id"]])
        )


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    changes = {"agents": {"extensions": 3, "codecs": "ulaw", "wrap_up_s": 0.2}}
    with (
        TwinLab(tmp_path, softphones=3, talk_s=TALK_S, **changes) as lab,
        QuickService(lab.config, tmp_path) as service,
    ):
        service.start()
        yield Run(lab, service, Witness(service))
        assert "Traceback" not in lab.output
        assert "Traceback" not in service.engine.output


def test_every_debtor_ends_as_dialled_and_conversations_are_kept(run: Run):
    expected = {486: "busy", 404: "invalid", 480: "no_answer", 603: "rejected", 503: "congestion", 201: "answered"}
    phones = numbers(1, list(expected))
    (agent,) = run.campaign(phones)
    rows = {row["phone"]: row for row in run.witness.ended("mora", len(phones))}
    assert {phone: row["outcome"] for phone, row in rows.items()} == dict(zip(phones, expected.values(), strict=True))
    talked = rows[phones[-1]]
    assert talked["agent"] == agent
    file = eventually(lambda: _recording(run, phones[-1]), "the recording is kept", 20)
    assert soundfile.info(file).duration == pytest.approx(TALK_S, abs=1.0)
    assert set(run.placed().values()) == {1}


def test_a_killed_engine_finds_its_conversation_again(run: Run):
    (phone,) = numbers(2, [201])
    (agent,) = run.campaign([phone])
    run.witness.agent(agent, "talking")
    run.service.engine.kill()
    run.service.start()
    again = Witness(run.service)
    again.hears("adopted")
    (row,) = again.ended("mora", 1)
    assert (row["outcome"], row["agent"]) == ("answered", agent)
    assert run.placed() == Counter({row["call_id"]: 1})


@pytest.mark.parametrize("kind", ["drop-unread", "drop-before-ack", "drop-after-ack"])
def test_a_connection_dropped_around_an_originate_calls_nobody_twice(run: Run, kind: str):
    phones = numbers(3, [486, 201, 404, 201, 486])
    run.lab.fault(kind, Match="Originate", Where="carrier", Nth=2)
    run.campaign(phones)
    run.witness.ended("mora", len(phones))
    assert run.witness.said("node down"), "the connection was dropped"
    assert set(run.placed().values()) == {1}
    assert all(count <= 1 for count in run.called().values())
    outcomes = Counter(row["outcome"] for row in run.witness.attempts("mora"))
    assert outcomes["answered"] >= 1
    assert "unknown" not in outcomes


def test_a_lost_hangup_is_found_in_the_evidence(run: Run):
    (phone,) = numbers(4, [486])
    run.lab.fault("lose-event", Match="Hangup", Where="486")
    run.campaign([phone])
    eventually(lambda: '"CHAN_END","' in run.lab.node.evidence_file.read_text().partition('"t')[2], "it is over", 10)
    run.lab.fault("away", Seconds=0.3)
    (row,) = run.witness.ended("mora", 1)
    assert row["outcome"] == "busy"
    assert "reconciled" in row["flags"]


def test_a_node_that_crashes_in_a_conversation_costs_that_call_and_nobody_is_called_twice(run: Run):
    talking, waiting = numbers(5, [299, 201])
    (agent,) = run.campaign([talking, waiting])
    run.witness.agent(agent, "talking")
    run.lab.fault("restart")
    run.witness.hears("node up", count=2)
    lost = eventually(lambda: _outcome(run, talking), "the crashed call is accounted for", 20)
    run.witness.agent(agent, "logged_out")
    run.witness.order("agent.login", agent=agent, campaign="mora", node="", ready=True)
    assert eventually(lambda: _outcome(run, waiting), "the other debtor is called", 40) == "answered"
    assert lost in {"answered", "dropped"}
    assert set(run.placed().values()) == {1}


def test_the_node_ends_cleanly_and_tells_those_who_listen(tmp_path: Path):
    with TwinLab(tmp_path) as lab, lab.ami("events") as events, lab.ami("actions", events=False) as actions:
        where = {"Channel": "PJSIP/+5491155500180@carrier", "Context": "dialer-debtor", "Exten": "s", "Priority": 1}
        actions.action("Originate", None, ChannelId="t" + "1" * 26, Async="true", **where)
        events.wait("Newstate")
        assert lab.stop() == 0
        events.wait("Hangup")
        assert events.wait("Shutdown")["Restart"] == "False"
        assert "Traceback" not in lab.output


def _outcome(run: Run, phone: str) -> str | None:
    return next((row["outcome"] for row in run.witness.attempts("mora") if row["phone"] == phone), None)


def _recording(run: Run, phone: str) -> str | None:
    found = [row["recording"] for row in run.witness.attempts("mora") if row["phone"] == phone]
    return found[0] if found and found[0] and Path(found[0]).exists() else None
