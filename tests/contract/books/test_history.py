"""What a campaign lived through is read as pacing understands it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from campaigns.history import History, HourRate, history
from dialer.pacing.prior import PastCall, PastTalk
from dialer.store import Store
from dialer.types import Outcome
from tests.books import NOW, Desk, OnSqlite


async def lived(desk: Desk, *outcomes: Outcome, **facts: Any) -> History:
    """Let one debtor after the other be called with these outcomes; return the campaign's history."""
    for place, _ in enumerate(outcomes):
        await desk.list_debtor(f"d{place}", f"+5730000{place}")
    for lead, outcome in zip(await desk.due(), outcomes, strict=True):
        await desk.call(lead, outcome, dialled_at=NOW, **facts)
    async with desk.store.snapshot() as session:
        return await history(session, desk.campaign.id)


class HistoryContract:
    async def test_a_campaign_that_never_called_has_none(self, store: Store) -> None:
        assert await lived(await Desk.opened(store)) == History()

    async def test_a_conversation_gives_a_call_and_a_talk(self, store: Store) -> None:
        answered, bridged = NOW + timedelta(seconds=12), NOW + timedelta(seconds=13)
        found = await lived(
            await Desk.opened(store),
            Outcome.ANSWERED,
            answered_at=answered,
            classified_at=bridged,
            bridged_at=bridged,
            wrap_ended_at=NOW + timedelta(seconds=80),
        )
        assert found.calls == (PastCall(60.0, 12.0, 13.0, live=True),)
        assert found.talks == (PastTalk(47.0, 20.0),)

    async def test_rates_are_kept_by_segment_and_the_debtors_hour(self, store: Store) -> None:
        found = await lived(await Desk.opened(store), Outcome.BUSY, Outcome.ABANDONED, Outcome.NO_ANSWER)
        assert found.hours == {("early", 10): HourRate(3, 1)}
        assert (found.placed, found.live) == (3, 1)

    async def test_what_failed_on_our_side_says_nothing_of_debtors(self, store: Store) -> None:
        found = await lived(await Desk.opened(store), Outcome.FAILED, Outcome.DROPPED, Outcome.UNKNOWN)
        assert found == History()


class TestOnSqlite(OnSqlite, HistoryContract):
    pass
