"""One chunk is written while the next is planned, unless they share somebody; the books hear of them in order."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest

from campaigns.imports.known import Asked, Known
from campaigns.imports.planning import Chunk
from campaigns.imports.staging import Ready
from campaigns.imports.turns import Draft, Turns
from campaigns.lists.rows import Reject, Row
from dialer.types import Unavailable

DEADLINE_S = 5.0


def rows(code: str) -> list[Row | Reject]:
    """Return a chunk about one person; its line is all that tells it from another."""
    return [Row(1, code, None, (), "", "", "", "", "", "", "", "", "early", None, (), (), ())]


class Books:
    """Hears what is done with rows; `refused` chunks are written at a later try, `open` lets writing end."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.told: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.refused: Counter[str] = Counter()
        self.found: dict[str, int] = {}
        self.open = asyncio.Event()
        self.open.set()

    async def look(self, given: Sequence[Row | Reject]) -> Known:
        code = self._tell("look", given)
        return Known(Asked(codes=frozenset({code})), frozenset({self.found[code]} if code in self.found else ()))

    async def plan(self, given: Sequence[Row | Reject], known: Known) -> Ready:
        self._tell("plan", given)
        return Ready(Chunk())

    async def write(self, draft: Draft) -> bool:
        await self.open.wait()
        code = self._tell("write", draft.rows)
        self.refused[code] -= 1
        return self.refused[code] < 0

    def _tell(self, what: str, given: Sequence[Row | Reject]) -> str:
        (row,) = given
        assert isinstance(row, Row)
        self.heard.append(f"{what} {row.code}")
        self.told[self.heard[-1]].set()
        return row.code


@pytest.fixture
def books() -> Books:
    return Books()


async def brought(books: Books, *codes: str) -> None:
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        turns = Turns(books, tasks)
        for code in codes:
            await turns.take(rows(code))
        await turns.end()


async def until(books: Books, what: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await books.told[what].wait()


async def test_the_next_chunk_is_planned_while_one_is_written(books: Books):
    books.open.clear()
    async with asyncio.TaskGroup() as tasks:
        bringing = tasks.create_task(brought(books, "ana", "bea"))
        await until(books, "plan bea")
        assert "write ana" not in books.heard
        books.open.set()
        await bringing
    assert [each for each in books.heard if each.startswith("write")] == ["write ana", "write bea"]


async def test_no_third_chunk_is_looked_at_meanwhile(books: Books):
    books.open.clear()
    async with asyncio.TaskGroup() as tasks:
        bringing = tasks.create_task(brought(books, "ana", "bea", "cid"))
        await until(books, "plan bea")
        for _ in range(20):
            await asyncio.sleep(0)
        assert "look cid" not in books.heard
        books.open.set()
        await bringing


async def test_who_stands_in_both_is_looked_up_again_when_the_first_is_written(books: Books):
    await brought(books, "ana", "ana")
    assert books.heard == ["look ana", "plan ana", "look ana", "write ana", "look ana", "plan ana", "write ana"]


async def test_two_names_of_one_person_in_the_books_are_one_person(books: Books):
    books.found = {"ana": 7, "ana maria": 7}
    await brought(books, "ana", "ana maria")
    assert books.heard.index("write ana") < books.heard.index("plan ana maria")


async def test_a_chunk_that_somebody_overtook_is_planned_again_and_so_is_the_next(books: Books):
    books.refused["ana"] = 1
    await brought(books, "ana", "bea")
    again = books.heard[books.heard.index("write ana") + 1 :]
    assert again == ["look ana", "plan ana", "write ana", "look bea", "plan bea", "write bea"]


async def test_rows_are_counted_from_the_file_s_first(books: Books):
    written = []

    async def write(draft: Draft) -> bool:
        written.append(draft.before)
        return True

    books.write = write  # type: ignore[method-assign]
    await brought(books, "ana", "bea", "cid")
    assert written == [0, 1, 2]


async def test_who_is_overtaken_again_and_again_gives_up(books: Books):
    books.refused["ana"] = 99
    async with asyncio.TaskGroup() as tasks:
        turns = Turns(books, tasks)
        await turns.take(rows("ana"))
        with pytest.raises(Unavailable, match="let them end first"):
            await turns.end()
    assert books.heard.count("write ana") == 5
