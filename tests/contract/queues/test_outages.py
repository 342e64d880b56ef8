"""Redis killed in the middle: a clear error while it is away, and the same objects work when it is back."""

import os
import signal
from datetime import timedelta

import pytest

from campaigns.compliance import person_key
from dialer.queues import EmbeddedRedis, Hopper, connect, ensure
from dialer.queues.ledger import Ledger
from dialer.types import ConfigError, Unavailable

from .conftest import EARLY, NOON, a_lead


def kill(server: EmbeddedRedis, how: signal.Signals = signal.SIGKILL) -> None:
    os.kill(int((server.directory / "redis.pid").read_text()), how)


async def test_a_killed_redis_is_named_and_its_leases_are_there_when_it_is_back(own_server: EmbeddedRedis) -> None:
    async with await connect(own_server.url, 2.0) as link:
        hopper = Hopper(link)
        await link.call("CONFIG SET", "appendfsync", "always")
        await hopper.offer("march", [a_lead(1), a_lead(2)])
        await hopper.lease("march", EARLY, 1, NOON, NOON + timedelta(minutes=2))
        kill(own_server)
        with pytest.raises(Unavailable, match=r"redis\.sock.*redis\.url"):
            await hopper.depth("march")
        await ensure(own_server.directory.parent)
        assert await hopper.depth("march") == {"early": 1}
        assert [lead.lead_id for lead in await hopper.leased()] == [1]


async def test_a_redis_that_hangs_is_given_up_at_the_deadline_and_used_again_later(own_server: EmbeddedRedis) -> None:
    async with await connect(own_server.url, 0.3) as link:
        await link.call("SET", "first", "1")
        kill(own_server, signal.SIGSTOP)
        with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
            await link.call("GET", "first")
        kill(own_server, signal.SIGCONT)
        await link.call("SET", "second", "2")
        assert await link.call("GET", "second") == "2"


async def test_a_redis_out_of_memory_is_unavailable_not_a_crash(own_server: EmbeddedRedis) -> None:
    async with await connect(own_server.url, 2.0) as link:
        ledger = Ledger(link)
        await ledger.mark_ready(await ledger.begin_rebuild())
        await link.call("CONFIG SET", "maxmemory", "1")
        with pytest.raises(Unavailable, match="maxmemory"):
            await Hopper(link).offer("march", [a_lead(1)])
        for together in (True, False):
            with pytest.raises(Unavailable, match="maxmemory"):
                await link.together([("SET", "first", "1")], atomic=together)
        with pytest.raises(Unavailable, match="maxmemory"):
            await ledger.reserve("t1", NOON, [person_key(1)], ())


async def test_nobody_listening_is_named_with_its_address() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/0"):
        await connect("redis://user:s3cret@127.0.0.1:1/0", 1.0)


async def test_the_password_is_never_shown() -> None:
    with pytest.raises(Unavailable) as caught:
        await connect("redis://user:s3cret@127.0.0.1:1/0", 1.0)
    assert "s3cret" not in str(caught.value)


async def test_a_wrong_url_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"redis\.url"):
        await connect("localhost:6379", 1.0)
