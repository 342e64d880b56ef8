"""Who is called next, and that nobody is ever in two calls at once."""

import asyncio
import random
from datetime import datetime, timedelta

import pytest

from dialer.queues import Hopper, RedisLink, SegmentShare
from dialer.types import InputError, QueuedLead

from .conftest import EARLY, NOON, a_lead

SOON = NOON + timedelta(minutes=2)
BOTH = [SegmentShare("early", 2, priority=9), SegmentShare("late", 1, priority=1)]


@pytest.fixture
def hopper(redis: RedisLink) -> Hopper:
    return Hopper(redis)


async def lease(hopper: Hopper, n: int = 10, now: datetime = NOON, campaign: str = "march") -> list[int]:
    leads = await hopper.lease(campaign, BOTH, n, now, now + timedelta(minutes=2))
    return [lead.lead_id for lead in leads]


async def test_a_lead_comes_back_from_the_hopper_as_it_went_in(hopper: Hopper) -> None:
    lead = a_lead(1, debtor='José Ñandú\t"quoted"', last_agent="ana")
    await hopper.offer("march", [lead])
    assert await hopper.lease("march", EARLY, 1, NOON, SOON) == [lead]


async def test_calls_are_shared_between_segments_by_weight_and_in_one_the_earliest_due_goes_first(
    hopper: Hopper,
) -> None:
    await hopper.offer(
        "march",
        [
            a_lead(1, segment="late", due_at=NOON - timedelta(hours=9)),
            a_lead(2, due_at=NOON - timedelta(minutes=1)),
            a_lead(3, due_at=NOON - timedelta(minutes=5)),
            a_lead(4, segment="late", due_at=NOON - timedelta(hours=8)),
            a_lead(5, due_at=NOON - timedelta(minutes=3)),
        ],
    )
    assert await lease(hopper) == [3, 5, 1, 2, 4]


@pytest.mark.parametrize("now", [None, NOON])
async def test_among_due_leads_a_higher_priority_goes_first_however_late_it_fell_due(
    hopper: Hopper, now: datetime | None
) -> None:
    leads = [
        a_lead(1, due_at=NOON - timedelta(days=3)),
        a_lead(2, priority=5, due_at=NOON - timedelta(seconds=1)),
        a_lead(3, priority=5, due_at=NOON - timedelta(seconds=2)),
        a_lead(4, priority=99, due_at=NOON + timedelta(seconds=1)),
        a_lead(5, priority=-1, due_at=NOON - timedelta(days=9)),
    ]
    await hopper.offer("march", leads, now)
    assert await lease(hopper) == [3, 2, 1, 5]


async def test_a_priority_beyond_all_bounds_is_the_highest_there_is(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1, priority=32_767), a_lead(2, priority=10**9)])
    assert sorted(await lease(hopper)) == [1, 2]


async def test_debts_and_priority_of_a_lead_come_back(hopper: Hopper) -> None:
    lead = a_lead(1, priority=7, accounts=(4, 9))
    await hopper.offer("march", [lead])
    assert await hopper.lease("march", EARLY, 1, NOON, SOON) == [lead]


async def test_a_lead_that_is_not_due_yet_waits(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1, due_at=NOON + timedelta(seconds=1))])
    assert await lease(hopper) == []
    assert await lease(hopper, now=NOON + timedelta(seconds=1)) == [1]


async def test_a_lead_offered_twice_is_queued_once(hopper: Hopper) -> None:
    assert await hopper.offer("march", [a_lead(1), a_lead(2), a_lead(1)]) == 2
    assert await hopper.offer("march", [a_lead(1)]) == 0


async def test_a_leased_lead_is_not_queued_again_until_its_call_ends(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1)])
    await lease(hopper)
    assert await hopper.offer("march", [a_lead(1)]) == 0
    await hopper.release([a_lead(1)])
    assert await hopper.offer("march", [a_lead(1)]) == 1


async def test_a_debtor_in_a_call_of_one_campaign_is_not_offered_in_another(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1)])
    await lease(hopper)
    assert await hopper.offer("april", [a_lead(99, debtor_id=1)]) == 0


async def test_a_debtor_queued_twice_gets_one_call_at_a_time(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1), a_lead(2, debtor_id=1)])
    await hopper.offer("april", [a_lead(3, debtor_id=1)])
    assert await lease(hopper) == [1]
    assert await lease(hopper, campaign="april") == []


async def test_two_debtors_who_share_a_phone_are_not_called_at_once(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1, phone="+5491100000000"), a_lead(2, phone="+5491100000000"), a_lead(3)])
    assert await lease(hopper) == [1, 3]


async def test_what_was_set_aside_for_its_debtor_returns_when_the_call_ends(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1), a_lead(2, debtor_id=1)])
    await lease(hopper)
    await lease(hopper)
    await hopper.release([a_lead(1).call_id])
    assert await lease(hopper) == [2]


async def test_what_was_set_aside_for_its_phone_returns_after_a_while(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1, phone="+5491100000000"), a_lead(2, phone="+5491100000000")])
    await lease(hopper)
    await hopper.release([a_lead(1)])
    assert await lease(hopper, now=NOON + timedelta(minutes=1)) == [2]


async def test_a_head_full_of_busy_debtors_is_looked_at_once_and_does_not_block_the_rest(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1)])
    await lease(hopper)
    busy = [a_lead(100 + i, phone=a_lead(1).phone, due_at=NOON - timedelta(hours=1)) for i in range(300)]
    await hopper.offer("march", [*busy, a_lead(2)])
    served = [await lease(hopper, n=1) for _ in range(8)]
    assert [2] in served
    assert await hopper.aside("march") == 300


async def test_release_tells_which_calls_were_held(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1)])
    await lease(hopper)
    released = await hopper.release([a_lead(1), a_lead(2)])
    assert [lead.lead_id for lead in released] == [1]
    assert await hopper.release([a_lead(1)]) == []


async def test_a_lease_past_its_deadline_is_given_back_once(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1)])
    await lease(hopper)
    assert await hopper.expire(NOON + timedelta(seconds=119)) == []
    assert await hopper.expire(NOON + timedelta(seconds=120)) == [a_lead(1)]
    assert await hopper.expire(NOON + timedelta(seconds=120)) == []
    assert await hopper.offer("march", [a_lead(1)]) == 1


async def test_only_the_late_leases_that_were_looked_at_are_ended(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1), a_lead(2)])
    await lease(hopper)
    late = NOON + timedelta(seconds=120)
    assert sorted(await hopper.late(late)) == sorted([a_lead(1).call_id, a_lead(2).call_id])
    assert await hopper.expire(late, [a_lead(2).call_id]) == [a_lead(2)]
    assert await hopper.expire(late - timedelta(seconds=1), [a_lead(1).call_id]) == []
    assert await hopper.late(late) == [a_lead(1).call_id]


async def test_a_renewed_lease_lives_on(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1)])
    await lease(hopper)
    lost = await hopper.renew([a_lead(1).call_id, a_lead(2).call_id], NOON + timedelta(hours=1))
    assert lost == [a_lead(2).call_id]
    assert await hopper.expire(NOON + timedelta(minutes=30)) == []


async def test_the_release_of_an_expired_call_does_not_free_the_next_call_to_that_debtor(hopper: Hopper) -> None:
    second_try = a_lead(1, try_no=2, call_id=a_lead(77).call_id)
    await hopper.offer("march", [a_lead(1)])
    await lease(hopper)
    await hopper.expire(SOON)
    await hopper.offer("march", [second_try])
    await lease(hopper)
    await hopper.release([a_lead(1)])
    assert await hopper.leased() == [second_try]
    assert await hopper.offer("april", [a_lead(5, debtor_id=1)]) == 0


async def test_depth_counts_what_waits_in_each_segment(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1), a_lead(2), a_lead(3, segment="late")])
    await lease(hopper, n=1)
    assert await hopper.depth("march") == {"early": 1, "late": 1}
    assert await hopper.depth("april") == {}


async def test_clear_empties_the_queues_of_one_campaign_and_leaves_its_calls(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(i) for i in range(1, 600)] + [a_lead(600, debtor_id=1)])
    await hopper.offer("april", [a_lead(1000)])
    await lease(hopper, n=1)
    await lease(hopper, n=1)
    assert await hopper.clear("march") == 598
    assert await hopper.depth("march") == {"early": 0}
    assert await hopper.depth("april") == {"early": 1}
    assert len(await hopper.leased()) == 2


async def test_a_debtor_removed_leaves_every_queue_of_every_campaign(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1), a_lead(2)])
    await hopper.offer("april", [a_lead(3, debtor_id=1)])
    assert await hopper.remove_debtor(1) == 2
    assert await lease(hopper) == [2]
    assert await hopper.depth("april") == {"early": 0}


async def test_a_debtor_removed_while_set_aside_does_not_come_back(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1), a_lead(2, debtor_id=1)])
    await lease(hopper)
    await hopper.remove_debtor(1)
    await hopper.release([a_lead(1)])
    assert await lease(hopper, now=NOON + timedelta(hours=1)) == []


async def test_a_debtor_removed_during_a_call_leaves_the_queues_and_the_call_goes_on(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1), a_lead(2, debtor_id=1)])
    await hopper.offer("april", [a_lead(3, debtor_id=1, due_at=SOON)])
    await lease(hopper, n=1)
    assert await hopper.remove_debtor(1) == 2
    assert await hopper.leased() == [a_lead(1)]
    assert await hopper.release([a_lead(1)]) == [a_lead(1)]
    assert await hopper.offer("march", [a_lead(2, debtor_id=1)]) == 1


async def test_clear_takes_those_who_wait_for_their_time(hopper: Hopper) -> None:
    await hopper.offer("march", [a_lead(1), a_lead(2, due_at=SOON, priority=3)], NOON)
    assert await hopper.clear("march") == 2
    assert await lease(hopper, now=SOON) == []
    assert await hopper.offer("march", [a_lead(1), a_lead(2)]) == 2


async def test_with_many_segments_whoever_falls_due_is_not_overlooked(hopper: Hopper) -> None:
    segments = [SegmentShare(f"s{n}") for n in range(35)]
    await hopper.offer("march", [a_lead(n, segment=f"s{n % 35}") for n in range(35 * 8)], NOON)
    urgent = [a_lead(1000 + n, segment=f"s{n}", priority=9, due_at=NOON + timedelta(seconds=1)) for n in range(35)]
    await hopper.offer("march", urgent, NOON)
    got = [lead for _ in range(5) for lead in await hopper.lease("march", segments, 35, SOON, SOON)]
    assert {lead.lead_id for lead in got} >= {lead.lead_id for lead in urgent}


async def test_a_phone_that_would_break_the_record_is_refused(hopper: Hopper) -> None:
    with pytest.raises(InputError, match="tab"):
        await hopper.offer("march", [a_lead(1, phone="+54\t911")])


def test_a_segment_without_weight_is_refused() -> None:
    with pytest.raises(InputError, match="starve"):
        SegmentShare("early", 0)


def test_a_segment_whose_name_would_break_a_line_is_refused() -> None:
    with pytest.raises(InputError, match="line end"):
        SegmentShare("early\n")


async def test_the_queues_of_an_older_version_go_and_its_leases_stay(redis: RedisLink, hopper: Hopper) -> None:
    root, held = "{dialer}:hopper", a_lead(1)
    head = "early\t1772539140.0\t{0}\t{1}\t{2}\tmarch\t"
    old = {lead: head.format(lead.debtor_id, lead.phone, lead.call_id) + lead.to_json() for lead in (held, a_lead(2))}
    await redis.call("HSET", f"{root}:leased", held.call_id, old[held])
    await redis.call("ZADD", f"{root}:deadlines", SOON.timestamp(), held.call_id)
    await redis.call("HSET", f"{root}:debtors", held.debtor_id, held.call_id)
    await redis.call("HSET", f"{root}:phones", held.phone, held.call_id)
    await redis.call("HSET", f"{root}:leads", 2, old[a_lead(2)])
    for queue in ("owners", "campaign:march:queue:early", "campaign:march:aside"):
        await redis.call("ZADD", f"{root}:{queue}", 2, 2)
    await redis.call("SADD", f"{root}:campaign:march:segments", "early")
    assert await hopper.offer("march", [a_lead(2), a_lead(9, debtor_id=1)]) == 1
    assert await hopper.leased() == [held]
    assert await redis.call("KEYS", "*:queue:*") == []
    assert await redis.call("EXISTS", f"{root}:leads", f"{root}:owners", f"{root}:campaign:march:aside") == 0
    assert await lease(hopper) == [2]
    assert await hopper.release([held]) == [held]
    assert await hopper.offer("april", [a_lead(9, debtor_id=1)]) == 1


class Centre:
    """Two engines on one Redis; remembers who is in a call and fails at the first double."""

    def __init__(self, redis: RedisLink, seed: int) -> None:
        self.hopper = Hopper(redis)
        self.random = random.Random(seed)
        self.in_call: dict[str, QueuedLead] = {}
        self.called: set[str] = set()

    async def engine(self, campaign: str, rounds: int) -> None:
        for _ in range(rounds):
            leads = await self.hopper.lease(campaign, BOTH, self.random.randint(1, 7), NOON, SOON)
            for lead in leads:
                self._starts(lead)
            await self._ends(self.random.randint(0, 7))

    def _starts(self, lead: QueuedLead) -> None:
        others = self.in_call.values()
        assert lead.call_id not in self.called
        assert lead.debtor_id not in {other.debtor_id for other in others}
        assert lead.phone not in {other.phone for other in others}
        self.in_call[lead.call_id] = lead
        self.called.add(lead.call_id)

    async def _ends(self, n: int) -> None:
        while n > 0 and self.in_call:
            n -= 1
            # Out of the books first: from the release on, the other engine may call this person.
            call_id, _lead = self.in_call.popitem()
            await self.hopper.release([call_id])


@pytest.mark.parametrize("seed", range(5))
async def test_two_engines_leasing_at_once_never_call_one_person_twice(redis: RedisLink, seed: int) -> None:
    centre = Centre(redis, seed)
    rng = random.Random(seed)
    for campaign, first in (("march", 0), ("april", 1000)):
        leads = [
            a_lead(
                first + i,
                debtor_id=rng.randint(1, 80),
                phone=f"+5491100000{rng.randint(100, 180)}",
                segment=rng.choice(["early", "late"]),
            )
            for i in range(400)
        ]
        await centre.hopper.offer(campaign, leads)
    async with asyncio.TaskGroup() as engines:
        for campaign in ("march", "march", "april", "april"):
            engines.create_task(centre.engine(campaign, 60))
    assert len(centre.called) > 100
