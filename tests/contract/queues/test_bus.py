"""Requests to the engine: answered once, refused in words, and never executed too late."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dialer.queues import CommandBus, EngineBeat, RedisLink
from dialer.queues.agents import AgentBoard
from dialer.queues.bus import Handler
from dialer.types import DialerError, InputError, Unavailable


@asynccontextmanager
async def served(bus: CommandBus, handler: Handler) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as engine:
        task = engine.create_task(bus.serve(handler))
        yield
        task.cancel()


async def echo(kind: str, payload: dict[str, Any]) -> Mapping[str, Any]:
    return {"kind": kind, **payload}


async def test_a_request_is_answered(redis: RedisLink) -> None:
    bus = CommandBus(redis)
    async with served(bus, echo):
        assert await bus.request("agent.ready", {"name": "ana"}, 5) == {"kind": "agent.ready", "name": "ana"}


async def test_many_requests_at_once_each_get_their_own_answer(redis: RedisLink) -> None:
    bus = CommandBus(redis)
    async with served(bus, echo):
        answers = await asyncio.gather(*(bus.request("echo", {"n": n}, 10) for n in range(25)))
    assert [answer["n"] for answer in answers] == list(range(25))


async def test_a_slow_request_does_not_hold_up_the_next(redis: RedisLink) -> None:
    bus, softphone = CommandBus(redis), asyncio.Event()

    async def handler(kind: str, payload: dict[str, Any]) -> Mapping[str, Any]:
        if kind == "login":
            await softphone.wait()
        else:
            softphone.set()
        return {}

    async with served(bus, handler):
        await asyncio.gather(bus.request("login", {}, 10), bus.request("status", {}, 10))


async def test_whoever_asked_for_what_cannot_be_is_told_so(redis: RedisLink) -> None:
    async def handler(kind: str, payload: dict[str, Any]) -> Mapping[str, Any]:
        raise InputError("unknown campaign", error_id="campaign-unknown")

    bus = CommandBus(redis)
    async with served(bus, handler):
        with pytest.raises(InputError, match="unknown campaign") as caught:
            await bus.request("campaign.start", {}, 5)
    assert caught.value.error_id == "campaign-unknown"


async def test_a_refusal_travels_back_with_its_id_and_words(redis: RedisLink) -> None:
    async def handler(kind: str, payload: dict[str, Any]) -> Mapping[str, Any]:
        raise DialerError("agent 'ana' is in a call", error_id="agent-busy")

    bus = CommandBus(redis)
    async with served(bus, handler):
        with pytest.raises(DialerError, match="in a call") as caught:
            await bus.request("agent.logout", {}, 5)
    assert caught.value.error_id == "agent-busy"


async def test_a_bug_in_the_engine_is_answered_and_still_heard(redis: RedisLink) -> None:
    async def handler(kind: str, payload: dict[str, Any]) -> Mapping[str, Any]:
        raise ZeroDivisionError

    bus = CommandBus(redis)

    async def asks() -> None:
        with pytest.raises(DialerError) as caught:
            await bus.request("boom", {}, 5)
        assert caught.value.error_id == "internal"

    outcome = await asyncio.gather(bus.serve(handler), asks(), return_exceptions=True)
    assert isinstance(outcome[0], ExceptionGroup)
    assert outcome[1] is None


async def test_without_an_engine_the_request_says_so(redis: RedisLink) -> None:
    with pytest.raises(Unavailable, match="dialer engine"):
        await CommandBus(redis).request("status", {}, 0.05)


async def test_a_request_older_than_its_time_is_not_executed(redis: RedisLink) -> None:
    bus, seen = CommandBus(redis), []

    async def handler(kind: str, payload: dict[str, Any]) -> Mapping[str, Any]:
        seen.append(kind)
        return {}

    with pytest.raises(Unavailable):
        await bus.request("too late", {}, 0.05)
    async with served(bus, handler):
        await bus.request("in time", {}, 5)
    assert seen == ["in time"]


async def test_two_engines_never_execute_one_request_both(redis: RedisLink) -> None:
    bus, seen = CommandBus(redis), []

    async def handler(kind: str, payload: dict[str, Any]) -> Mapping[str, Any]:
        seen.append(payload["n"])
        return {}

    async with served(bus, handler), served(bus, handler):
        for n in range(20):
            await bus.request("once", {"n": n}, 5)
    assert sorted(seen) == list(range(20))


async def test_an_entry_that_is_no_request_is_dropped(redis: RedisLink) -> None:
    bus = CommandBus(redis)
    await redis.call("XADD", "{dialer}:requests", "*", "hello", "world")
    async with served(bus, echo):
        assert await bus.request("echo", {}, 5) == {"kind": "echo"}


async def test_the_beat_is_read_while_the_engine_lives(redis: RedisLink) -> None:
    beat = EngineBeat(redis)
    assert await beat.read() is None
    await beat.beat({"calls": 3})
    assert await beat.read() == {"calls": 3}
    await beat.stop()
    assert await beat.read() is None


async def test_the_beat_vanishes_by_itself(redis: RedisLink) -> None:
    await EngineBeat(redis).beat({})
    assert 0 < await redis.call("PTTL", "{dialer}:engine") <= 4000


async def test_the_board_keeps_each_agent_as_last_published(redis: RedisLink) -> None:
    board = AgentBoard(redis)
    await board.publish({"ana": {"state": "ready"}, "luis": {"state": "paused", "reason": "lunch"}})
    await board.publish({"ana": {"state": "talking", "call_id": "t1"}})
    assert await board.read() == {
        "ana": {"state": "talking", "call_id": "t1"},
        "luis": {"state": "paused", "reason": "lunch"},
    }


async def test_an_agent_taken_off_the_board_is_gone(redis: RedisLink) -> None:
    board = AgentBoard(redis)
    await board.publish({"ana": {"state": "ready"}})
    await board.publish({"ana": None})
    assert await board.read() == {}
