"""What DEMO_* may say, and what is told when it says something else."""

from __future__ import annotations

import pytest

from dialer.demo.settings import Settings, settings
from dialer.types import InputError


def test_without_a_word_it_is_a_minute_twenty_times_as_fast_in_spanish():
    assert settings({}) == Settings(seconds=60.0, speed=20.0, as_json=False, language="es")


def test_every_word_is_heard():
    told = {"DEMO_SECONDS": "12", "DEMO_SPEED": "5", "DEMO_JSON": "1", "LANG": "en_US.UTF-8"}
    assert settings(told) == Settings(12.0, 5.0, as_json=True, language="en")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEMO_SECONDS", "soon"),
        ("DEMO_SECONDS", "0"),
        ("DEMO_SECONDS", "inf"),
        ("DEMO_SECONDS", "99999"),
        ("DEMO_SPEED", "0.5"),
        ("DEMO_SPEED", "nan"),
        ("DEMO_SPEED", "-20"),
        ("DEMO_JSON", "perhaps"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_right(variable: str, value: str):
    with pytest.raises(InputError, match=f"{variable} = '{value}': give "):
        settings({variable: value})


@pytest.mark.parametrize(
    ("text", "switched_on"), [("1", True), ("true", True), ("", False), ("0", False), ("no", False)]
)
def test_a_switch_has_few_words(text: str, switched_on: bool):
    assert settings({"DEMO_JSON": text}).as_json is switched_on


@pytest.mark.parametrize(
    ("spoken", "language"),
    [
        ({"LANG": "es_AR.UTF-8"}, "es"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "es"),
        ({"LC_ALL": "es_AR.UTF-8", "LANG": "en_US.UTF-8"}, "es"),
    ],
)
def test_the_screen_speaks_as_the_terminal_does(spoken: dict[str, str], language: str):
    assert settings(spoken).language == language


def test_the_command_line_wins_over_the_environment():
    assert settings({"LANG": "en_US.UTF-8"}, "es").language == "es"
