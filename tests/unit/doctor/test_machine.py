from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dialer.config import Config
from dialer.doctor.check import Check, Status
from dialer.doctor.machine import MachineFacts, machine_checks, machine_facts

WELL = MachineFacts(
    python=(3, 12), tzdata="2026.1", unknown_zones=(), zones=2, free_mb={"/var": 9000.0}, home="/var", writable=True
)


def judged(facts: MachineFacts, name: str) -> Check:
    (check,) = [check for check in machine_checks(facts, min_free_mb=500) if check.name == name]
    return check


def test_a_good_machine_passes():
    assert {check.status for check in machine_checks(WELL, min_free_mb=500)} == {Status.OK}


@pytest.mark.parametrize("python", [(3, 10), (3, 14)])
def test_an_untried_python_fails(python: tuple[int, int]):
    check = judged(replace(WELL, python=python), "Python")
    assert check.status is Status.FAILED
    assert "3.11, 3.12 or 3.13" in check.remedy


def test_a_zone_that_does_not_resolve_is_named():
    check = judged(replace(WELL, unknown_zones=("America/Nowhere",)), "time zones")
    assert (check.status, "America/Nowhere" in check.detail) == (Status.FAILED, True)
    assert "tzdata" in check.remedy


@pytest.mark.parametrize(("free", "status"), [(499, Status.FAILED), (999, Status.WARN), (1000, Status.OK)])
def test_room_for_recordings_is_judged_by_what_stops_the_calls(free: float, status: Status):
    check = judged(replace(WELL, free_mb={"/var": free}), "free disk")
    assert (check.status, "/var" in check.detail) == (status, True)


def test_a_state_directory_that_is_closed_to_this_user_fails():
    check = judged(replace(WELL, writable=False), "state directory")
    assert (check.status, "DIALER_HOME" in check.remedy) == (Status.FAILED, True)


def test_the_facts_of_this_machine_name_unknown_zones_and_folders(tmp_path: Path):
    config = Config.model_validate({"service": {"home": tmp_path}})
    facts = machine_facts(config, ["America/Bogota", "Mars/Olympus", ""])
    assert (facts.unknown_zones, facts.zones) == (("Mars/Olympus",), 2)
    assert facts.writable
    assert set(facts.free_mb) == {str(tmp_path), str(tmp_path / "recordings")}
