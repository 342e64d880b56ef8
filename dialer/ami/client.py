"""A node as the engine sees it: two sessions, a snapshot after every connect, then events in order.

The actions session is opened first: its login is the fence that keeps an old engine from placing calls beside us.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import structlog

from dialer import metrics
from dialer.ami.load import Load
from dialer.ami.messages import LIST_EVENTS, WANTED_EVENTS, Event
from dialer.ami.session import NotConnected, Response, Session, SessionLost, connect, tls_context
from dialer.ami.snapshot import ChannelRow, NodeSnapshot, take_snapshot
from dialer.ami.stream import EventStream
from dialer.ami.wire import Action, Message
from dialer.config import AmiConfig, NodeConfig
from dialer.types import Clock, DialerError, Unavailable

__all__ = ["AmiSecrets", "ChannelRow", "NodeClient", "NodeHandler", "NodeSnapshot"]

SETTLE_S: Final = 0.2
"""Pause before the snapshot, so that what an old engine wrote last is carried out and seen."""

BOOT_TIMEOUT_S: Final = 120.0
"""How long a starting Asterisk may take to load its modules."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AmiSecrets:
    """The two manager logins of the call plane on one node."""

    events_user: str
    events_secret: str = field(repr=False)
    actions_user: str
    actions_secret: str = field(repr=False)


class NodeHandler(Protocol):
    """Who listens to a node. Events come one by one, in order, only between `node_up` and `node_down`."""

    async def node_up(self, snapshot: NodeSnapshot) -> None:
        """Reconcile; events are held back meanwhile. Raising drops the node, which is then tried again."""
        ...

    def node_event(self, event: Event) -> None:
        """Take one event; must not block."""
        ...

    def node_down(self, reason: str) -> None:
        """Note that the node is out of sight; what was asked and not answered is unknown."""
        ...


@dataclass(frozen=True, slots=True)
class _Connection:
    """Everything that dies with a connection."""

    actions: Session
    events: Session
    stream: EventStream
    load: Load

    def drop(self, reason: str) -> None:
        self.actions.drop(reason)
        self.events.drop(reason)


class NodeClient:
    """Hold a node: connect, reconcile, deliver, and come back after every loss with growing pauses."""

    def __init__(
        self,
        node: NodeConfig,
        ami: AmiConfig,
        secrets: AmiSecrets,
        *,
        clock: Clock,
        handler: NodeHandler,
        rng: random.Random,
    ) -> None:
        self.node = node
        self._ami = ami
        self._secrets = secrets
        self._clock = clock
        self._handler = handler
        self._rng = rng
        self._connection: _Connection | None = None
        self._announced = False
        self._complaint = ""
        self._closing = asyncio.Event()

    @property
    def up(self) -> bool:
        """True while the node is reconciled and both its sessions are open."""
        now = self._connection
        return now is not None and now.stream.live and now.actions.connected and now.events.connected

    @property
    def trouble(self) -> str:
        """Why the node is down, in words; empty while it is up or nothing is known yet."""
        return self._complaint

    @property
    def event_lag_s(self) -> float:
        """Age of the newest event when it was read, in seconds, whatever the node's clock says."""
        return self._load.event_lag_s(self._clock.monotonic())

    @property
    def ack_p99_s(self) -> float:
        """99th percentile of the recent acknowledgements of Originate, in seconds."""
        return self._load.ack_p99_s(self._clock.monotonic())

    @property
    def outstanding(self) -> int:
        """Originates that Asterisk has not finished."""
        return self._load.outstanding

    def shed_reason(self) -> str | None:
        """Return why no new call may be placed on this node now, None when it may."""
        if not self.up or self._connection is None:
            return f"node {self.node.name} is down"
        if self._connection.actions.congested:
            return f"node {self.node.name} does not read what we write"
        return self._load.shed_reason(self._ami, self._clock.monotonic())

    def write(self, orders: Sequence[tuple[Action, str | None]]) -> list[asyncio.Future[Response]]:
        """Write actions in one piece, in order, and return their answers to come.

        An Originate without an ActionID gets its ChannelId. All or nothing: NotConnected, AmiFieldError and
        DuplicateAction come before a byte is sent; the answers themselves may raise OutcomeUnknown.
        """
        return self._write(orders, self._ami.action_timeout_s)

    async def request(
        self, action: Action, action_id: str | None = None, deadline: float | None = None, *, is_list: bool = False
    ) -> Response:
        """Write one action and return its answer within `deadline` seconds; errors as for `write`."""
        deadline_s = self._ami.action_timeout_s if deadline is None else deadline
        (answer,) = self._write([(action, action_id)], deadline_s, is_list=is_list)
        return await answer

    async def run(self) -> None:
        """Keep the node until `close`; raise LoginRefused when user or secret are wrong."""
        tls = tls_context(self.node.tls_ca) if self.node.tls else None
        failures = 0
        while not self._closing.is_set():
            was_live, reason = await self._life(tls)
            failures = 1 if was_live else failures + 1
            self._went_down(reason)
            await self._back_off(failures)

    def close(self) -> None:
        """End `run`; the sessions are cut, conversations in Asterisk go on."""
        self._closing.set()
        if self._connection is not None:
            self._connection.drop("closed by us")

    @property
    def _load(self) -> Load:
        return self._connection.load if self._connection is not None else Load()

    def _write(
        self, orders: Sequence[tuple[Action, str | None]], deadline_s: float, *, is_list: bool = False
    ) -> list[asyncio.Future[Response]]:
        if self._connection is None:
            raise NotConnected(f"{self.node.name}: not connected; {orders[0][0].name} was not sent")
        named = [(action, action_id or action.get("ChannelId") or None) for action, action_id in orders]
        answers = self._connection.actions.submit(named, deadline_s, is_list=is_list)
        for (action, action_id), answer in zip(named, answers, strict=True):
            if action.name == "Originate" and action_id is not None:
                self._connection.load.originated(action_id)
                answer.add_done_callback(
                    partial(self._acked, self._connection.load, action_id, self._clock.monotonic())
                )
        return answers

    def _acked(self, load: Load, call_id: str, sent: float, answer: asyncio.Future[Response]) -> None:
        now = self._clock.monotonic()
        load.acked(now - sent, now)
        metrics.AMI_ORIGINATE_ACK.labels(self.node.name).observe(now - sent)
        if not answer.cancelled() and answer.exception() is None and not answer.result().success:
            load.finished(call_id)

    async def _life(self, tls: ssl.SSLContext | None) -> tuple[bool, str]:
        """Live through one connection; return whether it ever delivered, and why it ended."""
        stream = None
        try:
            async with self._connected(tls) as connection, asyncio.TaskGroup() as group:
                stream = connection.stream
                group.create_task(self._keep_alive(connection.actions, "actions", connection.load))
                group.create_task(self._keep_alive(connection.events, "events", connection.load))
                group.create_task(self._start(connection))
        except Unavailable as exc:
            reason = self._blamed([exc])
        except ExceptionGroup as failures:
            reason = self._blamed(failures.exceptions)
        return stream is not None and stream.live, reason

    @contextlib.asynccontextmanager
    async def _connected(self, tls: ssl.SSLContext | None) -> AsyncIterator[_Connection]:
        connection = self._connection = self._new_connection()
        secrets = self._secrets
        try:
            await self._open(connection.actions, tls, secrets.actions_user, secrets.actions_secret, events=False)
            await self._open(connection.events, tls, secrets.events_user, secrets.events_secret, events=True)
            yield connection
        finally:
            connection.drop("closed by us")
            self._connection = None

    def _new_connection(self) -> _Connection:
        name, load = self.node.name, Load()
        stream = EventStream(name, self._clock, load, self._handler.node_event, self._overflow)
        actions = Session(name, "actions", LIST_EVENTS, _ignore)
        return _Connection(actions, Session(name, "events", frozenset(WANTED_EVENTS), stream.take), stream, load)

    async def _open(
        self, session: Session, tls: ssl.SSLContext | None, user: str, secret: str, *, events: bool
    ) -> None:
        await connect(session, self.node.host, self.node.port, tls, self._ami.action_timeout_s)
        # Without TLS the secret itself is not sent: it answers a challenge.
        await session.login(user, secret, events=events, clear=tls is not None)

    async def _keep_alive(self, session: Session, role: str, load: Load) -> None:
        await session.keep_alive(self._ami.ping_s, self._ami.ping_timeout_s, partial(self._pong, role, load))

    def _pong(self, role: str, load: Load, pong: Response, round_trip_s: float) -> None:
        now, name = self._clock.monotonic(), self.node.name
        with contextlib.suppress(ValueError):
            load.clock.pong(float(pong.get("Timestamp")), round_trip_s, now)
        metrics.AMI_PING.labels(name, role).observe(round_trip_s)
        metrics.AMI_EVENT_LAG.labels(name).set(load.event_lag_s(now))
        metrics.AMI_OUTSTANDING.labels(name).set(load.outstanding)

    async def _start(self, connection: _Connection) -> None:
        try:
            async with asyncio.timeout(BOOT_TIMEOUT_S):
                await connection.stream.booted.wait()
        except TimeoutError:
            raise SessionLost(f"{self.node.name}: Asterisk did not finish booting in {BOOT_TIMEOUT_S:.0f} s") from None
        await asyncio.sleep(SETTLE_S)
        snapshot = await take_snapshot(connection.actions, self.node.name, self._ami.action_timeout_s)
        self._announced = True
        await self._handler.node_up(snapshot)
        connection.stream.release()
        self._complaint = ""
        metrics.AMI_UP.labels(self.node.name).set(1)
        log.info("node up", node=self.node.name, incarnation=snapshot.incarnation, version=snapshot.asterisk_version)

    def _overflow(self, reason: str) -> None:
        if self._connection is not None:
            self._connection.drop(reason)

    def _blamed(self, failures: Sequence[BaseException]) -> str:
        """Return the failure that explains the others, and log those that are bugs."""
        for failure in failures:
            if not isinstance(failure, DialerError):
                metrics.AMI_HANDLER_ERRORS.labels(self.node.name).inc()
                log.error("reconciliation failed", node=self.node.name, exc_info=failure)
        chosen = next((one for one in failures if isinstance(one, SessionLost)), failures[0])
        error_id = chosen.error_id if isinstance(chosen, DialerError) else "bug"
        metrics.AMI_LOSSES.labels(self.node.name, error_id).inc()
        return str(chosen) or type(chosen).__name__

    def _went_down(self, reason: str) -> None:
        metrics.AMI_UP.labels(self.node.name).set(0)
        if reason != self._complaint and not self._closing.is_set():
            self._complaint = reason
            log.warning("node down", node=self.node.name, reason=reason)
        if not self._announced:
            return
        self._announced = False
        try:
            self._handler.node_down(reason)
        except Exception:
            metrics.AMI_HANDLER_ERRORS.labels(self.node.name).inc()
            log.exception("node_down handler failed", node=self.node.name)

    async def _back_off(self, failures: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(back_off_s(failures, self._ami, self._rng)):
                await self._closing.wait()


def back_off_s(failures: int, ami: AmiConfig, rng: random.Random) -> float:
    """Return the pause before the next connect: up to twice as long after each failure, up to `backoff_last_s`.

    The full jitter keeps many clients from coming back as one.
    """
    return rng.uniform(0, min(ami.backoff_last_s, ami.backoff_first_s * 2 ** min(failures - 1, 30)))


def _ignore(_: Message) -> None:
    """Rows of a list nobody waits for any more."""
