"""Outcomes on their way to the database: at least once, in order, and nothing thrown away."""

import asyncio
import os
import signal

import pytest
from prometheus_client import REGISTRY

from dialer.queues import EmbeddedRedis, OutcomeStream, RedisLink, connect, ensure
from dialer.queues.outcomes import Record
from dialer.types import AttemptRecord, InboundRecord, Outcome, Unavailable

from .conftest import NOON


def an_attempt(n: int) -> AttemptRecord:
    return AttemptRecord(
        call_id=f"t{n:026d}",
        seq=3,
        campaign_id=1,
        campaign="march",
        segment="early",
        lead_id=n,
        debtor_id=n,
        debtor="José",
        phone_id=n,
        phone="+5491122334455",
        try_no=1,
        node="a",
        trunk="carrier",
        intent_at=NOON,
        outcome=Outcome.BUSY,
        flags=("adopted",),
    )


CALL_BACK = InboundRecord(call_id="1772539200.1", node="a", phone="+54911", dialled="+54115", arrived_at=NOON)


class Database:
    def __init__(self, failures: int = 0) -> None:
        self.records: list[Record] = []
        self.failures = failures

    async def apply(self, records: list[Record]) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("the database does not answer")
        self.records += records


async def test_a_reader_that_comes_before_the_first_record_waits_for_it(redis: RedisLink) -> None:
    stream, database = OutcomeStream(redis), Database()
    assert await stream.step(database.apply) == 0
    await stream.append([an_attempt(1)])
    assert await stream.step(database.apply, block_s=0.1) == 1


async def test_records_arrive_as_they_were_and_in_order(redis: RedisLink) -> None:
    stream, database = OutcomeStream(redis), Database()
    await stream.append([an_attempt(1), CALL_BACK])
    await stream.append([an_attempt(2)])
    assert await stream.step(database.apply) == 3
    assert database.records == [an_attempt(1), CALL_BACK, an_attempt(2)]
    assert await stream.pending() == 0


async def test_what_the_database_did_not_take_is_given_again_first(redis: RedisLink) -> None:
    stream, database = OutcomeStream(redis), Database(failures=1)
    await stream.append([an_attempt(1)])
    with pytest.raises(Unavailable):
        await stream.step(database.apply)
    await stream.append([an_attempt(2)])
    await stream.step(database.apply)
    await stream.step(database.apply)
    assert database.records == [an_attempt(1), an_attempt(2)]


async def test_a_reader_that_died_after_reading_loses_nothing(redis: RedisLink) -> None:
    died, reborn, database = OutcomeStream(redis), OutcomeStream(redis), Database()

    async def dies(records: list[Record]) -> None:
        raise asyncio.CancelledError

    await died.append([an_attempt(n) for n in range(5)])
    with pytest.raises(asyncio.CancelledError):
        await died.step(dies, 3)
    while await reborn.step(database.apply, 2):
        pass
    assert database.records == [an_attempt(n) for n in range(5)]


async def test_batches_are_bounded(redis: RedisLink) -> None:
    stream, database = OutcomeStream(redis), Database()
    await stream.append([an_attempt(n) for n in range(5)])
    assert await stream.step(database.apply, 2) == 2
    assert await stream.pending() == 3


async def test_a_record_nobody_can_read_goes_to_the_dead_letters_and_the_rest_go_on(redis: RedisLink) -> None:
    stream, database = OutcomeStream(redis), Database()
    for poison in ("not json", "{}", '{"call_id": 1, "outcome": "sang"}', "[]"):
        await redis.call("XADD", "{dialer}:outcomes", "*", "kind", "attempt", "record", poison)
    await redis.call("XADD", "{dialer}:outcomes", "*", "some", "thing")
    await stream.append([an_attempt(1)])
    assert await stream.step(database.apply) == 1
    backlog = await stream.backlog()
    assert (backlog.pending, backlog.dead) == (0, 5)


async def test_a_record_the_books_choke_on_does_not_stop_the_others(redis: RedisLink) -> None:
    stream, database = OutcomeStream(redis), Database()

    async def chokes(records: list[Record]) -> None:
        if an_attempt(2) in records:
            raise ValueError("value too long for its column")
        await database.apply(records)

    await stream.append([an_attempt(n) for n in (1, 2, 3)])
    await stream.step(chokes)
    assert database.records == [an_attempt(1), an_attempt(3)]
    backlog = await stream.backlog()
    assert (backlog.pending, backlog.dead) == (0, 1)


async def test_too_many_waiting_raise_the_alarm_and_all_are_kept(redis: RedisLink) -> None:
    stream = OutcomeStream(redis, alarm_at=3)
    await stream.append([an_attempt(n) for n in range(4)])
    backlog = await stream.backlog()
    assert (backlog.pending, backlog.too_long) == (4, True)


async def test_outcomes_survive_a_killed_redis(own_server: EmbeddedRedis) -> None:
    database = Database()
    async with await connect(own_server.url, 2.0) as link:
        stream = OutcomeStream(link)
        await link.call("CONFIG SET", "appendfsync", "always")
        await stream.append([an_attempt(1)])
        os.kill(int((own_server.directory / "redis.pid").read_text()), signal.SIGKILL)
        with pytest.raises(Unavailable):
            await stream.append([an_attempt(2)])
        await ensure(own_server.directory.parent)
        await stream.append([an_attempt(2)])
        await stream.step(database.apply)
    assert [record.call_id for record in database.records] == [an_attempt(1).call_id, an_attempt(2).call_id]


async def test_what_waits_is_shown_to_prometheus_and_falls_when_applied(redis: RedisLink) -> None:
    stream = OutcomeStream(redis)
    await stream.append([an_attempt(1), an_attempt(2)])
    assert REGISTRY.get_sample_value("dialer_outcomes_waiting") == 2
    await stream.step(Database().apply)
    assert REGISTRY.get_sample_value("dialer_outcomes_waiting") == 0
