"""One answer: the first reason, all the others, and the moment when all are over."""

from __future__ import annotations

import json
from datetime import timedelta

from campaigns.compliance import Happening, Kind, library_versions, person_key
from campaigns.compliance.subject import Terms
from dialer.config import Window
from dialer.types import Allowed, Refused
from tests.unit.campaigns.compliance.office import at, debtor, judged, open_at, position, rules

NOON = at("America/Bogota", "2026-06-02 12:00")


def test_a_call_that_nothing_forbids() -> None:
    answer = judged(debtor("CO"), NOON)
    assert (answer.allowed, answer.verdict, answer.until) == (True, Allowed(), NOON)


def test_the_person_comes_first_then_the_hour_then_the_counts() -> None:
    night = at("America/Bogota", "2026-06-02 22:00")
    spoke = [Happening(Kind.CONVERSATION, person_key(7), night - timedelta(hours=4), "c")]
    answer = judged(debtor("CO", lists=frozenset({"internal"}), party="third"), night, spoke)
    assert rules(answer) == ["suppressed", "third_party", "outside_window", "CO-02"]
    assert answer.until is None


def test_the_short_answer_waits_for_every_rule() -> None:
    saturday = at("America/Bogota", "2026-06-06 14:50")
    tried = [Happening(Kind.ATTEMPT, "phone:+573001234567", saturday - timedelta(minutes=n), f"c{n}") for n in (5, 9)]
    answer = judged(debtor("CO"), saturday, tried)
    assert [refusal.until for refusal in answer.refusals] == [saturday + timedelta(minutes=51)]
    assert answer.verdict == Refused(
        "base.attempt.phone.rolling:1h",
        "2 of 2 attempt at phone:+573001234567 in rolling:1h",
        at("America/Bogota", "2026-06-09 07:00"),
    )


def test_a_list_that_the_profiles_do_not_name_is_not_theirs() -> None:
    assert judged(debtor("CO", lists=frozenset({"br_pa"})), NOON).allowed


def test_the_campaign_and_the_segment_may_only_be_stricter() -> None:
    own = Terms.of((Window.parse("mon-fri 10:00-23:00"),), (Window.parse("tue 11:00-12:30"),)).hours
    times = [at("America/Bogota", f"2026-06-02 {hour}") for hour in ("10:30", "11:30", "12:40", "19:30")]
    assert [open_at(debtor("CO"), now, hours=own) for now in times] == [False, True, False, False]


def test_a_refused_position_is_the_answer() -> None:
    answer = judged(debtor("ZZ", phone="+573001234567"), NOON)
    assert (rules(answer), answer.until) == (["unknown_profile"], None)


def test_the_audit_is_plain() -> None:
    kept = json.loads(json.dumps(judged(debtor("CO"), at("America/Bogota", "2026-06-07 12:00")).audit()))
    assert kept["allowed"] is False
    assert kept["refusals"][0][0] == "outside_window"
    assert kept["rulebook"] == position(debtor("CO"), NOON).rulebook.hash


def test_the_versions_of_what_the_answer_rests_on() -> None:
    assert all(version[0].isdigit() for version in library_versions().values())
