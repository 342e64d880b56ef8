from __future__ import annotations

from dialer.doctor.check import Check, Part, Status, worst
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


def test_the_worst_check_counts():
    checks = [PART.ok("a", ""), PART.warn("b", "", "x"), PART.skipped("c", "")]
    assert worst(checks) is Status.WARN
    assert worst([*checks, PART.failed("d", "", "x")]) is Status.FAILED
    assert worst([]) is Status.OK
