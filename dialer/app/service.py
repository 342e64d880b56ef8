"""The running service: the engine with everything it needs."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib.metadata import version

import structlog

from dialer import exposition, logs
from dialer.agi.menu import MenuProcess
from dialer.ami.client import AmiSecrets
from dialer.ami.config import load_secrets
from dialer.app.rules import Rules
from dialer.app.store import open_store
from dialer.app.time_zones import pin_time_zones
from dialer.config import Config
from dialer.engine import Engine
from dialer.engine.books import Books
from dialer.queues import embedded
from dialer.queues.agents import AgentBoard
from dialer.queues.beat import EngineBeat
from dialer.queues.bus import CommandBus
from dialer.queues.connection import RedisLink, connect
from dialer.queues.hopper import Hopper
from dialer.queues.ledger import Ledger
from dialer.queues.outcomes import OutcomeStream
from dialer.store import Store
from dialer.types import ConfigError, DialerError, Unavailable

log = structlog.get_logger("dialer.app")

REVIVE_S = 1.0
SWITCH_S = 0.0005
"""How long a thread that works for the database may keep the loop from an event; Python's own choice is 5 ms."""

EVENTS_USER = "dialer-ev"
ACTIONS_USER = "dialer-act"


@asynccontextmanager
async def _own_redis(config: Config) -> AsyncIterator[RedisLink]:
    """Return Redis for the service: the configured one, or a private server started and stopped with it."""
    if config.redis.url:
        async with await connect(config.redis.url, config.redis.timeout_s) as link:
            yield link
        return
    server = await embedded.ensure(config.home)
    if not server.durable:
        log.warning("the queues live in memory only", redis=server.kind, remedy="install redis-server")
    clean = False
    try:
        async with await connect(server.url, config.redis.timeout_s) as link:
            yield link
        clean = True
    finally:
        # After a start that failed, a server that another engine uses is left alone.
        await server.stop(anyway=clean)


async def serve(config: Config, *, menu: bool) -> int:
    """Run the engine until SIGTERM or Ctrl-C, with the abandoned-call menu beside it when asked; return exit status.

    The first signal lets conversations end; the second cuts what is not a conversation.
    """
    pin_time_zones()
    logs.configure(config.service.log_level, config.home / "logs" / "dialer.log")
    if not config.nodes:
        raise ConfigError("config.toml: nodes: no Asterisk node is configured; add a [[nodes]] table")
    manager_logins(config)  # a missing secret is told before anything is started
    stop, force = asyncio.Event(), asyncio.Event()
    _on_signals(stop, force)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(config))
        redis = await stack.enter_async_context(_own_redis(config))
        if menu:
            stack.enter_context(MenuProcess(config.menu))
        log.info("time zones", tzdata=version("tzdata"), python=sys.version.split()[0])
        engine = _engine(config, store, redis)
        page = exposition.expose(config.service.metrics, engine.report.health)
        if page is not None:
            stack.callback(page.close)
        _be_prompt()
        with _told():
            await _run(engine, config, stop, force)
    return 0


def _be_prompt() -> None:
    """Keep what would stall the loop short: walks over objects that live for ever, and other threads' turns."""
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()


async def _run(engine: Engine, config: Config, stop: asyncio.Event, force: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        nurse = tasks.create_task(_revive_redis(engine, config))
        await engine.run(stop, force)
        nurse.cancel()


async def _revive_redis(engine: Engine, config: Config) -> None:
    """Start the private Redis again when it died: it is ours, and nobody else would. A configured one is not ours."""
    while not config.redis.url:
        await asyncio.sleep(REVIVE_S)
        if engine.parts["redis"].ok:
            continue
        try:
            server = await embedded.ensure(config.home)
        except Unavailable as exc:
            log.warning("the private Redis does not come back", detail=str(exc))
        else:
            log.info("private Redis", started=server.started_by_us)


@contextmanager
def _told() -> Iterator[None]:
    """Let the first error on purpose out of a group of them; a group that holds a bug stays as it is."""
    try:
        yield
    except ExceptionGroup as failures:
        expected, bugs = failures.split(DialerError)
        if expected is None or bugs is not None:
            raise
        raise _first(expected) from failures


def _first(failures: BaseExceptionGroup[DialerError]) -> DialerError:
    found = failures.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def manager_logins(config: Config) -> dict[str, AmiSecrets]:
    """Return the two manager logins of every node; raises ConfigError when a secret is missing."""
    secrets = load_secrets(config)
    logins = {}
    for node in config.nodes:
        kept = secrets.node(node.name)
        logins[node.name] = AmiSecrets(EVENTS_USER, kept.events, ACTIONS_USER, kept.actions)
    return logins


def _engine(config: Config, store: Store, redis: RedisLink) -> Engine:
    return Engine(
        config,
        config.clock(),
        books=Books(store),
        hopper=Hopper(redis),
        stream=OutcomeStream(redis),
        board=AgentBoard(redis),
        beat=EngineBeat(redis),
        commands=CommandBus(redis),
        ledger=Ledger(redis),
        rules=Rules(config),
        secrets=manager_logins(config),
        rng=random.Random(),  # noqa: S311 - jitter of reconnects
    )


def _on_signals(stop: asyncio.Event, force: asyncio.Event) -> None:
    def heard() -> None:
        (force if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard)
