from __future__ import annotations

import asyncio

import pytest

from dialer.doctor.check import Check, Part, Status, told
from dialer.types import Unavailable

PART = Part("redis")


def test_a_check_names_its_part():
    assert PART.failed("version", "too old", "install a newer one") == Check(
        "redis", "version", Status.FAILED, "too old", "install a newer one"
    )


def test_an_error_on_purpose_is_cut_into_what_is_wrong_and_what_to_do():
    check = PART.broken("reachable", Unavailable("redis at x: no answer; start it"))
    assert (check.status, check.detail, check.remedy) == (Status.FAILED, "redis at x: no answer", "start it")


def test_an_error_without_a_remedy_keeps_its_sentence():
    check = PART.broken("reachable", Unavailable("no answer"))
    assert (check.detail, bool(check.remedy)) == ("no answer", True)


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (Unavailable("away; start it"), "away"),
        (KeyError("Status"), "unexpected: KeyError: 'Status'"),
    ],
)
async def test_a_probe_that_breaks_becomes_a_failed_check(error: Exception, detail: str):
    async def breaks() -> list[Check]:
        raise error

    (check,) = await told(PART, "reachable", breaks(), 5.0)
    assert (check.status, check.detail, bool(check.remedy)) == (Status.FAILED, detail, True)


async def test_a_probe_that_hangs_is_given_up():
    async def hangs() -> list[Check]:
        await asyncio.Event().wait()
        return []

    (check,) = await told(PART, "reachable", hangs(), 0.01)
    assert (check.status, check.detail) == (Status.FAILED, "no answer within 0.01 s")


async def test_what_a_probe_finds_is_passed_on():
    async def finds() -> list[Check]:
        return [PART.ok("reachable", "here")]

    assert await told(PART, "reachable", finds(), 5.0) == [PART.ok("reachable", "here")]
