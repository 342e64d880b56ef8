"""Caps and rests of one call: what the ledger is asked, and what the answers add up to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.compliance import Happening, Kind, Library, debt_key, keys, limits, person_key, phone_key
from tests.unit.campaigns.compliance.office import at, debtor, judged, position, tally

NOW = at("America/New_York", "2026-06-02 12:00")

HOUSE = """
schema = 1
[pe]
version = "1"
match = { country = "PE" }
windows = ["mon-sun 00:00-24:00"]
caps = [
    { on = "attempt", key = "person", max = 4, per = "days:2", r = "A" },
    { on = "contact", key = "debt", max = 2, per = "rolling:30h", r = "B" },
]
cooldowns = [{ after = "conversation", key = "debt", for = "calendar:1d", r = "C" }]
"""
LIBRARY = Library.shipped().with_house({"pe.toml": HOUSE})
LIMA = ZoneInfo("America/Lima")
PERU = debtor("PE", accounts=(71, 72))


def by_the_book(past: list[Happening], now: datetime) -> set[str]:
    """Return the rules that refuse, each counted as its sentence says."""
    today = now.astimezone(LIMA).date()

    def at_key(kind: Kind, key: str) -> list[datetime]:
        return [h.at for h in past if h.kind is kind and h.key == key]

    def age(moment: datetime) -> int:
        return (today - moment.astimezone(LIMA).date()).days

    tried, phoned = at_key(Kind.ATTEMPT, "person:7"), at_key(Kind.ATTEMPT, phone_key(PERU.phone))
    refused = {"A"} if sum(age(m) < 2 for m in tried) >= 4 else set()
    refused |= {"base.attempt.person.calendar:1d"} if sum(age(m) == 0 for m in tried) >= 3 else set()
    refused |= {"base.attempt.phone.rolling:1h"} if sum(now - m < timedelta(hours=1) for m in phoned) >= 2 else set()
    for debt in (71, 72):
        contacts, talks = at_key(Kind.CONTACT, f"debt:{debt}"), at_key(Kind.CONVERSATION, f"debt:{debt}")
        refused |= {"B"} if sum(now - m < timedelta(hours=30) for m in contacts) >= 2 else set()
        refused |= {"C"} if any(age(m) == 0 for m in talks) else set()
    return refused


KEYS = ("person:7", phone_key(PERU.phone), "debt:71", "debt:72")
moments = st.integers(0, 60 * 72)
events = st.lists(
    st.tuples(st.sampled_from([Kind.ATTEMPT, Kind.CONTACT, Kind.CONVERSATION]), st.sampled_from(KEYS), moments),
    max_size=14,
)


@settings(max_examples=600, deadline=None)
@given(events, st.integers(0, 1440))
def test_counts_agree_with_the_sentence_of_each_rule(drawn: list[tuple[Kind, str, int]], minute: int) -> None:
    now = datetime(2026, 6, 2, 5, 30, tzinfo=UTC) + timedelta(minutes=minute)
    past = [Happening(kind, key, now - timedelta(minutes=ago), f"c{n}") for n, (kind, key, ago) in enumerate(drawn)]
    answer = judged(PERU, now, past, LIBRARY)
    assert {refusal.rule for refusal in answer.refusals} - {"outside_window"} == by_the_book(past, now)


@settings(max_examples=100, deadline=None)
@given(events, st.integers(0, 1200))
def test_the_moment_it_names_is_the_first_at_which_nothing_refuses(
    drawn: list[tuple[Kind, str, int]], minute: int
) -> None:
    now = datetime(2026, 6, 2, 5, 30, tzinfo=UTC) + timedelta(minutes=minute)
    past = [Happening(kind, key, now - timedelta(minutes=ago), f"c{n}") for n, (kind, key, ago) in enumerate(drawn)]
    until = judged(PERU, now, past, LIBRARY).until
    assert until is not None
    assert judged(PERU, until, past, LIBRARY).allowed
    assert not any(by_the_book(past, now + (until - now) * n / 40) == set() for n in range(40) if until > now)


def test_one_dial_counts_at_the_phone_the_person_and_every_debt() -> None:
    assert keys(debtor("US", accounts=(71, 72))) == (
        phone_key("+12125550123"),
        person_key(7),
        debt_key(71),
        debt_key(72),
    )


def test_without_a_known_debt_the_person_is_one() -> None:
    nobody = debtor("US", "US-TX", accounts=())
    found = position(nobody, NOW)
    assert {limit.key for limit in limits(found.rulebook, nobody, found.zones, NOW) if limit.rule == "US-03"} == {
        person_key(7)
    }


def test_an_agent_held_lifts_the_rests_that_say_so_and_no_other() -> None:
    subject = debtor("US", "US-TX")
    found = position(subject, NOW)
    asked = [
        {limit.rule for limit in limits(found.rulebook, subject, found.zones, NOW, agent_reserved=held)}
        for held in (False, True)
    ]
    assert asked[0] - asked[1] == {"base.abandoned.phone.rolling:72h", "base.machine.phone.calendar:1d"}


def test_the_ledger_is_asked_from_the_first_instant_that_counts() -> None:
    subject = debtor("US", "US-TX")
    found = position(subject, NOW)
    since = {limit.rule: limit.since for limit in limits(found.rulebook, subject, found.zones, NOW)}
    assert since["US-03"] == at("America/New_York", "2026-05-27 00:00")  # the earliest of the possible clocks
    assert since["base.attempt.phone.rolling:1h"] == NOW - timedelta(hours=1) + timedelta(microseconds=1)


def test_what_happened_exactly_an_hour_ago_is_over() -> None:
    subject = debtor("PE")
    found = position(subject, NOW, LIBRARY)
    (cap,) = [limit for limit in limits(found.rulebook, subject, found.zones, NOW) if "rolling:1h" in limit.rule]
    ago = [Happening(Kind.ATTEMPT, cap.key, NOW - timedelta(hours=1), "c")]
    assert tally(cap, ago, NOW).count == 0
