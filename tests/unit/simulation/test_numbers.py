"""Numbers that say what happens."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.simulation.far_end import Reply
from dialer.simulation.numbers import LATE_S, REFUSALS, SHORT_S, Numbers
from tests.lab import carrier

NOW = datetime(2026, 11, 24, 13, tzinfo=UTC)


def called(digits: str, **knobs: float) -> Reply:
    return Numbers(**knobs).called(f"+541140000{digits}", "t1", NOW)


@pytest.mark.parametrize("status", sorted(REFUSALS))
def test_a_refusal_comes_at_once_and_never_rings(status: int):
    refused = called(str(status))
    assert (refused.sip, refused.rings_after_s, refused.ends_after_s) == (status, None, 0.0)


def test_the_laboratory_s_carrier_knows_the_same_refusals():
    assert frozenset(carrier.REFUSALS) == REFUSALS


@pytest.mark.parametrize(("digits", "rings_after_s"), [("000", None), ("180", 0.0), ("181", LATE_S)])
def test_some_are_never_answered(digits: str, rings_after_s: float | None):
    silent = called(digits)
    assert (silent.rings_after_s, silent.ends_after_s) == (rings_after_s, inf)


def test_201_talks_and_203_does_not_wait():
    assert (called("201", talk_s=7).talk_s, called("203").talk_s, called("203").patience_s) == (7, SHORT_S, SHORT_S)


def test_202_is_a_machine_and_206_says_nothing():
    assert [(called(digits).machine, called(digits).amd_status) for digits in ("202", "206", "209")] == [
        (True, "MACHINE"),
        (False, "NOTSURE"),
        (False, "HUMAN"),
    ]


def test_204_and_205_press_a_key():
    assert [called(digits).menu_choice for digits in ("204", "205", "201")] == ["callback", "optout", "none"]


@given(number=st.text(max_size=15), ring_s=st.floats(0, 60))
def test_any_number_has_a_life(number: str, ring_s: float):
    reply = Numbers(ring_s=ring_s).called(number, "t1", NOW)
    assert reply.ends_after_s in {0.0, ring_s, inf}


def test_any_other_number_is_answered_and_waits_for_us():
    other = called("999", ring_s=0.3)
    assert (other.sip, other.ends_after_s, other.talk_s, other.patience_s) == (200, 0.3, inf, inf)
