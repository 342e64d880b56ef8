"""The table in docs/outcomes.md is what the code does: its rows are read from the document itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.outcomes import outcome_of_refusal
from dialer.types import Outcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "outcomes.md"
ROW = re.compile(r"^\| (?P<evidence>.+) \| `(?P<outcome>\w+)`.*\|$", re.MULTILINE)
CODES_AND_CAUSES = re.compile(r"([^()]*)\((?:causes? )?([\d, ]+)[^)]*\)")
"""SIP codes, then in brackets the causes Asterisk makes of them."""


def documented() -> list[tuple[str, int, Outcome]]:
    """Return every SIP code of the document with its cause and its outcome."""
    return [
        (code, int(cause), Outcome(row["outcome"]))
        for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))
        for codes, causes in CODES_AND_CAUSES.findall(row["evidence"])
        for code in re.findall(r"\b[4-6]\d\d\b", codes)
        for cause in re.findall(r"\d+", causes)
    ]


def test_the_document_is_read_as_it_is_meant():
    rows = documented()
    assert ("486", 17, Outcome.BUSY) in rows
    assert ("403", 21, Outcome.FAILED) in rows
    assert ("603", 21, Outcome.REJECTED) in rows
    assert len({code for code, _cause, _outcome in rows}) == 25


@pytest.mark.parametrize(("code", "cause", "outcome"), documented())
def test_a_documented_refusal_has_its_documented_outcome(code: str, cause: int, outcome: Outcome):
    assert outcome_of_refusal(cause, code) is outcome


def test_the_document_names_only_outcomes_there_are_and_the_code_none_it_does_not_name():
    named = {Outcome(row["outcome"]) for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))}
    refusals = {outcome_of_refusal(cause, None) for cause in range(128)}
    assert refusals <= named


@pytest.mark.parametrize("cause", [None, 0, 16, 41])
def test_a_cause_outside_the_table_is_our_failure(cause: int | None):
    assert outcome_of_refusal(cause, None) is Outcome.FAILED


def test_without_a_sip_code_a_refusal_counts_against_us():
    # The call log keeps no SIP code: better one try too few than one too many.
    assert outcome_of_refusal(21, None) is Outcome.REJECTED


@given(st.none() | st.integers(), st.none() | st.text())
def test_a_refusal_is_never_a_live_answer(cause: int | None, code: str | None):
    assert outcome_of_refusal(cause, code) not in (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.EARLY_HANGUP)
