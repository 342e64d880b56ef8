"""The performance: prepare, dial for so many seconds, let the calls end, sum up. Owns every task and every process."""

from __future__ import annotations

import asyncio
import random
import secrets
import signal
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from campaigns.importer import import_list
from campaigns.prior import declare_none
from campaigns.repository import Agents, Campaigns
from dialer import logs
from dialer.ami.config import ensure_secrets
from dialer.app.store import open_store
from dialer.clock import SystemClock
from dialer.config import Config, load_campaign, load_config
from dialer.demo import files
from dialer.demo.agents import Crew
from dialer.demo.house import SIGHT_S, House, pause
from dialer.demo.place import CONFIG
from dialer.demo.report import Paths, Report, told
from dialer.demo.screens import Screen
from dialer.demo.settings import SEED, Settings
from dialer.demo.sight import Sight
from dialer.demo.stage import Stage, free_port
from dialer.demo.words import WORDS
from dialer.queues import AgentBoard, CommandBus, EmbeddedRedis, connect, embedded
from dialer.store import Store
from dialer.types import Unavailable

T = TypeVar("T")

LINGER_S = 5.0
"""How long conversations may go on when time is up; then the agents say goodbye."""

RINGS_S = 10.0
WRAP_UP_S = 2.0
PATIENCE_S = 20.0
"""How long the engine may take to keep the last recordings and records."""

HURRIED_S = 3.0
"""The same bounds when the user wants to end."""


@dataclass
class Wish:
    """What the user wants: to go on, or to end. A second signal asks the processes once more, who then cut."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    stage: Stage | None = None

    def heed_signals(self) -> None:
        """Hear Ctrl-C, SIGTERM and the closing of the terminal from now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._heard)

    def _heard(self) -> None:
        if self.stop.is_set() and self.stage is not None:
            self.stage.ask()
        self.stop.set()


@dataclass(frozen=True, slots=True)
class Commands:
    """How to ask this demo from another terminal: while it runs, and when it is over."""

    now: str
    later: str


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything that runs when the first call is possible."""

    config: Config
    stage: Stage
    store: Store
    house: House
    notes: tuple[str, ...]


class Show:
    """One performance in a place of its own."""

    def __init__(self, played: Settings, place: Path, screen: Screen, wish: Wish, commands: Commands) -> None:
        self._played = played
        self._place = place
        self._screen = screen
        self._wish = wish
        self._commands = commands
        self._machine = SystemClock()

    async def run(self) -> Report | None:
        """Perform, and return what it came to; None when the user ended it before the first call.

        Raises DialerError when something cannot be had, or ends by itself.
        """
        async with AsyncExitStack() as held:
            ready = await self._unless_stopped(self._prepare(held))
            if ready is None:
                return None
            began = self._machine.monotonic()
            last = await self._play(ready, began + self._played.seconds)
            seconds = min(self._machine.monotonic() - began, self._played.seconds)
            interrupted = self._wish.stop.is_set()
            await self._wind_down(ready)
            return await self._summed_up(ready, last, seconds, interrupted=interrupted)

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what the work returns; None when the user wants to end first."""
        with _alone():
            async with asyncio.TaskGroup() as tasks:
                job = tasks.create_task(work)
                stopped = tasks.create_task(self._wish.stop.wait())
                await asyncio.wait({job, stopped}, return_when=asyncio.FIRST_COMPLETED)
                stopped.cancel()
                job.cancel()
        return None if job.cancelled() else job.result()

    async def _prepare(self, held: AsyncExitStack) -> Ready:
        """Do all that a user would do before the first call is possible."""
        self._screen.prepares("step_files")
        port = free_port()
        laid = files.lay(self._place, self._played, port, self._machine.now())
        config = load_config(laid.config)
        logs.configure(config.service.log_level, config.home / "logs" / "demo.log", stderr=False)
        ensure_secrets(config)
        stage = self._wish.stage = await held.enter_async_context(Stage(self._place, laid.config))
        await stage.enter(SEED, laid.debtors)
        self._screen.prepares("step_books")
        store = await held.enter_async_context(open_store(config))
        await _fill(store, laid)
        self._screen.prepares("step_engine")
        await stage.ready(port)
        server = await _redis_of(config)
        redis = await held.enter_async_context(await connect(server.url, config.redis.timeout_s))
        self._screen.prepares("step_agents")
        crew = Crew(random.Random(SEED))  # noqa: S311 - a performance, no secret
        house = House(config, store, CommandBus(redis), AgentBoard(redis), crew)
        await house.open(stage.check)
        self._screen.prepares("step_dialling")
        return Ready(config, stage, store, house, self._below(server))

    def _below(self, server: EmbeddedRedis) -> tuple[str, ...]:
        words = WORDS[self._played.language]
        other = words["second_terminal"].format(command=self._commands.now)
        return (other, words["stop"]) if server.durable else (words["memory_only"], other, words["stop"])

    async def _play(self, ready: Ready, until: float) -> Sight:
        """Work and watch until time is up or the user has seen enough; return the last that was seen."""
        over = asyncio.Event()
        with _alone():
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(ready.house.work(over))
                while True:
                    ready.stage.check()
                    left_s = max(until - self._machine.monotonic(), 0.0)
                    seen = await ready.house.see(left_s)
                    self._screen.sees(seen, ready.notes, ending=False)
                    if left_s <= 0 or self._wish.stop.is_set():
                        over.set()
                        return seen
                    await pause(self._wish.stop, min(SIGHT_S, left_s))
        raise AssertionError("a task group swallows nothing")

    async def _wind_down(self, ready: Ready) -> None:
        """Let what is up end well: conversations get a moment, then the agents end them; rings their minimum."""
        over = asyncio.Event()
        with _alone():
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(ready.house.work(over, hurry=True))
                await ready.house.stop_dialling()
                await self._until_quiet(ready, LINGER_S, talks_on=True)
                await self._until_quiet(ready, HURRIED_S if self._wish.stop.is_set() else self._rings_s(ready))
                await self._until_wrapped_up(ready)
                over.set()
        hurried = self._wish.stop.is_set()
        await ready.stage.end(patience_s=HURRIED_S if hurried else PATIENCE_S)

    def _rings_s(self, ready: Ready) -> float:
        return RINGS_S + ready.config.dialing.longest_s / self._played.speed

    async def _until_quiet(self, ready: Ready, within_s: float, *, talks_on: bool = False) -> None:
        """Watch until no call is up, at most so long; agents say goodbye unless they may still talk on.

        They may until the user wants to end.
        """
        until = self._machine.monotonic() + within_s
        while self._machine.monotonic() < until and not (talks_on and self._wish.stop.is_set()):
            ready.stage.check()
            seen = await ready.house.see(0.0)
            self._screen.sees(seen, ready.notes, ending=True)
            if not seen.in_flight:
                return
            if not talks_on:
                await ready.house.say_goodbye()
            await asyncio.sleep(SIGHT_S)

    async def _until_wrapped_up(self, ready: Ready) -> None:
        with suppress(TimeoutError):  # a wrap-up that is not finished by then ends without a disposition
            async with asyncio.timeout(WRAP_UP_S):
                while await ready.house.busy():  # noqa: ASYNC110 - the board is in another process
                    await asyncio.sleep(SIGHT_S)

    async def _summed_up(self, ready: Ready, last: Sight, seconds: float, *, interrupted: bool) -> Report:
        async with ready.store.snapshot() as session:
            found = await told(session)
        config = ready.config
        logs_in = config.home / "logs"
        paths = Paths(
            config.home / "dialer.db", config.recordings_dir, logs_in, self._place / CONFIG, self._commands.later
        )
        hours = (last.utilisation, last.idle_wait_s)
        return Report(found, *hours, seconds, self._played.speed, interrupted, paths, last.limit)


async def _fill(store: Store, laid: files.Laid) -> None:
    """Create campaign and agents, and bring in the list, by the product's own means."""
    loaded = load_campaign(laid.campaign)
    now = load_config(laid.config).clock().now()
    async with store.transaction() as session:
        text = laid.campaign.read_text(encoding="utf-8")
        await Campaigns(session).create(loaded, text, key=secrets.token_hex(8), now=now)
        for name, extension, skills in files.staff():
            await Agents(session).add(name, extension, skills, ("es",))
    await import_list(store, laid.debtors, loaded.name, now)
    await declare_none(store, loaded.name, "demo", now)


async def _redis_of(config: Config) -> EmbeddedRedis:
    url = await embedded.find(config.home)
    if url is None:
        raise Unavailable(f"the private Redis of {config.home} is gone; see {config.home / 'logs'}")
    return EmbeddedRedis(url, started_by_us=False, directory=(config.home / "redis").resolve())


@contextmanager
def _alone() -> Iterator[None]:
    """Let the first failure out of a group of them: the others follow from it."""
    try:
        yield
    except BaseExceptionGroup as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from failures
