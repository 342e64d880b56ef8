"""Which suppressions hold a call back: the number's, the person's, and all of the debts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.stops import BY_DISPOSITION, Callee, Stop, StopKind, blocks, held_back
from dialer.types import Refused

NOON = datetime(2026, 6, 2, 12, tzinfo=UTC)
ANA = Callee("+573001234567", 7, (70, 71))


def stops(*found: Stop) -> dict[str, list[Stop]]:
    return {stop.key: [other for other in found if other.key == stop.key] for stop in found}


def test_nobody_is_held_back_by_nothing():
    assert held_back({}, ANA) is None
    assert held_back({}, Callee("+573001234567", 7)) is None


@pytest.mark.parametrize("key", ["phone:+573001234567", "person:7"])
def test_the_number_or_the_person_is_enough(key: str):
    refused = held_back(stops(Stop(key, "cease_request")), ANA)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.until) == ("suppressed", None)
    assert f"cease_request on {key}" in refused.detail


def test_one_disputed_debt_leaves_the_other_to_talk_about():
    one = stops(Stop("debt:70", "dispute"))
    assert held_back(one, ANA) is None


def test_all_debts_disputed_is_no_call():
    both = stops(Stop("debt:70", "dispute"), Stop("debt:71", "hardship"))
    assert held_back(both, ANA) is not None


def test_a_call_may_be_made_again_when_the_last_stop_of_the_person_ends():
    later = stops(Stop("person:7", "hardship", NOON), Stop("phone:+573001234567", "internal", NOON + timedelta(days=1)))
    refused = held_back(later, ANA)
    assert refused is not None
    assert refused.until == NOON + timedelta(days=1)


def test_a_call_may_be_made_again_when_the_first_debt_is_free():
    refused = held_back(stops(Stop("debt:70", "dispute"), Stop("debt:71", "dispute", NOON)), ANA)
    assert refused is not None
    assert refused.until == NOON


def test_a_list_counts_where_a_profile_names_it_and_our_own_words_everywhere():
    listed = stops(Stop("phone:+573001234567", "br_pa"))
    assert held_back(listed, ANA, frozenset({"br_pa"})) is not None
    assert held_back(listed, ANA, frozenset()) is None
    assert held_back(listed, ANA, None) is not None
    assert all(blocks(kind, frozenset()) for kind in StopKind)


def test_what_agents_say_stops_the_number_the_person_or_the_debt():
    assert BY_DISPOSITION["wrong_party"] == (StopKind.WRONG_NUMBER, "phone")
    assert BY_DISPOSITION["fallecido"] == (StopKind.DECEASED, "person")
    assert BY_DISPOSITION["dispute"] == (StopKind.DISPUTE, "debt")
    assert "promise_to_pay" not in BY_DISPOSITION
