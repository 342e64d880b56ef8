"""Nobody is called twice and nothing is lost, however the engine and Asterisk die."""

from __future__ import annotations

import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests.lab.asterisk import AsteriskLab
from tests.lab.carrier import Carrier
from tests.lab.processes import eventually
from tests.lab.service import Service
from tests.lab.softphones import Softphones

DEBTORS = 500
AGENTS = 8
TAILS = (
    201,
    486,
    201,
    480,
    404,
    201,
    603,
    503,
    203,
    201,
    180,
    486,
    201,
    404,
    201,
    503,
    201,
    480,
    201,
    603,
    201,
    486,
    404,
)
ENGINE_DIES_AT = (40, 110, 180, 260, 340, 410)
"""The engine is killed with -9 when the carrier has seen so many calls..."""

ASTERISK_DIES_AT = (220, 380)
"""...and Asterisk at these."""


@dataclass
class Story:
    """The installation under fire, and when Asterisk was killed."""

    lab: AsteriskLab
    carrier: Carrier
    service: Service
    campaign: str
    agents: list[str]
    asterisk_deaths: list[float] = field(default_factory=list)

    def called(self) -> int:
        return sum(self.carrier.invites().values())

    def kill_engine(self) -> None:
        self.service.engine.kill()
        self.service.start()

    def kill_asterisk(self) -> None:
        self.asterisk_deaths.append(datetime.now(UTC).timestamp())  # noqa: TID251 - beside the books' times
        self.lab.kill9()
        self.lab.start()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._seat, self.agents))

    def _seat(self, agent: str) -> None:
        """Log an agent in again, as soon as the node is back and the engine knows that the old leg is gone."""
        eventually(lambda: self._logged_out(agent), f"{agent} is out", 60)
        eventually(lambda: self._logs_in(agent), f"{agent} is back", 60)

    def _logged_out(self, agent: str) -> bool:
        board = {row["agent"]: row["state"] for row in self.service.json("agent", "status")}
        return bool(board[agent] == "logged_out")

    def _logs_in(self, agent: str) -> bool:
        words = ("agent", "login", agent, "--campaign", self.campaign, "--ready")
        return self.service.succeeds(*words)


@pytest.mark.asterisk
@pytest.mark.timeout(400)
def test_five_hundred_debtors_survive_the_deaths_of_engine_and_asterisk(lab_root: Path, tmp_path: Path) -> None:
    with (
        AsteriskLab(
            lab_root,
            tmp_path / "home",
            softphones=AGENTS,
            agents={"wrap_up_s": 0.2},
            service={"home": tmp_path / "home", "metrics": ""},
        ) as lab,
        Carrier(tmp_path, lab.carrier_port, ring_s=0.4, talk_s=0.7, media=False) as carrier,
        Softphones(lab, tmp_path, media=False),
        Service(lab.config, tmp_path) as service,
    ):
        story = _begin(lab, carrier, service)
        _kill_on_the_way(story)
        eventually(lambda: _settled(service), "every attempt has an outcome", 120, service.engine.log)
        _judge(story)


def _begin(lab: AsteriskLab, carrier: Carrier, service: Service) -> Story:
    leads = [
        (f"d{number}", f"+5411{60000000 + number * 1000 + TAILS[number % len(TAILS)]}", ("alta", "baja")[number % 2])
        for number in range(DEBTORS)
    ]
    campaign = service.campaign(leads, max_tries=1, recording=False, pacing={"mode": "ratio", "lines_per_agent": 4})
    service.start()
    service.hire(AGENTS)
    service.run("campaign", "start", campaign)
    return Story(lab, carrier, service, campaign, service.agents(AGENTS, campaign))


def _kill_on_the_way(story: Story) -> None:
    for at in sorted(ENGINE_DIES_AT + ASTERISK_DIES_AT):
        eventually(partial(_has_called, story, at), f"{at} calls were placed", 90, story.service.engine.log)
        (story.kill_engine if at in ENGINE_DIES_AT else story.kill_asterisk)()


def _has_called(story: Story, count: int) -> bool:
    return story.called() >= count


def _settled(service: Service) -> bool:
    attempts = service.report("attempts")
    return len(attempts) == DEBTORS and all(attempt["outcome"] for attempt in attempts)


def _judge(story: Story) -> None:
    attempts = story.service.report("attempts")
    invites = story.carrier.invites()
    twice = {number: count for number, count in invites.items() if count > 1}
    assert twice == {}, "called twice"
    assert Counter(attempt["debtor"] for attempt in attempts) == Counter(f"d{n}" for n in range(DEBTORS))
    by_outcome: dict[str, set[str]] = {}
    for attempt in attempts:
        by_outcome.setdefault(attempt["outcome"], set()).add(attempt["phone"])
    not_placed, unknown = by_outcome.pop("failed", set()), by_outcome.pop("unknown", set())
    assert not_placed & set(invites) == set(), "said not to be called, and were"
    placed = set().union(*by_outcome.values())
    assert placed - set(invites) == set(), "said to be called, and were not"
    assert set(invites) - placed - unknown == set(), "called, and not accounted for"
    _judge_unknown(story, unknown)


def _judge_unknown(story: Story, unknown: set[str]) -> None:
    """`unknown` only for calls in flight when Asterisk was killed, and each says so."""
    with sqlite3.connect(story.service.config.home / "dialer.db") as books:
        rows = books.execute("select phone, flags, intent_at from attempts where outcome = 'unknown'").fetchall()
    assert {phone for phone, _, _ in rows} == unknown
    for phone, flags, intent_at in rows:
        assert "no_trace" in flags, phone
        began = _epoch(intent_at)
        assert any(death - 40 < began < death + 1 for death in story.asterisk_deaths), (phone, intent_at)


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
