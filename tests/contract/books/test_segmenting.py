"""Segments are counted, added, changed and removed while a campaign exists; its leads follow."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.models import Account, Lead, Segment
from campaigns.segmenting import Saved, Segments, Unconfirmed
from campaigns.segments import parse_rule
from dialer.store import Store
from dialer.types import ConfigError, InputError
from tests.books import Desk, OnSqlite

LARGE: dict[str, Any] = {"where": {"balance": {"min": 1000}}, "priority": 950}
SMALL: dict[str, Any] = {"where": {"balance": {"below": 1000}}, "priority": 940}


async def listed(store: Store, *balances: int) -> Desk:
    """Return a desk whose list has one debtor for each balance, in segment `early`, which has no rule."""
    desk = await Desk.opened(store)
    for number, balance in enumerate(balances):
        await desk.list_debtor(f"d{number}", f"+57300{number}")
        lead = await desk.lead(f"d{number}")
        async with store.transaction() as session:
            session.add(Account(debtor_id=lead.debtor_id, balance=Decimal(balance)))
    return desk


async def homes(store: Store) -> Counter[str]:
    async with store.snapshot() as session:
        query = select(Segment.name).join_from(Lead, Segment, Segment.id == Lead.segment_id)
        return Counter((await session.scalars(query)).all())


class SegmentingContract:
    async def test_a_rule_is_counted_before_it_is_saved(self, store: Store) -> None:
        await listed(store, 10, 5000, 7000)
        assert await Segments(store).count("spring", parse_rule(LARGE["where"])) == 2
        assert await homes(store) == {"early": 3}

    async def test_a_new_segment_takes_the_leads_it_matches(self, store: Store) -> None:
        await listed(store, 10, 5000, 7000)
        assert await Segments(store).add("spring", "large", LARGE) == Saved(count=2, moved=2)
        assert await homes(store) == {"early": 1, "large": 2}

    async def test_leads_named_by_the_list_stay_where_the_new_segment_ranks_lower(self, store: Store) -> None:
        await listed(store, 5000)
        saved = await Segments(store).add("spring", "large", {**LARGE, "priority": 5})
        assert saved == Saved(count=1, moved=0)

    async def test_a_rule_that_matches_nobody_asks_and_saves_nothing_unconfirmed(self, store: Store) -> None:
        await listed(store, 10)
        segments = Segments(store)
        assert await segments.add("spring", "large", LARGE) == Unconfirmed(0)
        assert "large" not in {each.config.name for each in await segments.list("spring")}
        assert await segments.add("spring", "large", LARGE, confirmed=True) == Saved(0, 0)

    async def test_a_changed_rule_moves_who_no_longer_fits(self, store: Store) -> None:
        await listed(store, 10, 5000, 7000)
        segments = Segments(store)
        await segments.add("spring", "large", LARGE)
        await segments.add("spring", "small", SMALL)
        narrower = {"where": {"balance": {"min": 6000}}}
        wider = {"where": {"balance": {"below": 6000}}}
        await segments.change("spring", "small", wider)
        assert await segments.change("spring", "large", narrower) == Saved(count=1, moved=1)
        assert await homes(store) == {"large": 1, "small": 2}

    async def test_a_change_keeps_what_it_does_not_say(self, store: Store) -> None:
        await listed(store, 5000)
        segments = Segments(store)
        await segments.add("spring", "large", {**LARGE, "cadence": {"look_ahead": "1d"}})
        await segments.change("spring", "large", {"weight": 7})
        (large,) = [each for each in await segments.list("spring") if each.config.name == "large"]
        assert (large.config.weight, large.config.priority, large.source, large.leads) == (7, 950, "api", 1)
        assert large.config.cadence.look_ahead is not None

    async def test_a_segment_of_the_file_may_get_a_rule(self, store: Store) -> None:
        await listed(store, 10, 5000)
        saved = await Segments(store).change("spring", "late", {"where": LARGE["where"], "priority": 999})
        assert saved == Saved(count=1, moved=1)
        assert await homes(store) == {"early": 1, "late": 1}

    async def test_a_removed_segment_leaves_its_leads_to_the_other_rules(self, store: Store) -> None:
        await listed(store, 10, 5000)
        segments = Segments(store)
        await segments.add("spring", "large", LARGE)
        await segments.add("spring", "any", {"where": {}, "priority": 1})
        assert await segments.remove("spring", "large") == 1
        assert await homes(store) == {"early": 1, "any": 1}
        assert "large" not in {each.config.name for each in await segments.list("spring")}

    async def test_leads_that_no_rule_takes_need_to_be_told_where_to_go(self, store: Store) -> None:
        await listed(store, 10)
        with pytest.raises(InputError, match=r"1 leads of segment 'early' match no other.*--to"):
            await Segments(store).remove("spring", "early")
        assert await Segments(store).remove("spring", "early", to="late") == 1
        assert await homes(store) == {"late": 1}

    async def test_the_last_segment_stays(self, store: Store) -> None:
        await Desk.opened(store)
        await Segments(store).remove("spring", "early")
        with pytest.raises(InputError, match="'late' is the campaign's last segment"):
            await Segments(store).remove("spring", "late")

    async def test_more_leads_than_one_chunk_all_come_home(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        await listed(store, *range(998, 1005))
        monkeypatch.setattr("campaigns.segmenting.CHUNK", 3)
        assert await Segments(store).add("spring", "large", LARGE) == Saved(count=5, moved=5)

    async def test_mistakes_are_told(self, store: Store) -> None:
        await Desk.opened(store)
        segments = Segments(store)
        with pytest.raises(InputError, match="has a segment 'early' already"):
            await segments.add("spring", "early", LARGE)
        with pytest.raises(InputError, match="no segment 'huge'; known: late, early"):
            await segments.change("spring", "huge", LARGE)
        with pytest.raises(InputError, match="no segment 'huge'"):
            await segments.remove("spring", "huge")
        with pytest.raises(ConfigError, match="segment large: weight"):
            await segments.add("spring", "large", {"weight": 0})
        with pytest.raises(ConfigError, match="segment La Grande: name"):
            await segments.add("spring", "La Grande", LARGE)


class TestOnSqlite(OnSqlite, SegmentingContract):
    pass
