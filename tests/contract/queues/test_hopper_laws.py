"""Fairness between segments: each gets its weight's share, none starves, none saves up while it has nothing."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.queues import EmbeddedRedis, Hopper, SegmentShare, connect

from .conftest import NOON, a_lead

LATER = NOON + timedelta(hours=1)
EACH = 500

weights = st.lists(st.integers(1, 20), min_size=2, max_size=6)
lease_sizes = st.lists(st.integers(1, 60), min_size=1, max_size=8)
priorities = st.lists(st.integers(0, 9), min_size=6, max_size=6)


def segments_of(weights: list[int], priorities: list[int]) -> list[SegmentShare]:
    return [
        SegmentShare(f"s{n}", weight, priority)
        for n, (weight, priority) in enumerate(zip(weights, priorities, strict=False))
    ]


async def filled(hopper: Hopper, segments: list[SegmentShare], each: int, first: int = 0) -> None:
    for n, segment in enumerate(segments):
        start = first + 10_000 * n
        await hopper.offer("march", [a_lead(start + i, segment=segment.name) for i in range(each)], NOON)


async def leased(hopper: Hopper, segments: list[SegmentShare], n: int) -> Counter[str]:
    return Counter(lead.segment for lead in await hopper.lease("march", segments, n, NOON, LATER))


def on(server: EmbeddedRedis, story: Callable[[Hopper], Awaitable[None]]) -> None:
    async def told() -> None:
        async with await connect(server.url, 10.0) as link:
            await link.call("FLUSHALL")
            await story(Hopper(link))

    asyncio.run(told())


@settings(max_examples=25, deadline=None)
@given(weights, priorities, lease_sizes)
def test_while_all_have_leads_nobody_is_further_from_its_share_than_one_turn(
    redis_server: EmbeddedRedis, weights: list[int], priorities: list[int], sizes: list[int]
) -> None:
    async def story(hopper: Hopper) -> None:
        segments = segments_of(weights, priorities)
        await filled(hopper, segments, EACH)
        got: Counter[str] = Counter()
        for size in sizes:
            got += await leased(hopper, segments, size)
            for a in segments:
                for b in segments:
                    apart = got[a.name] / a.weight - got[b.name] / b.weight
                    assert apart <= 1 / a.weight + 1 / b.weight + 1e-9

    on(redis_server, story)


@settings(max_examples=25, deadline=None)
@given(weights, priorities)
def test_nobody_starves_however_small_its_weight(
    redis_server: EmbeddedRedis, weights: list[int], priorities: list[int]
) -> None:
    async def story(hopper: Hopper) -> None:
        segments = segments_of(weights, priorities)
        await filled(hopper, segments, 150)
        got = Counter[str]()
        for _ in range(sum(weights) // 5 + 1):
            got += await leased(hopper, segments, 5)
        assert min(got[segment.name] for segment in segments) >= 1

    on(redis_server, story)


@settings(max_examples=15, deadline=None)
@given(weights, priorities, st.integers(1, 80))
def test_a_segment_that_had_nothing_comes_back_without_credit(
    redis_server: EmbeddedRedis, weights: list[int], priorities: list[int], alone: int
) -> None:
    async def story(hopper: Hopper) -> None:
        segments = segments_of(weights, priorities)
        away, present = segments[0], segments[1:]
        await filled(hopper, present, EACH)
        await leased(hopper, segments, alone)
        await filled(hopper, [away], EACH, first=500_000)
        got = await leased(hopper, segments, 60)
        for other in present:
            assert got[away.name] / away.weight - got[other.name] / other.weight <= (
                1 / away.weight + 1 / other.weight + 1e-9
            )

    on(redis_server, story)


@settings(max_examples=15, deadline=None)
@given(weights, priorities, lease_sizes)
def test_every_due_lead_is_handed_out_once_and_the_share_of_an_empty_segment_goes_to_the_others(
    redis_server: EmbeddedRedis, weights: list[int], priorities: list[int], sizes: list[int]
) -> None:
    async def story(hopper: Hopper) -> None:
        segments = segments_of(weights, priorities)
        for n, segment in enumerate(segments):
            await filled(hopper, [segment], 3 * n, first=10_000 * n)
        wanted = sum(3 * n for n in range(len(segments)))
        got: list[int] = []
        for size in [*sizes, 60, 60]:
            leads = await hopper.lease("march", segments, size, NOON, LATER)
            assert len(leads) == min(size, wanted - len(got))
            got += [lead.lead_id for lead in leads]
        assert len(got) == len(set(got)) == wanted

    on(redis_server, story)


def test_with_equal_claims_the_higher_priority_goes_first(redis_server: EmbeddedRedis) -> None:
    async def story(hopper: Hopper) -> None:
        segments = [SegmentShare("low", 3, 1), SegmentShare("high", 3, 2), SegmentShare("middle", 3, 1)]
        await filled(hopper, segments, 20)
        for _ in range(4):
            leads = await hopper.lease("march", segments, 3, NOON, LATER)
            assert [lead.segment for lead in leads] == ["high", "low", "middle"]

    on(redis_server, story)


def test_more_segments_than_are_made_ready_at_once_all_get_their_turn(redis_server: EmbeddedRedis) -> None:
    async def story(hopper: Hopper) -> None:
        segments = [SegmentShare(f"s{n}") for n in range(300)]
        await hopper.offer("march", [a_lead(n, segment=f"s{n % 300}") for n in range(600)])
        got = [lead.segment for _ in range(6) for lead in await hopper.lease("march", segments, 50, NOON, LATER)]
        assert len(set(got)) == len(got) == 300

    on(redis_server, story)


@settings(max_examples=15, deadline=None)
@given(weights, priorities, lease_sizes, st.integers(2, 5))
def test_whoever_is_in_another_call_costs_its_segment_no_turn(
    redis_server: EmbeddedRedis, weights: list[int], priorities: list[int], sizes: list[int], every: int
) -> None:
    async def story(hopper: Hopper) -> None:
        segments = segments_of(weights, priorities)
        await hopper.offer("april", [a_lead(999_999)])
        busy = (await hopper.lease("april", [SegmentShare("early")], 1, NOON, LATER))[0].phone
        unlucky = [
            a_lead(n, segment=segments[0].name, **({"phone": busy} if n % every == 0 else {})) for n in range(EACH)
        ]
        await hopper.offer("march", unlucky, NOON)
        await filled(hopper, segments[1:], EACH, first=10_000)
        got: Counter[str] = Counter()
        for size in sizes:
            given = await leased(hopper, segments, size)
            assert given.total() == size
            got += given
            for a in segments:
                for b in segments:
                    apart = got[a.name] / a.weight - got[b.name] / b.weight
                    assert apart <= 1 / a.weight + 1 / b.weight + 1e-9

    on(redis_server, story)
