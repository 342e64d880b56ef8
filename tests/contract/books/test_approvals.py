"""Somebody answers for every profile, with exactly its content."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.approvals import Approvals, Standing, State, unapproved
from campaigns.compliance import Library, Profile
from dialer.store import Store
from dialer.types import InputError, Refused
from tests.books import NOW, OnSqlite

CO = Library.shipped().profile("co")
DEMO = Library.shipped().profile("demo")


def changed(profile: Profile) -> Profile:
    text = profile.text.replace("15:00", "13:00")
    return Library.shipped().with_house({"own.toml": text}).profile(profile.id)


async def approve(store: Store, profile: Profile, by: str = "Ana Gómez", hours: int = 0) -> None:
    async with store.transaction() as session:
        await Approvals(session).approve(profile, by, NOW + timedelta(hours=hours))


async def standing(store: Store, profile: Profile) -> Standing:
    async with store.snapshot() as session:
        return (await Approvals(session).standings([profile]))[profile.id]


class ApprovalsContract:
    async def test_nobody_has_approved_anything_at_first(self, store: Store) -> None:
        assert await standing(store, CO) == Standing(State.NEVER)

    async def test_an_approval_is_who_and_when(self, store: Store) -> None:
        await approve(store, CO, "  Ana   Gómez ")
        assert await standing(store, CO) == Standing(State.APPROVED, "Ana Gómez", NOW)

    async def test_a_profile_that_changed_wants_a_new_one(self, store: Store) -> None:
        await approve(store, CO)
        assert await standing(store, changed(CO)) == Standing(State.CHANGED, "Ana Gómez", NOW)
        await approve(store, changed(CO), "Luis Paz", hours=1)
        assert (await standing(store, changed(CO))).by == "Luis Paz"

    async def test_what_was_approved_once_stays_so_when_it_comes_back(self, store: Store) -> None:
        await approve(store, CO)
        await approve(store, changed(CO), "Luis Paz", hours=1)
        assert await standing(store, CO) == Standing(State.APPROVED, "Ana Gómez", NOW)

    async def test_the_demo_needs_nobody(self, store: Store) -> None:
        assert await standing(store, DEMO) == Standing(State.NOT_NEEDED)

    @pytest.mark.parametrize("by", ["", "  ", "x" * 81])
    async def test_somebody_has_a_name(self, store: Store, by: str) -> None:
        with pytest.raises(InputError, match="name of a person"):
            await approve(store, CO, by)

    async def test_a_campaign_hears_of_every_profile_that_is_missing(self, store: Store) -> None:
        base = Library.shipped().profile("base")
        await approve(store, base)
        async with store.snapshot() as session:
            standings = await Approvals(session).standings([base, changed(CO)])
        assert unapproved([base, changed(CO), DEMO], standings) == (
            Refused("unapproved_profile", "co: never approved"),
        )
        assert unapproved([base], {}) == (Refused("unapproved_profile", "base: never approved"),)


class TestOnSqlite(OnSqlite, ApprovalsContract):
    pass
