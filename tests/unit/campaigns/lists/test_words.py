"""Words of three languages mean one thing; an unknown word is refused, never guessed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from campaigns.lists import words
from campaigns.lists.cells import Unusable


@pytest.mark.parametrize(
    ("text", "value"), [("Sí", True), ("x", True), ("1", True), ("SIM", True), ("no", False), ("", False)]
)
def test_yes_and_no(text: str, value: bool):
    assert words.yes(text, "dispute") is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Titular", "first"),
        ("codeudor", "first"),
        ("Fiador", "first"),
        ("TERCERO", "third"),
        ("cónyuge", "third"),
        ("", "first"),
    ],
)
def test_who_owes_the_debt(text: str, value: str):
    assert words.party(text) == value


def test_languages_countries_currencies():
    assert [words.language(each) for each in ("Español", "en", "Português", "")] == ["es", "en", "pt", ""]
    assert [words.country(each) for each in ("Argentina", "mx", "Perú", "")] == ["AR", "MX", "PE", ""]
    assert [words.currency(each) for each in ("cop", "R$", "dólares", "")] == ["COP", "BRL", "USD", None]


@pytest.mark.parametrize(
    ("read", "text"),
    [(words.party, "primo"), (words.language, "fr"), (words.country, "Narnia"), (words.currency, "pesos")],
)
def test_an_unknown_word_is_refused(read: Callable[[str], object], text: str):
    with pytest.raises(Unusable):
        read(text)


def test_a_flag_that_is_neither_yes_nor_no_is_refused():
    with pytest.raises(Unusable, match="neither yes nor no"):
        words.yes("2024", "deceased")
