"""Both languages say the same things, and everything the product can say has a word."""

from __future__ import annotations

import string

import pytest

from dialer.call import Stage
from dialer.demo.views import STEPS
from dialer.demo.words import WORDS, number, percent
from dialer.routing import AgentState
from dialer.types import Outcome


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_words_with_the_same_gaps():
    spanish, english = WORDS["es"], WORDS["en"]
    assert spanish.keys() == english.keys()
    assert [name for name in spanish if gaps(spanish[name]) != gaps(english[name])] == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_state_stage_outcome_and_step_has_a_word(language: str):
    said = {*(state.value for state in AgentState), *(outcome.value for outcome in Outcome), *STEPS}
    said |= {stage.value for stage in Stage if stage is not Stage.ENDED}
    assert said - WORDS[language].keys() == set()  # type: ignore[index]


def test_numbers_are_written_as_the_language_does():
    assert (number(1234.5, 1, "es"), number(1234.5, 1, "en")) == ("1.234,5", "1,234.5")
    assert (percent(0.0254, "es"), percent(None, "en"), percent(0.03, "en", 0)) == ("2,5 %", "-", "3 %")
