"""Whether an installation can keep the rules, before the first call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from campaigns.compliance import Facts, Setup, caller_id_refusals, misfits, needs_reserved_agent
from tests.unit.campaigns.compliance.office import at, debtor, position

SETUP = Setup(
    ring_min_s=15,
    ring_timeout_s=28,
    connect_within_s=2,
    abandon_limit=0.03,
    abandonment_message=True,
    recording=True,
    recording_notice=True,
    recording_days=1095,
)


def facts(country: str) -> Facts:
    return position(debtor(country), at("Europe/Madrid", "2026-06-02 12:00")).rulebook.facts


def test_a_house_in_order() -> None:
    assert misfits(facts("US"), SETUP) == ()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"ring_min_s": 14}, "ring_min"),
        ({"ring_timeout_s": 46}, "ring_max"),
        ({"connect_within_s": 2.5}, "connect_within"),
        ({"abandonment_message": False}, "abandonment_message"),
        ({"recording_notice": False}, "recording_notice"),
        ({"recording_days": 1094}, "recording_min_days"),
    ],
)
def test_what_is_not_in_order_is_told(change: dict[str, float], rule: str) -> None:
    assert [refusal.rule for refusal in misfits(facts("US"), replace(SETUP, **change))] == [rule]  # type: ignore[arg-type]


def test_each_limit_on_abandonment_is_told() -> None:
    assert [r.rule for r in misfits(facts("CA"), replace(SETUP, abandon_limit=0.04))] == ["abandon_limit"]
    assert len(misfits(facts("CA"), replace(SETUP, abandon_limit=0.06))) == 2


def test_in_europe_recordings_come_to_an_end() -> None:
    assert [r.rule for r in misfits(facts("IE"), SETUP)] == ["recording_max_days"]


def test_without_recording_nothing_is_asked_of_it() -> None:
    assert misfits(facts("IE"), replace(SETUP, recording=False, recording_notice=False)) == ()


@pytest.mark.parametrize(
    ("country", "number", "lists", "rule"),
    [
        ("CO", "+576011234567", {}, []),
        ("CO", "", {}, ["caller_id_withheld"]),
        ("MX", "+525555123456", {}, ["caller_id_list_unknown"]),
        ("MX", "+525555123456", {"redeco": ["+525555999999"]}, ["caller_id_not_listed"]),
        ("MX", "+525555123456", {"redeco": ["+525555123456"]}, []),
        ("ES", "+34612345678", {}, ["caller_id_mobile"]),
        ("ES", "+34912345678", {}, []),
    ],
)
def test_the_number_that_is_shown(country: str, number: str, lists: dict[str, list[str]], rule: list[str]) -> None:
    assert [refusal.rule for refusal in caller_id_refusals(facts(country), number, lists)] == rule


def test_a_withheld_number_may_be_shown_where_nobody_forbids_it() -> None:
    assert caller_id_refusals(replace(facts("CO"), withheld_caller_id_forbidden=False), "", {}) == ()


def test_what_cannot_be_read_may_be_wireless() -> None:
    assert needs_reserved_agent(facts("US"), "nonsense")
