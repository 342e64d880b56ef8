"""The simulated node beside the real Asterisk: the same orders, the same events, the same words."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dialer.agi.menu import MenuProcess
from tests.contract.simulation.scenarios import SCENARIOS, Stage
from tests.contract.simulation.transcript import Names, answers, by_thread, headers, transcript
from tests.lab.asterisk import TRUNK, AsteriskLab
from tests.lab.callers import Caller
from tests.lab.carrier import Carrier
from tests.lab.floor import Floor
from tests.lab.processes import LabError, eventually
from tests.lab.softphones import Softphones
from tests.lab.sounds import own_prompts
from tests.lab.twin import TwinLab

pytestmark = pytest.mark.asterisk

PHONES = (1001, 1002, 1003)
TALK_S = 1.0


@dataclass
class RealWorld:
    """The world around the real Asterisk: sipps."""

    lab: AsteriskLab
    work: Path
    phones: dict[int, Softphones]
    callers: list[Caller] = field(default_factory=list)

    def unregister(self, extension: int) -> None:
        self.phones[extension].unregister(extension)

    def lose(self, extension: int) -> None:
        self.phones[extension].stop()

    def calls_us(self, dialled: str, caller: str, stay_s: float) -> None:
        self.callers.append(Caller(self.lab, self.work, dialled, caller, stay_s))

    def go_home(self) -> None:
        while self.callers:
            with self.callers.pop():
                pass


@dataclass
class TwinWorld:
    """The world around the twin: what it is told over AMI."""

    lab: TwinLab

    def unregister(self, extension: int) -> None:
        self.lab.world("unregister", Extension=extension)

    def lose(self, extension: int) -> None:
        self.lab.world("lose", Extension=extension)

    def calls_us(self, dialled: str, caller: str, stay_s: float) -> None:
        self.lab.world("call", Trunk=TRUNK, Dialled=dialled, Caller=caller, Stay=stay_s)

    def go_home(self) -> None:
        """Nobody is left waiting."""


@pytest.fixture(scope="module")
def real(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    work = tmp_path_factory.mktemp("real")
    prompts = own_prompts(work / "prompts", 0.2)
    with (
        AsteriskLab(lab_root, work / "home", softphones=4, prompts={"dir": prompts}) as lab,
        Carrier(work, lab.carrier_port, talk_s=TALK_S),
        MenuProcess(lab.config.menu),
    ):
        phones = {number: Softphones(lab, work, first=number, count=1) for number in PHONES}
        yield RealWorld(lab, work, phones)
        for phone in phones.values():
            phone.stop()


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinWorld]:
    work = tmp_path_factory.mktemp("twin")
    prompts = own_prompts(work / "prompts", 0.2)
    with TwinLab(work, softphones=4, talk_s=TALK_S, prompts={"dir": prompts}) as lab:
        lab.world("unregister", Extension=1004)
        yield TwinWorld(lab)


@dataclass
class Told:
    """What one node said during a scenario; `events` and `lists` speaker by speaker."""

    events: list[str]
    lists: list[str]
    answers: list[str]
    headers: dict[str, list[str]]


def play(world: Any, name: str) -> Told:
    """Run one scenario and return what was said."""
    with Floor(world.lab) as floor:
        # What the scenarios provoke on purpose is in the real one's log; other tests look at that.
        floor.noise += [" WARNING[", " ERROR["]
        SCENARIOS[name](Stage(floor, world))
        # A lasting silence is no proof, but what a call that is over says comes within some milliseconds.
        with pytest.raises(LabError):
            floor.events.wait("Nothing", 0.15)
        world.go_home()
        names = Names()
        told = transcript(floor.events.seen, names)
        lists = transcript(floor.actions.seen, names)
        every = headers(floor.events.seen) | headers(floor.actions.seen)
        return Told(by_thread(told), by_thread(lists), answers(floor.actions.seen), every)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_twin_says_what_the_real_one_says(real: RealWorld, twin: TwinWorld, name: str) -> None:
    with ThreadPoolExecutor(2) as both:
        expected, found = both.map(play, (real, twin), (name, name))
    assert found.events == expected.events
    assert found.lists == expected.lists
    assert found.answers == expected.answers
    assert found.headers == expected.headers


def test_the_evidence_has_the_same_lines(real: RealWorld, twin: TwinWorld) -> None:
    assert _evidence(twin) == _evidence(real)


def _evidence(world: Any) -> list[tuple[str, ...]]:
    """Return what the call log says of one conversation: event, channel's kind, name, hang-up cause."""
    with Floor(world.lab) as floor:
        floor.noise += [" WARNING[", " ERROR["]
        leg = floor.agent(1001)
        call = floor.answered("299", DIALER_RECORD="now")
        floor.joined(call, leg)
        floor.hang_up(call)
        floor.gone(call)
        log: Path = world.lab.node.evidence_file
        return eventually(lambda: _whole(log, call), "the end of the call is logged", 5)


def _whole(log: Path, call: str) -> list[tuple[str, ...]]:
    rows = [row for row in csv.reader(log.read_text().splitlines()) if row[2] == call]
    return [(row[0], row[5], row[6], _cause(row[7])) for row in rows] if rows and rows[-1][0] == "CHAN_END" else []


def _cause(extra: str) -> str:
    return extra.partition('hangupcause":')[2].partition(",")[0]
