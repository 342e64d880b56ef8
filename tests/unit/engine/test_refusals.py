"""Decisions not to call reach the audit, and wait in order while the database is away."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from campaigns.audit import Decision
from dialer.engine import refusals as refusals_module
from dialer.engine.refusals import Refusals
from dialer.types import Unavailable
from tests.unit.engine.desk import NOON


def a_decision(number: int) -> Decision:
    return Decision(NOON, f"t{number}", 1, number, number, "+54911", "outside_window")


class Shelf:
    def __init__(self) -> None:
        self.kept: list[str] = []
        self.away = False

    async def record(self, decisions: Sequence[Decision]) -> None:
        if self.away:
            raise Unavailable("away")
        self.kept += [decision.call_id for decision in decisions]


async def test_decisions_are_written_in_their_order():
    shelf = Shelf()
    refusals = Refusals(shelf.record)
    refusals.keep(a_decision(1))
    shelf.away = True
    with pytest.raises(Unavailable):
        await refusals.flush()
    refusals.keep(a_decision(2))
    shelf.away = False
    await refusals.flush()
    assert shelf.kept == ["t1", "t2"]


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refusals_module, "MOST", 1)
    shelf = Shelf()
    refusals = Refusals(shelf.record)
    refusals.keep(a_decision(1))
    refusals.keep(a_decision(2))
    await refusals.flush()
    assert shelf.kept == ["t1"]
