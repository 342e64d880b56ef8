"""Of two demands the stricter holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campaigns.compliance import Facts, Kind, Library, Rulebook, parse_profiles
from campaigns.compliance.rulebook import Rule, merged

FIRST = """
schema = 1
[one]
version = "1"
match = { country = "UY" }
{0}
[two]
version = "1"
match = { country = "UY" }
{1}
"""


def book(one: str, two: str) -> Rulebook:
    text = FIRST.replace("{0}", one).replace("{1}", two)
    return merged(list(parse_profiles(text, "x.toml").values()), lambda _: ())


@pytest.mark.parametrize(
    ("one", "two", "fact", "stricter"),
    [
        ("ring = { min_s = 15 }", "ring = { min_s = 20 }", "ring_min_s", 20),
        ("ring = { max_s = 45 }", "ring = { max_s = 40 }", "ring_max_s", 40),
        (
            'connect = { within_s = 2, from = "greeting_end" }',
            'connect = { within_s = 3, from = "answer" }',
            "connect_within_s",
            2,
        ),
        (
            'connect = { within_s = 2, from = "greeting_end" }',
            'connect = { within_s = 3, from = "answer" }',
            "connect_from",
            "answer",
        ),
        (
            'close = { rule = "no_talk_after" }',
            'close = { rule = "no_ring_after", guard_s = 10 }',
            "close",
            "no_talk_after",
        ),
        ('close = { rule = "no_talk_after" }', 'close = { rule = "no_ring_after", guard_s = 10 }', "guard_s", 10),
        ("retain = { log_min_days = 10 }", "retain = { log_min_days = 20 }", "log_min_days", 20),
        ("retain = { recording_max_days = 10 }", "retain = { recording_max_days = 20 }", "recording_max_days", 10),
        ('dnc = ["a"]', 'dnc = ["b"]', "dnc", {"a", "b"}),
        ('third_party = "allow"', 'third_party = "block"', "third_party_blocked", True),
        ('attempt_counts = ["ring"]', 'attempt_counts = ["busy"]', "attempt_counts", {"ring", "busy"}),
        ("extra = { min_days_overdue = 3 }", "extra = { min_days_overdue = 16 }", "min_days_overdue", 16),
        (
            'extra = { wait_after_notice = "days:6" }',
            'extra = { wait_after_notice = "days:9" }',
            "wait_after_notice",
            "days:9",
        ),
        ("extra = { consent_days = 7 }", "extra = { consent_days = 30 }", "consent_days", 7),
        ('caller_id = { in_list = "a" }', 'caller_id = { in_list = "b" }', "caller_id_lists", {"a", "b"}),
        (
            'recording = { notice = "all_party" }',
            'recording = { notice = "before_record" }',
            "recording_notices",
            {"all_party", "before_record"},
        ),
        ('recording = { pause_on = ["a"] }', 'recording = { pause_on = ["b"] }', "pause_recording_on", {"a", "b"}),
    ],
)
def test_the_stricter_holds_whoever_says_it(one: str, two: str, fact: str, stricter: Any) -> None:
    facts: tuple[Facts, Facts] = (book(one, two).facts, book(two, one).facts)
    assert [getattr(found, fact) for found in facts] == [stricter, stricter]


CAP = '{{ on = "{on}", key = "debt", max = {n}, per = "days:7", channels = {channels}, r = "X-1" }}'


def caps(on: str = "attempt", n: int = 2, channels: str = '"all"', extra: str = "") -> str:
    return "caps = [" + CAP.format(on=on, n=n, channels=channels).replace(" }", f"{extra} }}") + "]"


def test_every_cap_holds_and_the_same_one_once() -> None:
    assert [rule.most for rule in book(caps(n=2), caps(n=3)).rules] == [2, 3]
    assert len(book(caps(), caps()).rules) == 1


@pytest.mark.parametrize(("channels", "ours"), [('"all"', 1), ('["voice", "text"]', 1), ('["text", "email"]', 0)])
def test_only_caps_on_calls_are_ours(channels: str, ours: int) -> None:
    assert len(book(caps(channels=channels), "").rules) == ours


def test_a_gap_is_a_cap_of_one() -> None:
    assert book(caps(extra=', gap = "48h"'), "").rules[1] == Rule("X-1.gap", Kind.ATTEMPT, "debt", 1, "rolling:48h")


def test_hours_of_a_rest_are_rolling_hours() -> None:
    rest = 'cooldowns = [{ after = "abandoned", key = "phone", for = "72h", unless = "agent_reserved", r = "X-2" }]'
    assert book(rest, "").rules == (Rule("X-2", Kind.ABANDONED, "phone", 1, "rolling:72h", "agent_reserved"),)


def test_abandonment_limits_add_up() -> None:
    limit = 'abandon = { max = 0.03, per = "calendar:1d", message = "required", r = "X" }'
    facts = book(limit, limit.replace('"required"', '"consent_if_wireless"')).facts
    assert [name for name, _ in facts.abandon] == ["one", "two"]
    assert (facts.message_required, facts.message_needs_consent_on_wireless) == (True, True)


@pytest.mark.parametrize(("rule", "needed"), [("no_dial_after", 10), ("no_ring_after", 38), ("no_talk_after", 38)])
def test_how_long_before_the_close_the_last_call_goes_out(rule: str, needed: float) -> None:
    assert book(f'close = {{ rule = "{rule}", guard_s = 10 }}', "").needed_s(28) == needed


def test_the_text_of_a_rulebook_holds_every_rule() -> None:
    kept = json.loads(book(caps(), "").text)
    assert kept["profiles"][0]["rules"]["caps"][0]["max"] == 2


def test_the_rules_of_a_country_are_those_of_its_profiles() -> None:
    assert Library.shipped().profile("co").rules.cooldowns[0].lasts == "calendar:1d"
