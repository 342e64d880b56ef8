"""What pacing decided is found again, minute by minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from campaigns.decisions import Minute, PacingMinutes
from dialer.store import Store
from tests.books import NOW, Desk, OnSqlite


def a_minute(desk: Desk, after: int = 0, node: str = "a1", dialled: int = 4) -> Minute:
    minute = NOW.replace(second=0, microsecond=0) + timedelta(minutes=after)
    return Minute(desk.campaign.id, node, minute, 120, dialled, 1, f"reason {after}", {"dial": dialled})


async def keep(desk: Desk, *minutes: Minute) -> None:
    async with desk.store.transaction() as session:
        await PacingMinutes(session).keep(minutes)


async def around(desk: Desk, after: float, count: int = 1) -> list[Minute]:
    async with desk.store.snapshot() as session:
        return await PacingMinutes(session).around(desk.campaign.id, NOW + timedelta(minutes=after), count)


class DecisionsContract:
    async def test_a_past_moment_gives_its_minute_on_every_node(self, store: Store) -> None:
        desk = await Desk.opened(store)
        minutes = [a_minute(desk), a_minute(desk, 1), a_minute(desk, 1, "a2"), a_minute(desk, 2)]
        await keep(desk, *minutes)
        assert await around(desk, 1.5) == minutes[1:3]
        assert await around(desk, 1.5, 2) == minutes[:3]

    async def test_an_engine_that_restarts_within_a_minute_adds_to_it(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await keep(desk, a_minute(desk, dialled=4))
        await keep(desk, replace(a_minute(desk, dialled=3), reason="later"))
        (found,) = await around(desk, 0)
        assert (found.decisions, found.dialled, found.cancelled, found.reason) == (240, 7, 2, "later")

    async def test_the_newest_rows_come_oldest_first(self, store: Store) -> None:
        desk = await Desk.opened(store)
        minutes = [a_minute(desk, after) for after in range(4)]
        await keep(desk, *minutes)
        async with desk.store.snapshot() as session:
            assert await PacingMinutes(session).newest(desk.campaign.id, 2) == minutes[2:]

    async def test_another_campaign_is_not_mixed_in(self, store: Store) -> None:
        desk, other = await Desk.opened(store), await Desk.opened(store, "autumn")
        await keep(desk, a_minute(desk))
        assert await around(other, 0) == []


class TestOnSqlite(OnSqlite, DecisionsContract):
    pass
