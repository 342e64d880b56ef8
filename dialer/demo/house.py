"""The running installation as its people see it: agents at softphones, a supervisor who watches, orders on the bus."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from dialer.config import Config
from dialer.demo.agents import Crew, Order
from dialer.demo.files import CAMPAIGN, staff
from dialer.demo.report import so_far
from dialer.demo.sight import Sight, sight
from dialer.queues import AgentBoard, CommandBus
from dialer.routing import AgentState
from dialer.store import Store
from dialer.types import Clock, DialerError

log = structlog.get_logger("dialer.demo")

LOOK_S = 0.05
SIGHT_S = 0.25
ORDER_S = 5.0
LOGIN_S = 20.0
_AGAIN_S = 0.1


class House:
    """Speaks to the engine over the command bus, as agents and supervisors do, and reads board and books."""

    def __init__(self, config: Config, store: Store, bus: CommandBus, board: AgentBoard, crew: Crew) -> None:
        self._clock: Clock = config.clock()
        self._store = store
        self._bus = bus
        self._board = board
        self._crew = crew

    async def open(self, check: Callable[[], None]) -> None:
        """Start the campaign and log everybody in; returns when the first call is possible.

        `check` raises when there is nothing to wait for any more. Raises DialerError.
        """
        await self._insist("campaign.start", {"campaign": CAMPAIGN}, check)
        async with asyncio.TaskGroup() as tasks:
            for name, _, _ in staff():
                login = {"agent": name, "campaign": CAMPAIGN, "ready": True}
                tasks.create_task(self._insist("agent.login", login, check))

    async def _insist(self, kind: str, payload: Mapping[str, Any], check: Callable[[], None]) -> None:
        """Ask until it is done: the engine may not have reached its Asterisk yet. Raises the last refusal."""
        until = self._clock.monotonic() + LOGIN_S
        while True:
            check()
            try:
                await self._bus.request(kind, payload, ORDER_S)
            except DialerError as exc:
                if self._clock.monotonic() > until:
                    raise
                log.info("asked again", order=kind, detail=str(exc))
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def work(self, until: asyncio.Event, *, hurry: bool = False) -> None:
        """Act for the agents until the event; `hurry` ends every wrap-up at once, and nobody takes a break."""
        async with asyncio.TaskGroup() as tasks:
            while not until.is_set():
                orders = self._crew.look(await self._board.read(), self._clock.now(), hurry=hurry)
                for mine in orders:
                    tasks.create_task(self._give(mine))
                await pause(until, LOOK_S)

    async def _give(self, orders: Sequence[Order]) -> None:
        """Send an agent's orders one after the other; what the engine refuses is told in the log."""
        for order in orders:
            try:
                await self._bus.request(order.kind, order.payload, ORDER_S)
            except DialerError as exc:
                log.info("refused", order=order.kind, agent=order.agent, detail=str(exc))

    async def see(self, left_s: float) -> Sight:
        """Return what there is to be seen now; raises Unavailable."""
        status = await self._bus.request("engine.status", {}, ORDER_S)
        async with self._store.snapshot() as session:
            books = await so_far(session)
        clock = self._clock
        return sight(status, CAMPAIGN, books, now=clock.now(), speed=clock.speed, left_s=left_s)

    async def stop_dialling(self) -> None:
        """Place no new calls; those that ring end after the legal minimum."""
        await self._bus.request("campaign.stop", {"campaign": CAMPAIGN}, ORDER_S)

    async def say_goodbye(self) -> None:
        """Let every agent in a conversation end it."""
        board = await self._board.read()
        talking = [name for name, said in board.items() if said["state"] == AgentState.TALKING]
        async with asyncio.TaskGroup() as tasks:
            for name in talking:
                tasks.create_task(self._give([Order("agent.hangup", name)]))

    async def busy(self) -> int:
        """Return how many agents have a conversation or its wrap-up to finish."""
        states = Counter(said["state"] for said in (await self._board.read()).values())
        return sum(states[state] for state in (AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP))


async def pause(until: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until the event."""
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        return
