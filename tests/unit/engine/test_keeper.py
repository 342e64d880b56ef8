"""What must not be lost: kept in memory until it is in the stream, and in the stream until it is in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from campaigns.journal import Applied
from dialer.call import Call
from dialer.engine import keeper as keeper_module
from dialer.engine.keeper import MAX_BACKLOG, Bookkeeper, Keeper, Part, StreamRecord
from dialer.types import AttemptRecord, InboundRecord, Unavailable
from tests.unit.engine.counter import PaperLedger, a_counsel
from tests.unit.engine.desk import NOON, FakeRedis, a_moment, a_record

INBOUND = InboundRecord(call_id="1772.5", node="a1", phone="+549", dialled="+541", arrived_at=NOON)


def record(number: int = 1, seq: int = 1) -> AttemptRecord:
    return a_record(call_id=f"t{number}", seq=seq)


class Office:
    """A keeper and its Redis."""

    def __init__(self) -> None:
        self.redis = FakeRedis()
        self.part = Part("redis")
        self.ledger = PaperLedger()
        self.keeper = Keeper(self.redis, self.redis, a_counsel(self.ledger), self.part)


@pytest.fixture
async def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(keeper_module, "FLUSH_S", 0.0)
    monkeypatch.setattr(keeper_module, "RETRY_S", 0.0)
    return Office()


async def test_only_the_newest_version_of_a_record_is_written(office: Office):
    office.keeper.save(record(seq=1))
    office.keeper.save(record(seq=2))
    assert office.keeper.backlog == 1
    await office.keeper.flush()
    assert [each.seq for each in office.redis.stream] == [2]
    assert office.keeper.backlog == 0


async def test_a_version_that_comes_while_another_is_written_is_written_too(office: Office):
    office.keeper.save(record(seq=1))
    office.redis.inside = lambda: office.keeper.save(record(seq=2))
    await office.keeper.flush()
    assert office.keeper.backlog == 1
    await office.keeper.flush()
    assert [each.seq for each in office.redis.stream] == [1, 2]


async def test_a_lease_goes_after_the_record_of_its_call(office: Office):
    office.keeper.save(record())
    office.keeper.finish(Call(record=record()))
    await office.keeper.flush()
    assert office.redis.diary == ["append t1", "release t1"]


async def test_a_call_that_ends_while_others_are_written_waits_for_its_own_record(office: Office):
    def ends() -> None:
        office.keeper.save(record(2))
        office.keeper.finish(Call(record=record(2)))

    office.keeper.save(record(1))
    office.redis.inside = ends
    await office.keeper.flush()
    await office.keeper.flush()
    assert office.redis.diary == ["append t1", "append t2", "release t2"]


async def test_redis_away_loses_nothing_and_frees_nobody(office: Office):
    office.keeper.save(record())
    office.keeper.finish(Call(record=record()))
    office.redis.away = True
    assert await office.keeper.flush() is False
    assert (office.keeper.backlog, office.part.detail) == (1, "away")
    office.redis.away = False
    assert await office.keeper.flush() is True
    assert office.part.ok
    assert office.redis.diary == ["append t1", "release t1"]


async def test_redis_lost_between_record_and_lease_releases_later(office: Office):
    office.keeper.save(record())
    office.keeper.release(["t1"])
    office.redis.inside = lambda: setattr(office.redis, "away", True)
    assert await office.keeper.flush() is False
    office.redis.away = False
    await office.keeper.flush()
    assert office.redis.released == ["t1"]
    await office.keeper.flush()
    assert office.redis.released == ["t1"]


async def test_cut_off_in_the_middle_nothing_is_lost(office: Office):
    office.keeper.save(record())
    office.keeper.release(["t9"])
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(office.keeper.flush())
        await asyncio.sleep(0)
        task.cancel()
    await office.keeper.flush()
    assert office.redis.diary == ["append t1", "release t9"]


async def test_a_flush_of_nothing_asks_nobody(office: Office):
    office.redis.away = True
    assert await office.keeper.flush() is True


async def test_the_keeper_writes_by_itself_and_outlives_an_outage(office: Office):
    office.redis.away = True
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(office.keeper.run())
        office.keeper.save(record())
        await a_moment()
        office.redis.away = False
        await a_moment()
        running.cancel()
    assert [each.call_id for each in office.redis.stream] == ["t1"]


async def test_too_many_records_stop_new_calls(office: Office):
    for number in range(MAX_BACKLOG - 1):
        office.keeper.save(record(number))
    assert not office.keeper.full
    office.keeper.save(record(-1))
    assert office.keeper.full


async def test_the_audio_is_handed_on(office: Office):
    heard: list[tuple[str, int | None]] = []
    office.keeper.on_recording = lambda call, size: heard.append((call.call_id, size))
    office.keeper.keep_recording(Call(record=record()), 640)
    assert heard == [("t1", 640)]


# Parts.


def test_a_part_says_how_it_is():
    part = Part("database")
    assert part.ok
    part.failed("away")
    part.failed("still away")
    assert (part.ok, part.detail) == (False, "still away")
    part.works()
    assert part.ok


# Bookkeeping.


class Stream:
    """Hands over one batch, again and again until it was applied."""

    def __init__(self, *batches: list[StreamRecord]) -> None:
        self.batches = list(batches)
        self.away = 0
        self.done = asyncio.Event()

    async def step(
        self, apply: Callable[[list[StreamRecord]], Awaitable[None]], batch: int = 500, *, block_s: float = 0.0
    ) -> int:
        await asyncio.sleep(0)
        if self.away:
            self.away -= 1
            raise Unavailable("redis away")
        if not self.batches:
            self.done.set()
            return 0
        await apply(self.batches[0])
        return len(self.batches.pop(0))


class Ledger:
    """A bookkeeper over a stream, with books that may be away."""

    def __init__(self, stream: Stream) -> None:
        self.attempts: list[AttemptRecord] = []
        self.inbound: list[InboundRecord] = []
        self.counted: list[InboundRecord] = []
        self.away = 0
        self.parts = {name: Part(name) for name in ("database", "redis")}
        self.seen: list[str] = []
        self.bookkeeper = Bookkeeper(stream, self._attempts, self._inbound, self.parts["database"], self.parts["redis"])
        self.bookkeeper.on_inbound = self._count

    async def _attempts(self, records: list[AttemptRecord]) -> Applied:
        if self.away:
            self.away -= 1
            raise Unavailable("database away")
        self.seen += [name for name, part in self.parts.items() if not part.ok]
        self.attempts += records
        return Applied(len(records), 0, unknown=("t-nobody",))

    async def _count(self, records: list[InboundRecord]) -> None:
        self.counted += records

    async def _inbound(self, records: list[InboundRecord]) -> None:
        self.inbound += records


async def run_until_done(ledger: Ledger, stream: Stream) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(ledger.bookkeeper.run())
        await stream.done.wait()
        await a_moment()
        running.cancel()


@pytest.mark.usefixtures("office")
class TestBookkeeper:
    async def test_attempts_and_callers_go_to_their_tables(self):
        stream = Stream([record(1), INBOUND, record(2)])
        ledger = Ledger(stream)
        await ledger.bookkeeper.drain()
        assert ([each.call_id for each in ledger.attempts], ledger.inbound) == (["t1", "t2"], [INBOUND])
        assert ledger.counted == [INBOUND]

    async def test_the_database_away_keeps_the_batch_and_is_named(self):
        stream = Stream([record(1)])
        ledger = Ledger(stream)
        ledger.away = 2
        await run_until_done(ledger, stream)
        assert ledger.seen == ["database"]
        assert [each.call_id for each in ledger.attempts] == ["t1"]
        assert all(part.ok for part in ledger.parts.values())

    async def test_redis_away_is_named_and_waited_out(self):
        stream = Stream([record(1)])
        stream.away = 2
        ledger = Ledger(stream)
        await run_until_done(ledger, stream)
        assert ledger.seen == ["redis"]
        assert all(part.ok for part in ledger.parts.values())

    async def test_at_the_start_an_outage_is_told(self):
        stream = Stream([record(1)])
        ledger = Ledger(stream)
        ledger.away = 1
        with pytest.raises(Unavailable, match="database away"):
            await ledger.bookkeeper.drain()

    async def test_batches_without_attempts_ask_for_none(self):
        stream = Stream([replace(INBOUND, seq=2)])
        ledger = Ledger(stream)
        await ledger.bookkeeper.drain()
        assert (ledger.attempts, len(ledger.inbound)) == ([], 1)
