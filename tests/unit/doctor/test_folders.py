from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.config import MenuConfig, NodeConfig
from dialer.doctor.check import Check, Part, Status
from dialer.doctor.folders import ProbeFacts, evidence_check, menu_check, recordings_check

PART = Part("node ast1")
NODE = NodeConfig(name="ast1")
WELL = ProbeFacts(ran=True, written=28, folder=True, seen=True, taken=True, log=True, logged=True)


@pytest.mark.parametrize(
    ("facts", "status", "word"),
    [
        (WELL, Status.OK, ""),
        (replace(WELL, folder=False), Status.FAILED, "mount"),
        (replace(WELL, written=0, seen=False), Status.FAILED, "chown"),
        (replace(WELL, seen=False), Status.FAILED, "recordings_dir"),
        (replace(WELL, taken=False), Status.FAILED, "group"),
        (replace(WELL, ran=False, written=0, seen=False), Status.SKIPPED, "reload pbx_config"),
    ],
)
def test_a_recording_must_come_from_asterisk_to_this_machine(facts: ProbeFacts, status: Status, word: str):
    check = recordings_check(PART, NODE, facts)
    assert (check.status, word in check.remedy) == (status, True)


@pytest.mark.parametrize(
    ("facts", "status", "word"),
    [
        (WELL, Status.OK, ""),
        (replace(WELL, logged=False), Status.FAILED, "cel_custom"),
        (replace(WELL, log=False, logged=False), Status.FAILED, "mkdir"),
        (replace(WELL, ran=False, logged=False), Status.SKIPPED, "reload pbx_config"),
    ],
)
def test_the_call_log_must_be_written_at_once(facts: ProbeFacts, status: Status, word: str):
    check = evidence_check(PART, NODE, facts)
    assert (check.status, word in check.remedy) == (status, True)


def menu(*, answers: bool, engine_runs: bool, host: str = "127.0.0.1") -> Check:
    return menu_check(PART, MenuConfig(), NodeConfig(name="ast1", host=host), answers=answers, engine_runs=engine_runs)


def test_a_menu_that_answers_passes():
    assert menu(answers=True, engine_runs=True).status is Status.OK


def test_without_a_service_there_is_no_menu_to_miss():
    assert menu(answers=False, engine_runs=False).status is Status.SKIPPED


def test_a_running_engine_without_its_menu_is_warned_of():
    check = menu(answers=False, engine_runs=True)
    assert (check.status, "dialer menu" in check.remedy) == (Status.WARN, True)


def test_a_menu_that_another_machine_cannot_find_is_warned_of():
    check = menu(answers=True, engine_runs=True, host="10.0.0.7")
    assert (check.status, "menu.host" in check.remedy) == (Status.WARN, True)
