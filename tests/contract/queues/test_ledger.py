"""What is counted, when a call finds no room, and that room is never given twice."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from campaigns.compliance import Happening, Kind, Limit, Tally, debt_key, person_key, phone_key
from dialer.queues import EmbeddedRedis, RedisLink, connect
from dialer.queues.ledger import HORIZON, LEDGER_UNKNOWN, Attempt, Ending, Ledger, Over, Reserved

from .conftest import NOON
from .test_random_kills import durable, killed_soon

PHONE, PERSON = phone_key("+5491100000001"), person_key(1)
DEBTS = (debt_key(11), debt_key(12))
KEYS = (PHONE, PERSON, *DEBTS)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


@pytest.fixture
async def ledger(redis: RedisLink) -> Ledger:
    ledger = Ledger(redis)
    await ledger.mark_ready(await ledger.begin_rebuild())
    return ledger


def at_most(
    most: int, key: str = PERSON, *, kind: Kind = Kind.ATTEMPT, per: timedelta = DAY, now: datetime = NOON
) -> Limit:
    return Limit("house", kind, key, now - per, most, "rolling:24h")


def event(kind: Kind, key: str = PERSON, at: datetime = NOON, call_id: str = "t0") -> Happening:
    return Happening(kind, key, at, call_id)


async def reserved(ledger: Ledger, call_id: str, at: datetime = NOON, limits: Sequence[Limit] = ()) -> bool:
    return isinstance(await ledger.reserve(call_id, at, KEYS, limits), Reserved)


async def test_a_call_counts_at_its_phone_its_person_and_each_of_its_debts(ledger: Ledger) -> None:
    assert await reserved(ledger, "t1")
    assert [tally.count for tally in await ledger.count([at_most(9, key) for key in KEYS])] == [1, 1, 1, 1]


async def test_the_call_after_the_last_one_allowed_is_refused_and_told_which_one_must_leave(ledger: Ledger) -> None:
    for minutes in (30, 20, 10):
        await reserved(ledger, f"t{minutes}", NOON - timedelta(minutes=minutes))
    limits = [at_most(2), at_most(9, PHONE), at_most(3, DEBTS[1])]
    answer = await ledger.reserve("t4", NOON, KEYS, limits)
    full = Tally(limits[0], 3, NOON - timedelta(minutes=20)), Tally(limits[2], 3, NOON - timedelta(minutes=30))
    assert answer == Over(full, (full[0], Tally(limits[1], 3), full[1]))


async def test_a_refused_call_is_counted_nowhere(ledger: Ledger) -> None:
    await ledger.note([event(Kind.CONVERSATION, DEBTS[0])])
    assert not await reserved(ledger, "t1", limits=[at_most(9), at_most(1, DEBTS[0], kind=Kind.CONVERSATION)])
    assert [tally.count for tally in await ledger.count([at_most(9, key) for key in KEYS])] == [0, 0, 0, 0]


async def test_whoever_asks_twice_is_counted_once_and_hears_the_same(ledger: Ledger) -> None:
    limit = at_most(1)
    first = await ledger.reserve("t1", NOON, KEYS, [limit])
    assert first == await ledger.reserve("t1", NOON, KEYS, [limit]) == Reserved((Tally(limit, 0),))
    assert (await ledger.count([limit]))[0].count == 1


async def test_an_event_on_the_first_instant_of_the_window_counts_and_one_just_before_does_not(ledger: Ledger) -> None:
    await ledger.note([event(Kind.ATTEMPT, at=NOON - DAY)])
    assert not await reserved(ledger, "t1", limits=[at_most(1)])
    assert await reserved(ledger, "t1", limits=[at_most(1, now=NOON + timedelta(microseconds=1))])


async def test_a_cool_down_is_a_limit_of_one_over_what_starts_it(ledger: Ledger) -> None:
    await reserved(ledger, "t1")
    await ledger.settle("t1", [event(Kind.CONVERSATION, DEBTS[0], call_id="t1")], released=False)
    for debt, free in zip(DEBTS, (False, True), strict=True):
        limits = [at_most(1, debt, kind=Kind.CONVERSATION, per=WEEK)]
        answer = await ledger.reserve(f"t-{debt}", NOON, [debt], limits)
        assert isinstance(answer, Reserved) is free


async def test_a_limit_of_none_never_lets_a_call_pass_and_names_nothing_that_could_leave(ledger: Ledger) -> None:
    limit = at_most(0)
    assert await ledger.reserve("t1", NOON, KEYS, [limit]) == Over((Tally(limit, 0),), (Tally(limit, 0),))


async def test_a_reservation_taken_back_leaves_no_trace_and_may_be_made_again(ledger: Ledger) -> None:
    await reserved(ledger, "t1")
    for _ in range(2):
        await ledger.settle("t1", [], released=True)
    assert [tally.count for tally in await ledger.count([at_most(9, key) for key in KEYS])] == [0, 0, 0, 0]
    assert await reserved(ledger, "t1", limits=[at_most(1)])


async def test_what_a_call_was_found_to_be_first_stands(ledger: Ledger) -> None:
    await reserved(ledger, "t1")
    for released in (False, True):
        await ledger.settle("t1", [], released=released)
    assert (await ledger.count([at_most(9)]))[0].count == 1


async def test_settling_twice_writes_once(ledger: Ledger) -> None:
    await reserved(ledger, "t1")
    for _ in range(2):
        await ledger.settle("t1", [event(Kind.CONTACT, call_id="t1")], released=False)
    assert (await ledger.count([at_most(9, kind=Kind.CONTACT)]))[0].count == 1


async def test_calls_of_one_moment_are_reserved_one_after_the_other(redis: RedisLink, ledger: Ledger) -> None:
    await redis.call("SCRIPT", "FLUSH")
    limits = [at_most(2)]
    answers = await ledger.reserve_each([Attempt(f"t{n}", NOON, KEYS, limits) for n in (1, 2, 3)])
    first, second, full = (Tally(limits[0], 0), Tally(limits[0], 1), Tally(limits[0], 2, NOON))
    assert answers == [Reserved((first,)), Reserved((second,)), Over((full,), (full,))]


async def test_calls_that_are_over_together_are_settled_each_in_its_own_way(redis: RedisLink, ledger: Ledger) -> None:
    await ledger.reserve_each([Attempt(f"t{n}", NOON, KEYS) for n in range(600)])
    await redis.call("SCRIPT", "FLUSH")
    spoke = [event(Kind.CONTACT, call_id=f"t{n}") for n in range(300)]
    await ledger.settle_each([Ending(each.call_id, [each]) for each in spoke])
    await ledger.settle_each([Ending(f"t{n}", released=True) for n in range(300, 600)])
    counted = await ledger.count([at_most(999), at_most(999, kind=Kind.CONTACT)])
    assert [tally.count for tally in counted] == [300, 300]


async def test_the_ledger_of_a_new_redis_refuses_until_it_is_rebuilt(redis: RedisLink) -> None:
    ledger = Ledger(redis)
    assert await ledger.reserve("t1", NOON, KEYS, []) == LEDGER_UNKNOWN
    generation = await ledger.begin_rebuild()
    assert await ledger.load(event(Kind.ATTEMPT, call_id=f"t{n}", at=NOON - WEEK) for n in range(600)) == 600
    assert await ledger.reserve("t1", NOON, KEYS, []) == LEDGER_UNKNOWN
    assert not await ledger.is_ready()
    assert await ledger.mark_ready(generation)
    assert await ledger.is_ready()
    assert not await reserved(ledger, "t1", limits=[at_most(600, per=WEEK)])
    assert await reserved(ledger, "t1", limits=[at_most(601, per=WEEK)])


async def test_a_rebuild_that_began_on_another_redis_does_not_open_this_one(redis: RedisLink, ledger: Ledger) -> None:
    generation = await ledger.begin_rebuild()
    await ledger.load([event(Kind.ATTEMPT)])
    await redis.call("FLUSHALL")
    assert not await ledger.mark_ready(generation)
    assert await ledger.reserve("t1", NOON, KEYS, []) == LEDGER_UNKNOWN


async def test_two_engines_that_rebuild_at_once_count_everything_once(redis: RedisLink) -> None:
    past = [event(Kind.ATTEMPT, call_id=f"t{n}", at=NOON - WEEK) for n in range(400)]

    async def rebuilt() -> bool:
        ledger = Ledger(redis)
        generation = await ledger.begin_rebuild()
        await ledger.load(past)
        return await ledger.mark_ready(generation)

    assert all(await asyncio.gather(rebuilt(), rebuilt()))
    assert (await Ledger(redis).count([at_most(9, per=WEEK)]))[0].count == 400


async def test_a_rebuild_takes_no_reservation_away(ledger: Ledger) -> None:
    await reserved(ledger, "t1")
    await ledger.mark_ready(await ledger.begin_rebuild())
    assert not await reserved(ledger, "t2", limits=[at_most(1)])


async def test_two_engines_never_share_the_last_place(ledger: Ledger) -> None:
    answers = await asyncio.gather(*(reserved(ledger, f"t{n}", limits=[at_most(3), at_most(5)]) for n in range(20)))
    assert sum(answers) == 3


async def test_what_no_window_reaches_is_forgotten_with_the_next_write(redis: RedisLink, ledger: Ledger) -> None:
    await reserved(ledger, "t1", NOON - HORIZON)
    await reserved(ledger, "t2")
    assert await redis.call("ZRANGE", f"{{dialer}}:ledger:attempt:{PERSON}", 0, -1) == ["t2"]


async def test_a_wrong_date_among_the_loaded_pushes_nothing_out(ledger: Ledger) -> None:
    await reserved(ledger, "t1")
    await ledger.load([event(Kind.ATTEMPT, at=NOON + 10 * HORIZON)])
    assert (await ledger.count([at_most(9)]))[0].count == 2


async def test_nothing_stays_for_ever(redis: RedisLink, ledger: Ledger) -> None:
    await reserved(ledger, "t1")
    await ledger.settle("t1", [event(Kind.MACHINE, call_id="t1")], released=False)
    await reserved(ledger, "t2")
    counters = [key for key in await redis.call("KEYS", "*ledger*") if not key.endswith(":ready")]
    lives = [await redis.call("TTL", key) for key in counters]
    assert len(lives) == 6
    assert 0 < min(lives) <= max(lives) <= HORIZON.total_seconds()


async def test_many_limits_are_counted_in_their_order(ledger: Ledger) -> None:
    await ledger.note([event(Kind.CONTACT, person_key(n), call_id="t") for n in range(0, 900, 3)])
    tallies = await ledger.count([at_most(1, person_key(n), kind=Kind.CONTACT) for n in range(900)])
    assert [n for n, tally in enumerate(tallies) if tally.full] == list(range(0, 900, 3))


async def test_a_killed_redis_comes_back_with_its_counters(own_server: EmbeddedRedis) -> None:
    await durable(own_server)
    async with await connect(own_server.url, 2.0) as link:
        ledger = Ledger(link)
        await ledger.mark_ready(await ledger.begin_rebuild())
        await reserved(ledger, "t1")
        await killed_soon(own_server, link, 1)
        await durable(own_server)
        assert not await reserved(ledger, "t2", limits=[at_most(1)])
