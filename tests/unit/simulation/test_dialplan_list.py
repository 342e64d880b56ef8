"""The dialplan as the manager interface shows it."""

from __future__ import annotations

import pytest

from dialer.simulation.dialplan_list import show_dialplan
from dialer.simulation.node import Refused
from tests.unit.simulation.counter import Counter
from tests.unit.simulation.test_questions import asked


def test_a_context_is_listed_step_by_step_with_its_labels():
    rows = asked(show_dialplan, Counter(), Context="dialer-join")
    steps, end = rows[1:-1], rows[-1]
    assert [row["Priority"] for row in steps] == [str(number) for number in range(1, 13)]
    assert (steps[6]["ExtensionLabel"], steps[6]["Application"]) == ("bridge", "Bridge")
    assert steps[0]["AppData"] == '$["${DIALER_ABANDONED}" = "1"]?refused'
    assert (end["ListPriorities"], end["ListContexts"]) == ("12", "1")


def test_one_extension_of_several():
    rows = asked(show_dialplan, Counter(), Context="dialer-abandon", Extension="T")
    assert [row["AppData"] for row in rows[1:-1]] == ["s,end"]


def test_a_context_that_is_not_there_is_told():
    with pytest.raises(Refused, match="Did not find context nothing"):
        asked(show_dialplan, Counter(), Context="nothing")
