"""The cases in which dialers go wrong, by their number."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from campaigns.compliance import (
    Consent,
    Ended,
    Happening,
    Kind,
    Library,
    debt_key,
    ends,
    happenings,
    inbound_happenings,
    judge,
    library_versions,
    limits,
    needs_reserved_agent,
    person_key,
    phone_key,
)
from dialer.types import Outcome, Refused
from tests.unit.campaigns.compliance.office import RING_S, at, debtor, hours, judged, open_at, position, rules, tally

NEW_YORK = "America/New_York"
NOW = at(NEW_YORK, "2026-06-02 12:00")


def ended(outcome: Outcome | None, **facts: object) -> Ended:
    given = {
        "call_id": "c1",
        "phone": "+12125550123",
        "debtor_id": 7,
        "accounts": (71,),
        "placed_at": NOW,
        "ended_at": NOW + timedelta(minutes=3),
        "outcome": outcome,
        "answered": outcome in (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.EARLY_HANGUP),
        "joined": outcome is Outcome.ANSWERED,
    }
    return Ended(**(given | facts))  # type: ignore[arg-type]


def kinds(*, key: str = "person:7", counts: tuple[str, ...] = ("ring", "voicemail", "answer"), **facts: object) -> str:
    found = happenings(ended(**facts), counts)  # type: ignore[arg-type]
    return " ".join(sorted(h.kind.value for h in found if h.key == key))


def past(kind: Kind, key: str, *moments: datetime) -> list[Happening]:
    return [Happening(kind, key, moment, f"past{n}") for n, moment in enumerate(moments)]


def test_edge_case_01_window_end() -> None:
    subject = debtor("CO")
    closes = at("America/Bogota", "2026-06-06 15:00")
    last = closes - timedelta(seconds=RING_S + 10)
    assert open_at(subject, last)
    assert not open_at(subject, last + timedelta(milliseconds=1))
    assert not open_at(subject, closes)
    assert open_at(subject, at("America/Bogota", "2026-06-06 08:00"))


def test_edge_case_01_a_talk_may_run_past_the_close() -> None:
    assert position(debtor("CO"), NOW).rulebook.facts.close == "no_ring_after"


def test_edge_case_02_dst_the_hour_that_comes_twice_and_the_one_that_never_comes() -> None:
    subject = debtor("CL", "CL-RM")
    every_hour = Library.shipped().with_house({"own.toml": ALL_DAY.format(id="cl", country="CL")})
    assert open_at(subject, at("America/Santiago", "2026-04-04 23:30", fold=0), every_hour)
    assert open_at(subject, at("America/Santiago", "2026-04-04 23:30", fold=1), every_hour)
    assert not open_at(subject, datetime(2026, 9, 6, 3, 59, 50, tzinfo=UTC), every_hour)
    assert open_at(subject, datetime(2026, 9, 6, 4, tzinfo=UTC), every_hour)


ALL_DAY = """
schema = 1
[{id}]
version = "1"
match = {{ country = "{country}" }}
windows = ["mon-fri 00:00-24:00", "sat 00:00-23:45", "sun 01:00-24:00"]
"""


def test_edge_case_02_a_rolling_week_is_168_hours_across_a_change_of_the_clock() -> None:
    before = at(NEW_YORK, "2026-03-06 12:00")
    assert ends("rolling:168h", (NEW_YORK,), before) - before == timedelta(hours=168)


def test_edge_case_03_rolling_is_as_strict_as_days_but_in_a_week_of_169_hours() -> None:
    plain = at(NEW_YORK, "2026-06-01 00:00")
    autumn = at(NEW_YORK, "2026-10-27 00:00")
    assert ends("rolling:168h", (NEW_YORK,), plain) == ends("days:7", (NEW_YORK,), plain)
    assert ends("days:7", (NEW_YORK,), autumn) - ends("rolling:168h", (NEW_YORK,), autumn) == timedelta(hours=1)
    assert ends("rolling:169h", (NEW_YORK,), autumn) == ends("days:7", (NEW_YORK,), autumn)


def test_edge_case_04_caps_of_a_person_sum_over_their_phones_and_a_rest_is_the_phones_own() -> None:
    tried = past(Kind.ATTEMPT, person_key(7), *(NOW - timedelta(hours=h) for h in (2, 3, 4)))
    other_phone = debtor("US", "US-TX", phone="+12125550199")
    assert rules(judged(other_phone, NOW, tried)) == ["base.attempt.person.calendar:1d"]
    abandoned = past(Kind.ABANDONED, phone_key("+12125550123"), NOW - timedelta(hours=71))
    assert rules(judged(debtor("US", "US-NJ"), NOW, abandoned)) == ["base.abandoned.phone.rolling:72h"]
    assert judged(other_phone, NOW, abandoned).allowed


def test_edge_case_04_every_candidate_zone_must_be_open() -> None:
    moved = debtor("US", "US-CA")  # lives in California, a number of New York
    assert position(moved, NOW).zones == ("America/Los_Angeles", NEW_YORK)
    assert not open_at(moved, at(NEW_YORK, "2026-06-02 10:59"))
    assert open_at(moved, at(NEW_YORK, "2026-06-02 11:00"))
    assert not open_at(moved, at(NEW_YORK, "2026-06-02 21:00"))


def test_edge_case_04_zones_without_a_common_hour_are_never_dialled() -> None:
    far = debtor("AR", "AR-X", stated_zone="Asia/Tokyo")
    assert judged(far, NOW).until is None
    assert "outside_window" in rules(judged(far, NOW))


def test_edge_case_05_residence_number_and_agent_all_bind() -> None:
    abroad = debtor("AR", "AR-X", phone="+573001234567")
    assert position(abroad, NOW, agent_in="AR-C").rulebook.profiles == ("base", "ar", "ar_caba", "co")
    assert not open_at(abroad, at("America/Bogota", "2026-06-02 07:30"))  # Argentina: 09:30, Colombia: 07:30
    lives_in = position(debtor("AR", "AR-X"), NOW, agent_in="AR-B").rulebook.profiles
    assert lives_in == ("base", "ar")


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ({"outcome": Outcome.INVALID}, ""),
        ({"outcome": Outcome.FAILED}, ""),
        ({"outcome": Outcome.BUSY}, ""),
        ({"outcome": Outcome.BUSY, "counts": ("ring", "busy")}, "attempt"),
        ({"outcome": Outcome.CONGESTION}, ""),
        ({"outcome": Outcome.NO_ANSWER}, "attempt"),
        ({"outcome": Outcome.CANCELLED}, "attempt"),
        ({"outcome": Outcome.REJECTED}, "attempt"),
        ({"outcome": Outcome.MACHINE}, "attempt machine"),
        ({"outcome": Outcome.FAX}, "attempt"),
        ({"outcome": Outcome.SCREENED}, "attempt"),
        ({"outcome": Outcome.ANSWERED}, "attempt contact conversation"),
        ({"outcome": Outcome.ANSWERED, "disposition": "wrong_party"}, "attempt contact"),
        ({"outcome": Outcome.ANSWERED, "joined": False}, "abandoned attempt contact"),
        ({"outcome": Outcome.ABANDONED}, "abandoned attempt contact"),
        ({"outcome": Outcome.EARLY_HANGUP}, "attempt contact"),
        ({"outcome": Outcome.DROPPED}, "attempt"),
        ({"outcome": Outcome.DROPPED, "answered": True}, "abandoned attempt contact"),
        ({"outcome": Outcome.DROPPED, "answered": True, "joined": True}, "attempt contact conversation"),
        ({"outcome": Outcome.UNKNOWN}, "attempt"),
        ({"outcome": None}, "attempt"),
    ],
)
def test_edge_case_06_what_counts(facts: dict[str, object], left: str) -> None:
    assert kinds(**facts) == left  # type: ignore[arg-type]


def test_edge_case_06_a_call_from_the_debtor_is_a_conversation_and_no_attempt() -> None:
    found = inbound_happenings("i1", "+12125550123", 7, (71,), NOW, joined=True)
    assert {h.kind for h in found} == {Kind.CONTACT, Kind.CONVERSATION}
    assert inbound_happenings("i1", "+12125550123", 7, (71,), NOW, joined=False) == ()


def test_edge_case_07_a_call_under_way_holds_every_cap_it_may_use() -> None:
    under_way = happenings(ended(None))
    assert {h.key for h in under_way} == {phone_key("+12125550123"), person_key(7), debt_key(71)}
    assert all(h.kind is Kind.ATTEMPT and h.at == NOW for h in under_way)


def test_edge_case_08_one_dial_for_three_debts_uses_three_caps() -> None:
    three = debtor("US", "US-TX", accounts=(71, 72, 73))
    found = position(three, NOW)
    keys = [limit.key for limit in limits(found.rulebook, three, found.zones, NOW) if limit.rule == "US-03"]
    assert keys == [debt_key(71), debt_key(72), debt_key(73)]
    seven = past(Kind.ATTEMPT, debt_key(72), *(NOW - timedelta(days=d) for d in (0, 1, 2, 3, 4, 5, 6)))
    assert rules(judged(three, NOW, seven)) == ["US-03"]


def test_edge_case_08_only_debts_that_were_discussed_rest() -> None:
    spoke = happenings(ended(Outcome.ANSWERED, accounts=(71, 72), discussed=(72, 79)))
    assert {h.key for h in spoke if h.kind is Kind.CONVERSATION} >= {debt_key(72), debt_key(79)}
    assert debt_key(71) not in {h.key for h in spoke if h.kind is Kind.CONVERSATION}


def test_edge_case_09_what_the_debtor_asked_for_goes_before_frequency_inside_its_scope_and_time() -> None:
    spoke = past(Kind.CONVERSATION, debt_key(71), NOW - timedelta(days=2))

    def asked(**consent: object) -> list[str]:
        given = {"given_at": NOW - timedelta(days=2), "until": NOW + timedelta(days=60)} | consent
        return rules(judged(debtor("US", "US-TX", consent=Consent(**given)), NOW, spoke))  # type: ignore[arg-type]

    assert rules(judged(debtor("US", "US-TX"), NOW, spoke)) == ["US-04"]
    assert asked() == []
    assert asked(accounts=frozenset({72})) == ["US-04"]
    assert asked(until=NOW) == ["US-04"]


def test_edge_case_09_in_the_united_states_consent_ends_after_seven_days() -> None:
    given = NOW - timedelta(days=7)
    subject = debtor("US", "US-TX", consent=Consent(given, NOW + timedelta(days=60)))
    spoke = past(Kind.CONVERSATION, debt_key(71), NOW - timedelta(hours=1))
    assert rules(judged(subject, NOW, spoke)) == ["US-04"]
    assert judged(subject, NOW - timedelta(minutes=1), []).allowed


def test_edge_case_09_consent_never_goes_before_a_list() -> None:
    subject = debtor("US", "US-TX", lists=frozenset({"cease_request"}), consent=Consent(NOW, NOW + timedelta(days=1)))
    assert rules(judged(subject, NOW)) == ["suppressed"]


def test_edge_case_10_a_transfer_is_one_attempt_and_adds_the_debt_of_the_other_desk() -> None:
    left = happenings(ended(Outcome.ANSWERED, accounts=(71,), discussed=(71, 72)))
    attempts = [h.key for h in left if h.kind is Kind.ATTEMPT]
    assert sorted(attempts) == sorted([phone_key("+12125550123"), person_key(7), debt_key(71)])
    talks = [h.key for h in left if h.kind is Kind.CONVERSATION]
    assert sorted(talks) == sorted([phone_key("+12125550123"), person_key(7), debt_key(71), debt_key(72)])


def test_edge_case_11_limits_on_abandonment_add_up_each_with_its_own_denominator() -> None:
    canada = [
        (name, rule.max, rule.per, rule.over)
        for name, rule in position(debtor("CA", "CA-ON"), NOW).rulebook.facts.abandon
    ]
    assert canada == [("base", 0.03, "calendar:1d", "live"), ("ca", 0.05, "calendar:1mo", "placed")]


def test_edge_case_12_where_no_message_may_be_played_an_agent_is_held() -> None:
    states, britain = (position(debtor(country), NOW).rulebook.facts for country in ("US", "GB"))
    assert needs_reserved_agent(states, "+12125550123")  # it cannot be told from a mobile number
    assert not needs_reserved_agent(states, "+12125550123", consented=True)
    assert not needs_reserved_agent(states, "+18005550123")
    assert not needs_reserved_agent(britain, "+447400123456")


def test_edge_case_12_with_an_agent_held_the_rest_after_an_abandoned_call_is_lifted() -> None:
    subject = debtor("GB", "GB-ENG")
    abandoned = past(Kind.ABANDONED, phone_key(subject.phone), NOW - timedelta(hours=5))
    assert rules(judged(subject, NOW, abandoned)) == ["base.abandoned.phone.rolling:72h"]
    assert judged(subject, NOW, abandoned, agent_reserved=True).allowed


def test_edge_case_13_holidays_are_those_of_the_subdivision_on_the_local_date() -> None:
    andrew = at("Europe/London", "2026-11-30 12:00")
    assert not open_at(debtor("GB", "GB-SCT"), andrew)
    assert open_at(debtor("GB", "GB-ENG"), andrew)
    assert not open_at(debtor("GB"), andrew)


def test_edge_case_13_the_actual_day_and_the_observed_one_are_both_closed() -> None:
    england = debtor("GB", "GB-ENG")
    assert not open_at(england, at("Europe/London", "2026-12-26 12:00"))
    assert not open_at(england, at("Europe/London", "2026-12-28 12:00"))
    colombia = debtor("CO")
    assert not open_at(colombia, at("America/Bogota", "2026-01-06 12:00"))
    assert not open_at(colombia, at("America/Bogota", "2026-01-12 12:00"))


def test_edge_case_13_a_decree_that_comes_late_holds_with_the_next_library() -> None:
    now = at("America/Lima", "2026-06-02 10:00")
    text = (
        Library.shipped().profile("pe").text.replace('country = "PE", mode', 'country = "PE", add = [2026-06-02], mode')
    )
    assert open_at(debtor("PE"), now)
    assert not open_at(debtor("PE"), now, Library.shipped().with_house({"pe.toml": text}))


@pytest.mark.parametrize(
    ("subject", "rule"),
    [
        (debtor("DE"), "unknown_profile"),
        (debtor("", phone="+573001234567"), "unknown_profile"),
        (debtor("CO", phone="+999123456789"), "unknown_profile"),
        (debtor("CO", phone="+4915112345678"), "unknown_profile"),
        (debtor("CO", stated_zone="Nowhere/Land"), "unknown_zone"),
        (debtor("CO", stated_hours=("after lunch",)), "unknown_hours"),
        (debtor("US", phone="nonsense"), "unknown_profile"),
    ],
)
def test_edge_case_14_what_is_not_known_is_not_dialled(subject: object, rule: str) -> None:
    assert rules(judged(subject, NOW)) == [rule]  # type: ignore[arg-type]


def test_edge_case_14_an_unknown_subdivision_keeps_the_rules_of_each() -> None:
    somewhere = debtor("US", phone="+18005550123")
    assert {"us_ma", "us_wa", "us_dc"} <= set(position(somewhere, NOW).rulebook.profiles)
    carnival = at("America/Sao_Paulo", "2026-07-09 11:00")  # a holiday in Sao Paulo alone
    assert not open_at(debtor("BR", "BR-SP"), carnival)
    assert open_at(debtor("BR", "BR-MG", phone="+553132345678"), carnival)
    assert not open_at(debtor("BR", phone="+551132345678"), carnival)


def test_edge_case_14_counts_that_are_not_known_refuse() -> None:
    found = position(debtor("CO"), NOW)
    assert rules(judge(found, debtor("CO"), NOW, RING_S, None)) == ["ledger_unknown"]


def test_edge_case_14_a_decision_tells_profiles_zones_counters_and_versions() -> None:
    subject = debtor("CO")
    kept = judged(subject, NOW, past(Kind.ATTEMPT, person_key(7), NOW - timedelta(hours=2))).audit()
    profiles = [profile[0] for profile in kept["profiles"]]  # type: ignore[attr-defined]
    assert (profiles, kept["zones"]) == (["base", "co"], ["America/Bogota"])
    assert ["base.attempt.person.calendar:1d", "attempt", "person:7", 1, 3, "calendar:1d"] in kept["counters"]  # type: ignore[operator]
    assert set(library_versions()) == {"tzdata", "holidays", "phonenumbers"}


def test_edge_case_14_every_reason_is_told_and_the_moment_when_all_are_over() -> None:
    sunday = at("America/Bogota", "2026-06-14 12:00")
    subject = debtor("CO")
    spoke = past(Kind.CONVERSATION, person_key(7), sunday - timedelta(hours=1))
    answer = judged(subject, sunday, spoke)
    assert rules(answer) == ["outside_window", "CO-02"]
    assert answer.until == at("America/Bogota", "2026-06-16 07:00")  # Monday is the Sacred Heart
    assert isinstance(hours(subject, sunday), Refused)
    assert date(2026, 6, 15).weekday() == 0


def test_the_ledger_of_these_stories_counts_as_the_real_one() -> None:
    found = position(debtor("US", "US-TX"), NOW)
    seven = next(
        limit for limit in limits(found.rulebook, debtor("US", "US-TX"), found.zones, NOW) if limit.rule == "US-03"
    )
    moments = [NOW - timedelta(days=6 - d) for d in range(7)]
    assert tally(seven, past(Kind.ATTEMPT, debt_key(71), *moments), NOW).leaves == moments[0]
