"""A campaign whose law nobody answers for does not call; once somebody does, it calls within a look."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import pytest

from campaigns.approvals import Standing, State
from campaigns.compliance import Library, Profile
from dialer.engine.lane import Lane
from dialer.engine.permits import GOOD_FOR_S, Permits
from dialer.pacing import Pacer, PacingPolicy
from dialer.types import Refused
from tests.unit.engine.counter import PaperRules, a_counsel
from tests.unit.engine.desk import HandClock, a_campaign

NO_HISTORY = Refused("no_history", "nobody has loaded it")


class Registry:
    """Books that know who may call, and how often they were asked."""

    def __init__(self) -> None:
        self.forbidden: tuple[Refused, ...] = ()
        self.asked: list[frozenset[str]] = []

    async def approvals(self, profiles: Iterable[Profile]) -> Mapping[str, Standing]:
        return {profile.id: Standing(State.CHANGED) for profile in profiles}

    async def standing(
        self, campaign_id: int, library: Library, now: datetime, real_nodes: Collection[str]
    ) -> tuple[Refused, ...]:
        self.asked.append(frozenset(real_nodes))
        return self.forbidden


class Office:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.books = Registry()
        self.counsel = a_counsel()
        self.real_nodes: set[str] = set()
        self.lane = Lane(1, "key", a_campaign(), "a1", Pacer(PacingPolicy()), barred="not yet")
        self.permits = Permits(
            self.clock,
            self.books,
            PaperRules(),
            self.counsel,
            lanes=lambda: [self.lane],
            real_nodes=self.real_nodes,
        )


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_campaign_in_order_may_call(office: Office):
    await office.permits.look()
    assert office.lane.shut is None


async def test_a_campaign_that_may_not_call_says_why_until_it_may(office: Office):
    office.books.forbidden = (NO_HISTORY,)
    await office.permits.look()
    assert office.lane.shut == "no_history: nobody has loaded it"
    office.books.forbidden = ()
    await office.permits.look()
    assert office.lane.shut is None


async def test_a_good_permit_is_not_looked_at_all_the_time(office: Office):
    await office.permits.look()
    await office.permits.look()
    assert len(office.books.asked) == 1
    office.clock.pass_s(GOOD_FOR_S)
    await office.permits.look()
    assert len(office.books.asked) == 2


async def test_a_node_that_turns_out_to_be_real_is_looked_at_at_once(office: Office):
    await office.permits.look()
    office.real_nodes.add("a1")
    await office.permits.look()
    assert office.books.asked == [frozenset(), frozenset({"a1"})]


async def test_counsel_hears_which_profiles_are_approved(office: Office):
    await office.permits.look()
    assert office.counsel.standings["ar"].state is State.CHANGED
