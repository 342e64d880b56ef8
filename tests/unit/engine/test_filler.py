"""Filling the hopper: due leads that may be called; the others rest until they may, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

import pytest

from campaigns.cadence.promised import CallbackDue
from campaigns.callbacks import Standing
from dialer.engine.filler import BATCH, LOW_WATER, SHORT_WAIT, UNKNOWN_WAIT, Filler
from dialer.engine.keeper import Part
from dialer.engine.lane import Lane
from dialer.pacing import Pacer, PacingPolicy
from dialer.types import QueuedLead, Refused, Unavailable
from tests.unit.engine.counter import a_counsel
from tests.unit.engine.desk import NOON, Door, FakeRedis, HandClock, a_campaign, a_config, a_lead, a_moment


class FakeLists(Door):
    """The books, as far as the filler reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.due: list[QueuedLead] = []
        self.put_off: dict[int, datetime] = {}
        self.asked: list[tuple[str, int]] = []
        self.callbacks: dict[int, Standing] = {}
        self.promised: dict[int, date] = {}

    async def due_leads(
        self, campaign: str, now: datetime, limit: int, *, only: Collection[str] | None = None, each: int | None = None
    ) -> list[QueuedLead]:
        await self.pass_()
        self.asked.append((campaign, limit))
        return self.due

    async def callbacks_due(self, lead_ids: Collection[int]) -> Mapping[int, Standing]:
        await self.pass_()
        return {lead_id: self.callbacks[lead_id] for lead_id in lead_ids if lead_id in self.callbacks}

    async def promised_debts(self, account_ids: Collection[int]) -> Mapping[int, date]:
        await self.pass_()
        return {account: day for account, day in self.promised.items() if account in account_ids}

    async def postpone(self, until: Mapping[int, datetime]) -> None:
        await self.pass_()
        self.put_off |= until


class Pantry:
    """A filler with one running campaign."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.redis = FakeRedis()
        self.lists = FakeLists()
        self.parts = {"redis": Part("redis"), "database": Part("database")}
        self.at_work: set[str] = set()
        self.accounted: list[tuple[str, bool]] = []
        self.lane = Lane(1, "key", a_campaign(), "a1", Pacer(PacingPolicy(mode="progressive")))
        self.filler = Filler(
            a_config(),
            self.clock,
            hopper=self.redis,
            lists=self.lists,
            lanes=lambda: [self.lane],
            parts=self.parts,
            counsel=a_counsel(),
            account_for=self._account_for,
            at_work=lambda: self.at_work,
        )

    async def _account_for(self, late: Sequence[str]) -> None:
        await self.lists.pass_()
        self.accounted += [(call_id, call_id in [lead.call_id for lead in self.redis.overdue]) for call_id in late]

    @property
    def queued(self) -> list[int]:
        return [lead.lead_id for lead in self.redis.queued.get("c1", [])]


@pytest.fixture
def pantry() -> Pantry:
    return Pantry()


async def test_due_leads_are_offered(pantry: Pantry):
    pantry.lists.due = [a_lead(1), a_lead(2)]
    await pantry.filler.turn()
    assert pantry.queued == [1, 2]
    assert pantry.lists.asked == [("c1", BATCH)]


async def test_a_lead_outside_its_hours_rests_until_they_begin(pantry: Pantry):
    # Her number says Argentina, she says Bogota: it must be eight in both.
    pantry.lists.due = [a_lead(1, time_zone="America/Bogota"), a_lead(2)]
    await pantry.filler.turn()
    assert pantry.queued == [2]
    assert pantry.lists.put_off == {1: datetime.fromisoformat("2026-03-03T13:00:00+00:00")}


async def test_a_lead_of_an_unknown_zone_rests_a_day(pantry: Pantry):
    pantry.lists.due = [a_lead(1, time_zone="Nowhere/At_All")]
    await pantry.filler.turn()
    assert pantry.lists.put_off == {1: NOON + UNKNOWN_WAIT}


@pytest.mark.parametrize(
    ("refused", "until"),
    [
        (Refused("phone_day_limit", until=NOON + timedelta(hours=9)), NOON + timedelta(hours=9)),
        (Refused("opted_out"), NOON + UNKNOWN_WAIT),
        (Refused("in_call"), NOON + SHORT_WAIT),
        (Refused("already_tried"), NOON + SHORT_WAIT),
        (Refused("phone_retired"), NOON + SHORT_WAIT),
    ],
    ids=lambda value: value.rule if isinstance(value, Refused) else "",
)
async def test_a_refused_lead_rests_as_long_as_the_reason_lasts(pantry: Pantry, refused: Refused, until: datetime):
    pantry.filler.put_off(a_lead(1), refused)
    await pantry.filler.turn()
    assert pantry.lists.put_off == {1: until}


@pytest.mark.parametrize("state", ["paused", "stopping"])
async def test_only_running_campaigns_are_filled(pantry: Pantry, state: str):
    pantry.lane.state = state
    pantry.lists.due = [a_lead(1)]
    await pantry.filler.turn()
    assert pantry.queued == []


async def test_a_full_hopper_asks_the_books_nothing(pantry: Pantry):
    pantry.redis.queued["c1"] = [a_lead(number) for number in range(LOW_WATER)]
    await pantry.filler.turn()
    assert pantry.lists.asked == []
    assert pantry.filler.waiting == {"c1": LOW_WATER}


async def test_leases_that_ran_out_are_ended_after_their_calls_are_counted(pantry: Pantry):
    pantry.redis.overdue = [a_lead(number) for number in range(5)]
    await pantry.filler.turn()
    assert pantry.accounted == [(a_lead(number).call_id, True) for number in range(5)]
    assert pantry.redis.overdue == []


async def test_what_could_not_be_written_down_is_not_forgotten(pantry: Pantry):
    pantry.filler.put_off(a_lead(1), Refused("in_call"))
    pantry.lists.away = True
    with pytest.raises(Unavailable):
        await pantry.filler.turn()
    pantry.lists.away = False
    await pantry.filler.turn()
    assert pantry.lists.put_off == {1: NOON + SHORT_WAIT}


async def test_what_is_refused_meanwhile_stands_over_what_was_refused_before(pantry: Pantry):
    async def fails(until: Mapping[int, datetime]) -> None:
        pantry.filler.put_off(a_lead(1), Refused("phone_day_limit", until=NOON + timedelta(hours=9)))
        raise Unavailable("away")

    pantry.filler.put_off(a_lead(1), Refused("in_call"))
    pantry.filler.put_off(a_lead(2), Refused("in_call"))
    books, pantry.lists.postpone = pantry.lists.postpone, fails  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await pantry.filler.turn()
    pantry.lists.postpone = books  # type: ignore[method-assign]
    await pantry.filler.turn()
    assert pantry.lists.put_off == {1: NOON + timedelta(hours=9), 2: NOON + SHORT_WAIT}


@pytest.mark.parametrize(("door", "part"), [("redis", "redis"), ("lists", "database")])
async def test_the_part_that_is_away_is_named(pantry: Pantry, door: str, part: str):
    getattr(pantry, door).away = True
    with pytest.raises(Unavailable):
        await pantry.filler.turn()
    assert [name for name, each in pantry.parts.items() if not each.ok] == [part]


async def test_redis_that_answers_again_is_well(pantry: Pantry):
    pantry.parts["redis"].failed("away")
    await pantry.filler.turn()
    assert pantry.parts["redis"].ok


async def test_the_filler_outlives_an_outage_and_hurries_when_told(pantry: Pantry):
    pantry.redis.away = True
    pantry.lists.due = [a_lead(1)]
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(pantry.filler.run())
        await a_moment()
        pantry.redis.away = False
        pantry.filler.hurry()
        await a_moment()
        running.cancel()
    assert pantry.queued == [1]


async def test_a_promised_call_waits_for_its_agent_and_then_carries_the_wish(pantry: Pantry):
    due = CallbackDue(NOON, "ana", NOON + timedelta(hours=1), NOON + timedelta(days=7))
    pantry.lists.callbacks[1] = Standing(1, None, due, None, NOON - timedelta(days=1))
    pantry.lists.due = [a_lead(1, priority=900), a_lead(2)]
    await pantry.filler.turn()
    assert pantry.queued == [2]
    assert pantry.lists.put_off == {1: NOON + SHORT_WAIT}
    pantry.at_work = {"ana"}
    pantry.lists.due = [a_lead(1, priority=900)]
    await pantry.filler.turn()
    lead = pantry.redis.queued["c1"][-1]
    assert (lead.last_agent, lead.asked_at, lead.asked_until_at) == ("ana", NOON - timedelta(days=1), due.expires_at)


async def test_a_debt_that_somebody_promised_to_pay_is_let_be_until_the_day_is_over(pantry: Pantry):
    pantry.lists.promised = {7: date(2026, 3, 5)}
    pantry.lists.due = [a_lead(1, accounts=(7,)), a_lead(2, accounts=(7, 8))]
    await pantry.filler.turn()
    assert [(lead.lead_id, lead.accounts) for lead in pantry.redis.queued["c1"]] == [(2, (8,))]
    assert pantry.lists.put_off == {1: datetime.fromisoformat("2026-03-06T03:00:00+00:00")}
