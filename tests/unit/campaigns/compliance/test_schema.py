"""A file of profiles is right, or says what is wrong and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.compliance import parse_profiles
from campaigns.compliance.schema import content_hash
from dialer.types import ConfigError

GOOD = """
schema = 1
[uy]
version = "1"
match = { country = "UY" }
windows = ["mon-fri 09:00-18:00"]
caps = [{ on = "attempt", key = "debt", max = 2, per = "days:7", r = "UY-1" }]
"""


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_profiles(text, "uy.toml")
    return str(caught.value)


def test_a_good_file() -> None:
    profile = parse_profiles(GOOD, "uy.toml")["uy"]
    assert (profile.id, profile.version, profile.source) == ("uy", "1", "uy.toml")
    assert profile.rules.caps[0].channels == ("voice",)


@pytest.mark.parametrize(
    ("right", "written", "told"),
    [
        ("windows =", "window =", "uy.toml: [uy]: window: unknown key"),
        ("max = 2", "max = 2, most = 3", "uy.toml: [uy]: caps[0].most: unknown key"),
        ("max = 2", "max = 0", "caps[0].max: Input should be greater than or equal to 1"),
        ("max = 2", 'max = "2"', "caps[0].max: Input should be a valid integer"),
        ("days:7", "weekly", "caps[0].per: write rolling:168h"),
        ("max = 2", 'max = 2, gap = "2d"', "caps[0].gap: write whole hours such as 48h"),
        ('"attempt"', '"call"', "caps[0].on: Input should be 'attempt', 'contact' or 'conversation'"),
        ("mon-fri 09:00-18:00", "9-18", "'9-18' is not a window"),
        ('"UY"', '"Uruguay"', "match.country: write the two letters"),
        ('country = "UY"', 'subdiv = "MVD"', "match.subdiv: write the code of ISO 3166-2"),
        ('country = "UY"', 'mode = "any"', "name at least one of country"),
        ('version = "1"', "", "version: this key is required"),
        ("schema = 1", "schema = 2", "uy.toml: schema: this version reads"),
        ("schema = 1", "", "uy.toml: schema: this version reads"),
        ('match = { country = "UY" }', "", "[uy]: match: a profile must say whom it binds"),
        ("schema = 1", 'schema = 1\nauthor = "me"', "author: only profiles stand here"),
        ("[uy]", "[uy", "uy.toml: not valid TOML"),
        ('version = "1"', 'version = "1"\nholidays = { subdiv = "debtor" }', "holidays that block need a 'country'"),
        ('version = "1"', 'version = "1"\ncooldowns = [{after="machine", key="phone", for="soon", r="x"}]', "rolling"),
    ],
)
def test_a_mistake_is_told_by_its_place(right: str, written: str, told: str) -> None:
    assert told in wrong(GOOD.replace(right, written, 1))


def test_the_hash_is_of_what_is_decided_and_not_of_how_it_is_written() -> None:
    again = """
    schema = 1
    # the same
    [uy]
    caps = [{ r = "UY-1", per = "days:7", max = 2, key = "debt", on = "attempt" }]
    windows = [ "mon-fri 09:00-18:00" ]
    version = "1"
    [uy.match]
    country = "UY"
    [uy.about]
    title = "Uruguay"
    """
    first, second = (parse_profiles(text, "x.toml")["uy"].hash for text in (GOOD, again))
    assert first == second


@pytest.mark.parametrize(
    ("right", "written"), [("max = 2", "max = 3"), ("18:00", "18:30"), ("[uy]", "[uy2]"), ('"1"', '"2"')]
)
def test_whatever_decides_changes_the_hash(right: str, written: str) -> None:
    (changed,) = parse_profiles(GOOD.replace(right, written, 1), "x.toml").values()
    assert changed.hash != parse_profiles(GOOD, "x.toml")["uy"].hash


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=6))
def test_the_order_of_keys_is_nothing(table: dict[str, int]) -> None:
    assert content_hash("x", table) == content_hash("x", dict(reversed(table.items())))
