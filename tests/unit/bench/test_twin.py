"""The far end of a bench writes down every call."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from dialer.bench.twin import Note, Witness, read_notes
from dialer.simulation.numbers import Numbers

NOW = datetime(2026, 11, 24, 13, tzinfo=UTC)


def test_each_call_is_noted_with_what_becomes_of_it():
    notes = io.StringIO()
    witness = Witness(Numbers(), notes)
    for number in ("+5411201", "+5411486", "+5411180"):
        witness.called(number, "t1", NOW)
    assert read_notes(notes.getvalue().splitlines(keepends=True)) == [
        Note("+5411201", NOW.timestamp(), answers=True),
        Note("+5411486", NOW.timestamp(), answers=False),
        Note("+5411180", NOW.timestamp(), answers=False),
    ]


def test_a_line_that_is_being_written_does_not_count():
    assert read_notes(["+5411201 1.000 1\n", "+54112"]) == [Note("+5411201", 1.0, answers=True)]
