from __future__ import annotations

import pytest

from dialer.doctor.check import Part, Status
from dialer.doctor.manager import NEEDED, LoginFacts, fence_check, filters_check, permissions_check

PART = Part("node ast1")


@pytest.mark.parametrize(
    ("held", "second_refused", "engine_runs", "status"),
    [
        (True, False, True, Status.OK),
        (True, False, False, Status.WARN),
        (False, True, False, Status.OK),
        (False, True, True, Status.FAILED),
        (False, False, False, Status.FAILED),
        (False, False, True, Status.FAILED),
    ],
)
def test_the_fence_lets_one_engine_in(held: bool, second_refused: bool, engine_runs: bool, status: Status):
    facts = LoginFacts("dialer-act", held, second_refused)
    assert fence_check(PART, facts, engine_runs=engine_runs).status is status


def test_a_fence_that_is_open_needs_its_files():
    check = fence_check(PART, LoginFacts("dialer-act", held=False, second_refused=False), engine_runs=False)
    assert "restart Asterisk" in check.remedy


@pytest.mark.parametrize("role", ["actions", "admin"])
def test_what_a_user_needs_is_enough(role: str):
    assert permissions_check(PART, role, "user", {*NEEDED[role], "Other"}).status is Status.OK


def test_a_missing_permission_is_named():
    check = permissions_check(PART, "actions", "dialer-act", NEEDED["actions"] - {"Originate"})
    assert (check.status, check.detail) == (Status.FAILED, "may not: Originate")


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (["FullyBooted", "UserEvent"], Status.OK),
        (["FullyBooted"], Status.FAILED),
        (["Reload", "UserEvent"], Status.FAILED),
    ],
)
def test_the_filters_let_ours_through_and_nothing_else(seen: list[str], status: Status):
    assert filters_check(PART, seen).status is status
