"""The engine answers about people: who leaves the queues, and why somebody is not called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.explanations import Explanation
from dialer.clock import SystemClock
from dialer.engine.answers import Answers
from dialer.types import InputError


class Queues:
    def __init__(self) -> None:
        self.waiting = {7: 2, 8: 1}

    async def remove_debtor(self, debtor_id: int) -> int:
        return self.waiting.pop(debtor_id, 0)


class Asked:
    def __init__(self) -> None:
        self.questions: list[tuple[str, str, bool]] = []
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    async def why(self, campaign: str, who: str, at: datetime, *, by_ledger: bool = False) -> list[Explanation]:
        self.questions.append((campaign, who, by_ledger))
        self.at = at
        return []


async def test_suppressed_people_leave_every_queue():
    queues = Queues()
    answers = Answers(SystemClock(), queues, Asked)
    assert await answers.suppressed({"debtors": [7, 9]}) == {"removed": 2}
    assert queues.waiting == {8: 1}
    with pytest.raises(InputError):
        await answers.suppressed({"debtors": ["ana"]})


async def test_this_moment_is_counted_by_the_ledger_and_any_other_by_the_books():
    asked = Asked()
    answers = Answers(SystemClock(), Queues(), lambda: asked)
    assert await answers.why({"campaign": "spring", "who": "ana"}) == {"explanations": []}
    await answers.why({"campaign": "spring", "who": "ana", "at": "2026-06-02T10:00:00-05:00"})
    assert asked.questions == [("spring", "ana", True), ("spring", "ana", False)]
    assert asked.at == datetime(2026, 6, 2, 15, tzinfo=UTC)
