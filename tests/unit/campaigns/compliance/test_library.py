"""The house may replace and add; whatever cannot be obeyed is told when it is loaded."""

from __future__ import annotations

from datetime import date

import pytest

from campaigns.compliance import Library, Place, Rulebook
from dialer.types import ConfigError, Refused
from tests.unit.campaigns.compliance.office import at, debtor, open_at, position

URUGUAY = """
schema = 1
[uy]
version = "1"
match = { country = "UY" }
windows = ["mon-fri 09:00-18:00"]
holidays = { country = "UY" }
"""
NOON = at("America/Montevideo", "2026-06-02 12:00")
TODAY = date(2026, 6, 2)


def house(*texts: str) -> Library:
    return Library.shipped().with_house({f"own{n}.toml": text for n, text in enumerate(texts)})


def refused(*texts: str) -> str:
    with pytest.raises(ConfigError) as caught:
        house(*texts)
    return str(caught.value)


def colombia(change: str, into: str) -> str:
    text = Library.shipped().profile("co").text
    assert change in text
    return text.replace(change, into)


def test_a_country_of_the_house() -> None:
    subject = debtor("UY", phone="+59829012345")
    assert isinstance(Library.shipped().rulebook(Place(country="UY", phone_country="UY"), TODAY), Refused)
    assert position(subject, NOON, house(URUGUAY)).rulebook.profiles == ("base", "uy")
    assert open_at(subject, NOON, house(URUGUAY))


def test_a_profile_of_the_house_takes_the_place_of_the_shipped_one() -> None:
    later = house(colombia("sat 08:00-15:00", "sat 08:00-13:00"))
    saturday = at("America/Bogota", "2026-06-06 14:00")
    assert open_at(debtor("CO"), saturday)
    assert not open_at(debtor("CO"), saturday, later)
    assert later.profile("co").hash != Library.shipped().profile("co").hash
    assert later.profile("co").source == "own0.toml"


def test_the_shipped_ones_are_read_once() -> None:
    assert Library.shipped() is Library.shipped()


def test_an_unknown_profile_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="unknown profile 'zz'; known: base, ar"):
        Library.shipped().profile("zz")


def test_a_profile_in_two_files_is_an_error() -> None:
    assert "[uy] stands in own0.toml as well" in refused(URUGUAY, URUGUAY)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('windows = ["mon-fri 09:00-18:00"]\nring = { min_s = 50 }', "ring for 50 s at least and 45 s at most"),
        ("retain = { recording_min_days = 9, recording_max_days = 8 }", "recordings 9 days at least and 8 at most"),
    ],
)
def test_what_nobody_could_obey_is_told_when_it_is_loaded(change: str, told: str) -> None:
    message = refused(URUGUAY.replace('windows = ["mon-fri 09:00-18:00"]', change))
    assert "profiles base and uy contradict each other" in message
    assert told in message


def test_hours_without_a_common_minute_are_told_when_they_are_loaded() -> None:
    city = '[uy_mo]\nversion = "1"\nmatch = { subdiv = "UY-MO" }\nwindows = ["sat 09:00-12:00"]\n'
    assert "base and uy and uy_mo contradict each other: no minute of the week" in refused(URUGUAY + city)


def test_holidays_nobody_knows_are_told_when_they_are_loaded() -> None:
    assert "[uy]: holidays: QQ" in refused(
        URUGUAY.replace('holidays = { country = "UY" }', 'holidays = { country = "QQ" }')
    )


def test_profiles_of_two_countries_may_contradict_each_other_and_then_nobody_is_called() -> None:
    met = Library.shipped().rulebook(
        Place(country="IE", phone_country="US", phone_subdivision="US-TX", locality="Cork"), TODAY
    )
    assert isinstance(met, Refused)
    assert (met.rule, "1095 days at least" in met.detail) == ("contradictory_profiles", True)


def test_one_place_has_one_rulebook_and_another_place_another() -> None:
    def book(**facts: str) -> Rulebook:
        found = Library.shipped().rulebook(Place(**({"country": "BR", "phone_country": "BR"} | facts)), TODAY)
        assert isinstance(found, Rulebook)
        return found

    assert book(subdivision="BR-SP", locality="Santos") is book(subdivision="BR-SP", locality="Campinas")
    assert book(subdivision="BR-SP").hash != book(subdivision="BR-MG").hash  # their holidays differ


def test_a_country_without_hours_has_no_profile() -> None:
    missing = Library.shipped().rulebook(Place(country="FR", phone_country="FR"), TODAY)
    assert missing == Refused("unknown_profile", "no profile for FR; write one in compliance.directory")


def test_without_first_days_the_date_of_the_debtor_is_not_asked() -> None:
    undated = Library({name: p for name, p in Library.shipped().profiles.items() if name != "us_nyc"})
    assert position(debtor("CO"), NOON, undated).rulebook.profiles == ("base", "co")


def test_a_contradiction_may_begin_on_a_day_of_the_debtors() -> None:
    dated = URUGUAY.replace("[uy]", "[uy_later]").replace('country = "UY" }', 'subdiv = "IE-D", from = 2026-06-02 }', 1)
    dated = dated.replace('holidays = { country = "UY" }', "retain = { recording_min_days = 400 }")
    with pytest.raises(ConfigError, match="eu and ie and uy_later contradict"):
        house(dated)
