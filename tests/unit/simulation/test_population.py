"""A seeded world: repeatable, and with the figures it promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from math import inf, isfinite
from random import Random
from statistics import mean, median
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.simulation.far_end import Reply
from dialer.simulation.population import LIVE_RATES, Population, Workload, reply

ZONE = ZoneInfo("America/Argentina/Buenos_Aires")
TEN = datetime(2026, 11, 24, 13, tzinfo=UTC)
"""Ten in the morning in Buenos Aires."""

SEGMENTS = tuple(LIVE_RATES)


def phone(number: int) -> str:
    return f"+5411{40_000_000 + number}"


def segment_of(dialled: str) -> str:
    return SEGMENTS[int(dialled[-6:]) % 3]


def world(seed: int = 7, segments: Callable[[str], str | None] = segment_of) -> Population:
    return Population(seed, segments, ZONE)


@cache
def crowd() -> tuple[Reply, ...]:
    """Return the first call to each of many numbers of the first segment, at ten."""
    people = world(segments=lambda _: "alta")
    return tuple(people.called(phone(number), "t1", TEN) for number in range(12_000))


def persons() -> list[Reply]:
    return [call for call in crowd() if kind(call) == "person"]


def kind(call: Reply) -> str:
    if call.sip != 200:
        return "refused"
    if call.ends_after_s == inf:
        return "silent"
    return "machine" if call.machine else "person"


class TestRepeats:
    @given(seed=st.integers(), others=st.lists(st.integers(0, 50)), number=st.integers(0, 50))
    def test_the_order_of_others_makes_no_difference(self, seed: int, others: list[int], number: int):
        alone, busy = world(seed), world(seed)
        for other in others:
            if other != number:
                busy.called(phone(other), "t2", TEN)
        assert [alone.called(phone(number), "t1", TEN) for _ in range(3)] == [
            busy.called(phone(number), "t1", TEN) for _ in range(3)
        ]

    def test_another_seed_is_another_world(self):
        assert [world(1).called(phone(n), "t", TEN) for n in range(5)] != [
            world(2).called(phone(n), "t", TEN) for n in range(5)
        ]

    def test_the_second_call_goes_another_way(self):
        people = world()
        assert people.called(phone(1), "t", TEN) != people.called(phone(1), "t", TEN)

    def test_a_number_that_does_not_exist_never_will(self):
        people = world()
        vacant = [n for n in range(500) if people.called(phone(n), "t", TEN).sip in {404, 410, 484}]
        again = {people.called(phone(n), "t", TEN).sip for n in vacant for _ in range(5)}
        assert vacant
        assert again <= {404, 410, 484}


class TestRates:
    @pytest.mark.parametrize("hour", [9, 14, 19])
    def test_who_answers_depends_on_segment_and_local_hour(self, hour: int):
        at = datetime(2026, 11, 24, hour, tzinfo=ZONE).astimezone(UTC)
        people, live, calls = world(), Counter[str](), Counter[str]()
        for number in range(9000):
            calls[segment_of(phone(number))] += 1
            live[segment_of(phone(number))] += kind(people.called(phone(number), "t1", at)) == "person"
        for segment, rates in LIVE_RATES.items():
            assert live[segment] / calls[segment] == pytest.approx(rates[hour], abs=0.03), segment

    def test_of_the_others_42_percent_are_machines_and_42_silent(self):
        found = Counter(kind(call) for call in crowd())
        others = len(crowd()) - found["person"]
        shares = [found[name] / others for name in ("machine", "silent", "refused")]
        assert shares == pytest.approx([0.42, 0.42, 0.16], abs=0.02)

    def test_a_stranger_lives_in_the_same_world(self):
        people = world(segments=lambda _: None)
        live = sum(kind(people.called(phone(n), "t", TEN)) == "person" for n in range(4000))
        assert live / 4000 == pytest.approx(0.25, abs=0.03)

    @given(seed=st.integers(), low=st.floats(0, 0.4), more=st.floats(0, 0.4))
    def test_a_better_hour_never_takes_an_answer_away(self, seed: int, low: float, more: float):
        worse, better = (reply(Workload(), rate, Random(seed), vacant=False) for rate in (low, low + more))
        assert kind(worse) != "person" or worse == better


class TestDurations:
    def test_a_person_picks_up_after_two_plus_one_plus_twelve_seconds(self):
        assert mean(call.ends_after_s for call in persons()) == pytest.approx(15, abs=0.5)
        assert mean(call.rings_after_s or 0 for call in persons()) == pytest.approx(2, abs=0.1)

    def test_talk_is_short_for_a_third_and_three_minutes_for_the_rest(self):
        talks = [call.talk_s for call in persons()]
        assert mean(talks) == pytest.approx(0.35 * 20 + 0.65 * 180, rel=0.08)
        assert median(talks) == pytest.approx(75, rel=0.25)

    def test_a_quarter_of_the_machines_answers_without_ringing_the_others_after_21_s(self):
        machines = [call for call in crowd() if kind(call) == "machine"]
        at_once = [call for call in machines if call.rings_after_s is None]
        ringing = [call.ends_after_s - call.rings_after_s for call in machines if call.rings_after_s is not None]
        assert len(at_once) / len(machines) == pytest.approx(0.25, abs=0.03)
        assert mean(ringing) == pytest.approx(21, abs=0.5)

    def test_detection_errs_a_little(self):
        machines = [call for call in crowd() if kind(call) == "machine"]
        lost = mean(call.amd_status == "MACHINE" for call in persons())
        taken = mean(call.amd_status == "HUMAN" for call in machines)
        assert [lost, taken] == pytest.approx([0.03, 0.05], abs=0.015)

    def test_refusals_take_one_to_four_seconds_and_do_not_ring(self):
        refused = [call for call in crowd() if kind(call) == "refused"]
        assert all(1 <= call.ends_after_s <= 4 and call.rings_after_s is None for call in refused)
        assert {404, 486, 503} <= {call.sip for call in refused}


@given(seed=st.integers(), rate=st.floats(0, 0.8), vacant=st.booleans())
def test_every_life_is_in_order(seed: int, rate: float, vacant: bool):
    call = reply(Workload(), rate, Random(seed), vacant=vacant)
    rings = 0.0 if call.rings_after_s is None else call.rings_after_s
    assert 0 <= rings <= call.ends_after_s
    if kind(call) in {"person", "machine"}:
        assert isfinite(call.ends_after_s)
        assert min(call.amd_s, call.talk_s, call.patience_s) > 0
    assert not (vacant and call.sip == 200)
