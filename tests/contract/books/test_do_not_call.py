"""A do-not-call list is in force number by number as it is read, and a new edition lets go who left the list."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from campaigns.case_models import Suppression
from campaigns.do_not_call import DoNotCallLists, Edition
from campaigns.stops import StopKind
from dialer.store import Store
from dialer.types import InputError
from tests.books import NOW, OnSqlite

LIST = "br_sp_nao_me_ligue"
LATER = NOW + timedelta(days=31)


def numbers(*last: int) -> str:
    return "".join(f"+55119{number:08}\n" for number in last)


def written(file: Path, text: str) -> None:
    file.write_bytes(text.encode())


async def listed(store: Store) -> list[str]:
    query = select(Suppression.key).where(Suppression.lifted_at.is_(None), Suppression.key.like("phone:%"))
    async with store.snapshot() as session:
        return sorted(key.removeprefix("phone:+55119") for key in await session.scalars(query))


class DoNotCallContract:
    @pytest.fixture
    def lists(self, store: Store) -> DoNotCallLists:
        return DoNotCallLists(store, chunk=10)

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "lista.csv"

    async def test_every_number_is_in_force_and_the_edition_is_known(
        self, store: Store, lists: DoNotCallLists, file: Path
    ) -> None:
        written(file, numbers(*range(25)))
        told: list[int] = []
        result = await lists.load(LIST, file, by="ana", now=NOW, progress=told.append)
        assert (result.numbers, result.added, result.lifted, result.unusable) == (25, 25, 0, 0)
        assert (len(await listed(store)), told) == (25, [10, 10, 5])
        (edition,) = await lists.editions()
        assert edition == Edition(LIST, NOW, "ana", "lista.csv", 25)
        assert not edition.is_old(NOW + timedelta(days=30))
        assert edition.is_old(LATER)

    async def test_the_same_file_again_changes_nothing_but_its_age(
        self, store: Store, lists: DoNotCallLists, file: Path
    ) -> None:
        written(file, numbers(1, 2, 2, 1))
        await lists.load(LIST, file, by="ana", now=NOW)
        again = await lists.load(LIST, file, by="eva", now=LATER)
        assert (again.added, again.lifted) == (0, 0)
        (edition,) = await lists.editions()
        assert (edition.at, edition.by) == (LATER, "eva")
        async with store.snapshot() as session:
            assert await session.scalar(select(func.count()).where(Suppression.key.like("phone:%"))) == 2

    async def test_a_new_edition_takes_the_place_of_the_old_one(
        self, store: Store, lists: DoNotCallLists, file: Path
    ) -> None:
        written(file, numbers(*range(30)))
        await lists.load(LIST, file, by="ana", now=NOW)
        await lists.load("br_pa", file, by="ana", now=NOW)
        written(file, numbers(28, 29, 30))
        result = await lists.load(LIST, file, by="eva", now=LATER)
        assert (result.added, result.lifted) == (1, 28)
        kinds = select(Suppression.kind, func.count()).where(Suppression.lifted_at.is_(None)).group_by(Suppression.kind)
        async with store.snapshot() as session:
            counts = {kind: count for kind, count in await session.execute(kinds)}
        assert counts == {LIST: 4, "br_pa": 31}  # each with the row that keeps its age

    async def test_a_list_is_read_as_agencies_have_it(self, store: Store, lists: DoNotCallLists, file: Path) -> None:
        written(file, '\ufefftelefone;data\r\n"(11) 90000-0007";2026\r\n\r\n11900000008\tx\r\nsin numero 7\r\n')
        result = await lists.load(LIST, file, by="ana", now=NOW, country="BR")
        assert await listed(store) == ["00000007", "00000008"]
        assert (result.unusable, result.examples) == (1, ("line 5: 'sin numero 7'",))

    @pytest.mark.parametrize("name", [*StopKind, "Bad Name", "x" * 36])
    async def test_a_list_has_a_name_of_its_own(self, lists: DoNotCallLists, file: Path, name: str) -> None:
        written(file, numbers(1))
        with pytest.raises(InputError):
            await lists.load(name, file, by="ana", now=NOW)

    @pytest.mark.parametrize("text", ["", "telefone\n", "11900000008\n"])
    async def test_a_file_without_a_number_is_refused(self, lists: DoNotCallLists, file: Path, text: str) -> None:
        written(file, text)
        with pytest.raises(InputError, match="no number in it"):
            await lists.load(LIST, file, by="ana", now=NOW)
        assert await lists.editions() == []


class TestOnSqlite(OnSqlite, DoNotCallContract):
    pass
