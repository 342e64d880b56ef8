"""What comes with a disposition is kept in the books, or refused with what to say instead."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns.callbacks import Callbacks
from campaigns.promises import Promises
from dialer.config import CallbackConfig
from dialer.engine.books import Books
from dialer.engine.lane import Lane
from dialer.engine.promising import Promising
from dialer.pacing import Pacer, PacingPolicy
from dialer.types import InputError
from tests.unit.engine.desk import NOON, HandClock, a_campaign
from tests.unit.script import a_record


class PaperCallbacks(Callbacks):
    """Callbacks on paper."""

    def __init__(self) -> None:
        self.made: list[tuple[datetime, CallbackConfig, dict[str, Any]]] = []

    async def make(self, call_id: str, due_at: datetime, now: datetime, config: CallbackConfig, **facts: Any) -> None:
        self.made.append((due_at, config, facts))


class PaperPromises(Promises):
    """Promises on paper."""

    def __init__(self) -> None:
        self.made: list[tuple[date, dict[str, Any]]] = []

    async def make(self, call_id: str, due_on: date, now: datetime, **facts: Any) -> None:
        self.made.append((due_on, facts))


class Paper(Books):
    """Books on paper."""

    callbacks: PaperCallbacks
    promises: PaperPromises

    def __init__(self) -> None:
        self.callbacks = PaperCallbacks()
        self.promises = PaperPromises()


@pytest.fixture
def paper() -> Paper:
    return Paper()


async def disposed(paper: Paper, code: str, **payload: Any) -> None:
    campaign = a_campaign(callbacks={"without_time": "2h"})
    lane = Lane(1, "key", campaign, "a1", Pacer(PacingPolicy(mode="progressive")))
    record = a_record(campaign=campaign.name)
    await Promising(HandClock(), paper, lambda: [lane]).keep("ana", record, code, payload)


async def test_a_callback_is_promised_for_its_time_and_by_its_agent(paper: Paper):
    await disposed(paper, "callback", at="2026-12-02T15:00:00-03:00", mine=True, note="ask for Ana")
    ((at, config, facts),) = paper.callbacks.made
    assert at == datetime.fromisoformat("2026-12-02T18:00:00+00:00")
    assert config.without_time == timedelta(hours=2)
    assert facts == {"agent": "ana", "by": "ana", "note": "ask for Ana"}


async def test_without_a_time_ones_own_callback_waits_as_the_campaign_says(paper: Paper):
    await disposed(paper, "callback", mine=True)
    assert paper.callbacks.made[0][0] == NOON + timedelta(hours=2)


async def test_for_anyone_and_no_time_the_outcome_itself_promises_it(paper: Paper):
    await disposed(paper, "callback")
    assert paper.callbacks.made == []


async def test_a_payment_is_promised_with_day_amount_and_debt(paper: Paper):
    await disposed(paper, "promise", day="2026-12-05", amount="1500.5", debt="12")
    facts = {"amount": Decimal("1500.50"), "account_id": 12, "agent": "ana"}
    assert paper.promises.made == [(date(2026, 12, 5), facts)]


async def test_a_promise_without_a_day_is_a_word_only(paper: Paper):
    await disposed(paper, "promise")
    assert paper.promises.made == []


@pytest.mark.parametrize(
    ("code", "payload", "said"),
    [
        (
            "refusal",
            {"at": "2026-12-02T15:00:00-03:00"},
            "'at' belongs to the disposition 'callback', not to 'refusal'",
        ),
        ("callback", {"day": "2026-12-05"}, "'day' belongs to the disposition 'promise'"),
        ("callback", {"at": "tomorrow"}, "'tomorrow' is not a moment with its zone"),
        ("promise", {"day": "5/12/2026"}, "'5/12/2026' is not a day such as"),
        ("promise", {"amount": "100"}, "a promise to pay needs its day"),
        ("promise", {"day": "2026-12-05", "amount": "1.005"}, r"'1\.005' is not an amount"),
        ("promise", {"day": "2026-12-05", "amount": "-3"}, "'-3' is not an amount"),
        ("promise", {"day": "2026-12-05", "amount": "NaN"}, "'NaN' is not an amount"),
        ("promise", {"day": "2026-12-05", "debt": "x"}, "'x' is not the number of a debt"),
    ],
)
async def test_what_cannot_be_is_refused(paper: Paper, code: str, payload: dict[str, Any], said: str):
    with pytest.raises(InputError, match=said):
        await disposed(paper, code, **payload)
    assert paper.callbacks.made == []
    assert paper.promises.made == []
