"""What simulated agents do after a conversation."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.simulation.agents import DISPOSITIONS, PAUSE_S, wrap_up

CODE = re.compile(r"[a-z0-9_]{1,40}")


def many(talk_s: float) -> list[float]:
    rng = Random(3)
    return [wrap_up(talk_s, rng).wrap_s for _ in range(4000)]


@pytest.mark.parametrize(("talk_s", "wrap_s"), [(10, 8), (200, 25)])
def test_a_short_conversation_is_written_up_sooner(talk_s: float, wrap_s: float):
    assert mean(many(talk_s)) == pytest.approx(wrap_s, rel=0.05)


def test_one_wrap_up_in_a_hundred_ends_in_a_break():
    rng = Random(3)
    pauses = Counter(wrap_up(60, rng).pause_s for _ in range(10_000))
    assert set(pauses) == {0.0, PAUSE_S}
    assert 60 < pauses[PAUSE_S] < 140


def test_nobody_promises_in_ten_seconds():
    rng = Random(3)
    short = {wrap_up(10, rng).disposition for _ in range(500)}
    assert "promise_to_pay" not in short
    assert "promise_to_pay" in {wrap_up(200, rng).disposition for _ in range(500)}


@given(talk_s=st.floats(0, 7200), seed=st.integers())
def test_every_wrap_up_can_be_told_to_the_dialer(talk_s: float, seed: int):
    end = wrap_up(talk_s, Random(seed))
    assert end == wrap_up(talk_s, Random(seed))
    assert end.disposition in DISPOSITIONS
    assert CODE.fullmatch(end.disposition)
    assert end.wrap_s >= 0
