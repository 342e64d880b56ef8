"""Redis killed again and again while two engines lease: nobody twice, nobody lost."""

import asyncio
import os
import random
import signal
from collections import Counter
from datetime import timedelta

import pytest

from dialer.queues import CommandBus, EmbeddedRedis, EngineBeat, Hopper, RedisLink, connect, ensure
from dialer.types import QueuedLead, Unavailable

from .conftest import EARLY, NOON, a_lead

LATER = NOON + timedelta(hours=1)


class Engine:
    """Leases and ends calls; writes down in order what it was told, as the books would."""

    def __init__(self, link: RedisLink, rng: random.Random) -> None:
        self.hopper = Hopper(link)
        self.rng = rng
        self.given: list[QueuedLead] = []
        self.ended: set[str] = set()

    async def works(self) -> None:
        """Go on until Redis is gone."""
        try:
            while True:
                mine = await self.hopper.lease("march", EARLY, self.rng.randint(1, 5), NOON, LATER)
                self.given += mine
                for lead in mine[1:]:
                    self.ended.add(lead.call_id)
                    await self.hopper.release([lead])
        except Unavailable:
            return


async def killed_soon(server: EmbeddedRedis, link: RedisLink, commands: int) -> None:
    """Kill -9 after some more commands have run: a moment that depends on no clock."""
    for _ in range(commands):
        await link.call("PING")
    os.kill(int((server.directory / "redis.pid").read_text()), signal.SIGKILL)


async def durable(server: EmbeddedRedis) -> None:
    await ensure(server.directory.parent)
    async with await connect(server.url, 2.0) as link:
        await link.call("CONFIG SET", "appendfsync", "always")


@pytest.mark.parametrize("seed", range(3))
async def test_random_kills_never_give_one_lead_twice_and_lose_none(own_server: EmbeddedRedis, seed: int) -> None:
    rng = random.Random(seed)
    leads = [a_lead(i, debtor_id=i // 3, phone=f"+5491100000{i % 150:03d}") for i in range(300)]
    await durable(own_server)
    async with await connect(own_server.url, 2.0) as link:
        engines = [Engine(link, rng), Engine(link, rng)]
        await engines[0].hopper.offer("march", leads)
        for _ in range(4):
            async with asyncio.TaskGroup() as tasks:
                for engine in engines:
                    tasks.create_task(engine.works())
                tasks.create_task(killed_soon(own_server, link, rng.randint(1, 40)))
            await durable(own_server)
        held = await engines[0].hopper.leased()
        waiting = sum((await engines[0].hopper.depth("march")).values()) + await engines[0].hopper.aside("march")
    given = Counter(lead.call_id for engine in engines for lead in engine.given)
    ended = engines[0].ended | engines[1].ended
    assert max(given.values()) == 1
    assert max(Counter(lead.debtor_id for lead in held).values(), default=1) == 1
    assert max(Counter(lead.phone for lead in held).values(), default=1) == 1
    assert waiting + len(ended | {lead.call_id for lead in held}) == len(leads)


async def test_requests_are_answered_again_when_redis_is_back(
    own_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialer.queues.bus._BLOCK_S", 0.01)

    async def echo(kind: str, payload: dict[str, object]) -> dict[str, object]:
        return {"kind": kind, **payload}

    async with await connect(own_server.url, 2.0) as link, asyncio.TaskGroup() as tasks:
        bus = CommandBus(link)
        engine = tasks.create_task(bus.serve(echo))
        await bus.request("before", {}, 5)
        await killed_soon(own_server, link, 1)
        await ensure(own_server.directory.parent)
        assert await bus.request("after", {}, 5) == {"kind": "after"}
        engine.cancel()


async def test_the_beat_goes_on_when_redis_is_back(own_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.queues.beat.EVERY_S", 0.01)
    async with await connect(own_server.url, 2.0) as link, asyncio.TaskGroup() as tasks:
        beat, away = EngineBeat(link), asyncio.Event()
        engine = tasks.create_task(beat.run(lambda: {"after": away.is_set()}))
        await killed_soon(own_server, link, 1)
        away.set()
        await ensure(own_server.directory.parent)
        while not (await beat.read() or {}).get("after"):  # each read is a round trip: the loop goes on meanwhile
            pass
        engine.cancel()
