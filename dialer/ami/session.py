"""One TCP session with Asterisk: log in, ask under a deadline, notice when the far end is gone.

Nothing is ever sent twice and nothing is kept for later: what was asked on a lost connection fails with
OutcomeUnknown, and only the caller, who may look at the evidence, can say what follows.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import structlog

from dialer import metrics
from dialer.ami import actions
from dialer.ami.wire import Action, Decoder, Kind, Message
from dialer.types import ConfigError, DialerError, Unavailable

LOGIN_TIMEOUT_S: Final = 5.0
"""Asterisk waits a second before it refuses a login."""

WRITE_LIMIT: Final = 256 * 1024
"""Unsent bytes above which the session counts as congested."""

_REFUSED = ("Authentication failed", "Permission denied")

log = structlog.get_logger(__name__)


class NotConnected(Unavailable):
    """The action was not sent, because there is no connection; nothing happened in Asterisk."""

    error_id = "ami-not-connected"


class OutcomeUnknown(Unavailable):
    """The action was written, but its answer will never come; it may have been carried out."""

    error_id = "ami-outcome-unknown"


class SessionLost(Unavailable):
    """The connection is gone; the message says why."""

    error_id = "ami-lost"


class SessionBusy(Unavailable):
    """Somebody else holds this login (an old engine, a half-open socket); worth another try."""

    error_id = "ami-busy"


class LoginRefused(DialerError):
    """User or secret are wrong; trying again cannot help."""

    error_id = "ami-login-refused"


class DuplicateAction(DialerError):
    """An action with this ActionID is still unanswered; sending it again could call somebody twice."""

    error_id = "ami-duplicate-action"


@dataclass(frozen=True, slots=True)
class Response:
    """What Asterisk answered; `rows` are the events of a list. A refusal is an answer, not an exception."""

    message: Message
    rows: tuple[Message, ...] = ()

    @property
    def success(self) -> bool:
        """True unless Asterisk refused."""
        return self.message.name != "Error"

    @property
    def text(self) -> str:
        """Asterisk's own words, for logs and messages."""
        # Some answers end their words with a bare line feed.
        return self.message.get("Message").strip()

    def get(self, header: str) -> str:
        """Return a header of the answer, empty when it is not there."""
        return self.message.get(header)


@dataclass(slots=True)
class _Pending:
    action: str
    future: asyncio.Future[Response]
    deadline: asyncio.TimerHandle
    is_list: bool
    head: Message | None = None
    rows: list[Message] = field(default_factory=list)


class Session(asyncio.Protocol):
    """One login; `on_event` gets the wanted events one after the other, synchronously, in Asterisk's order."""

    def __init__(self, node: str, role: str, wanted: frozenset[str], on_event: Callable[[Message], None]) -> None:
        self._node = node
        self._role = role
        self._on_event = on_event
        self._decoder = Decoder(wanted)
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._pending: dict[str, _Pending] = {}
        self._why = ""
        self._count = 0
        self.congested = False
        self.late_responses = 0
        self.handler_errors = 0

    @property
    def connected(self) -> bool:
        """True while actions can be written."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection (called by asyncio)."""
        # A cast, not a check: uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_LIMIT)
        if self._why:
            self._transport.abort()

    def pause_writing(self) -> None:
        """Note that Asterisk does not read as fast as we write (called by asyncio)."""
        self.congested = True

    def resume_writing(self) -> None:
        """Note that the backlog is written (called by asyncio)."""
        self.congested = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail everything unanswered (called by asyncio)."""
        self._transport = None
        reason = self._why or (str(exc) if exc else "closed by the far end")
        pending, self._pending = self._pending, {}
        for entry in pending.values():
            self._settle(entry, OutcomeUnknown(f"{self._node}: {entry.action} unanswered: connection lost ({reason})"))
        if not self._lost.done():
            self._lost.set_result(reason)

    def data_received(self, data: bytes) -> None:
        """Sort what came to those who wait for it (called by asyncio)."""
        odd = self._decoder.odd
        for message in self._decoder.feed(data):
            self._receive(message)
        if self._decoder.odd != odd:
            metrics.AMI_ODD_MESSAGES.labels(self._node).inc(self._decoder.odd - odd)
        if self._decoder.oversized:
            self.drop("a message without end")

    def drop(self, reason: str) -> None:
        """End the connection at once; `reason` is what everybody waiting is told."""
        self._why = self._why or reason
        if self._transport is not None:
            self._transport.abort()

    async def lost(self) -> str:
        """Wait until the connection is gone and return why."""
        return await asyncio.shield(self._lost)

    def submit(
        self, orders: Sequence[tuple[Action, str | None]], deadline_s: float, *, is_list: bool = False
    ) -> list[asyncio.Future[Response]]:
        """Write these actions in one piece and return their answers to come, in order.

        All or nothing: raises NotConnected, AmiFieldError or DuplicateAction before a byte is written. The answers
        raise OutcomeUnknown when the connection is lost or the deadline passes.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise NotConnected(f"{self._node}: not connected; {orders[0][0].name} was not sent")
        named = [(action, action_id or self._next_id()) for action, action_id in orders]
        data = b"".join(action.encode(action_id) for action, action_id in named)
        self._refuse_duplicates([action_id for _, action_id in named])
        futures = [self._expect(action, action_id, deadline_s, is_list) for action, action_id in named]
        transport.write(data)
        return futures

    async def ask(
        self, action: Action, deadline_s: float, *, action_id: str | None = None, is_list: bool = False
    ) -> Response:
        """Write one action and wait for its answer; errors as for `submit`."""
        (future,) = self.submit([(action, action_id)], deadline_s, is_list=is_list)
        return await future

    async def login(self, user: str, secret: str, *, events: bool, clear: bool) -> None:
        """Log in, with the secret in clear or by MD5 challenge; raise LoginRefused or SessionBusy."""
        if clear:
            answer = await self.ask(actions.login(user, secret, events=events), LOGIN_TIMEOUT_S)
        else:
            number = (await self.ask(actions.challenge(), LOGIN_TIMEOUT_S)).get("Challenge")
            answer = await self.ask(actions.login_md5(user, secret, number, events=events), LOGIN_TIMEOUT_S)
        if answer.success:
            return
        if answer.text in _REFUSED:
            raise LoginRefused(
                f"{self._node}: Asterisk refuses manager user {user!r}: {answer.text}; "
                "does the node run the files that 'dialer asterisk config' made with this installation's secrets.toml, "
                "and does its manager.conf permit this address?"
            )
        raise SessionBusy(f"{self._node}: manager user {user!r} cannot log in now: {answer.text}")

    async def keep_alive(self, every_s: float, timeout_s: float, on_pong: Callable[[Response, float], None]) -> None:
        """Ping until the connection is gone, dropping it when a pong is late; always ends with SessionLost.

        `on_pong` gets the answer and its round trip in seconds.
        """
        while not self._lost.done():
            sent = self._loop.time()
            try:
                pong = await self.ask(actions.ping(), timeout_s)
            except (NotConnected, OutcomeUnknown):
                self.drop(f"no pong within {timeout_s} s on the {self._role} session")
                break
            on_pong(pong, self._loop.time() - sent)
            await asyncio.wait({self._lost}, timeout=every_s)
        raise SessionLost(f"{self._node}: {self._role} session lost: {await self.lost()}")

    def _refuse_duplicates(self, action_ids: list[str]) -> None:
        for position, action_id in enumerate(action_ids):
            if action_id in self._pending or action_id in action_ids[:position]:
                raise DuplicateAction(
                    f"{self._node}: ActionID {action_id!r} is still unanswered; it was not sent again"
                )

    def _expect(self, action: Action, action_id: str, deadline_s: float, is_list: bool) -> asyncio.Future[Response]:
        future: asyncio.Future[Response] = self._loop.create_future()
        # An answer may be of no interest to the caller: its error must not be reported as never looked at.
        future.add_done_callback(_looked_at)
        deadline = self._loop.call_later(deadline_s, self._expired, action_id, deadline_s)
        self._pending[action_id] = _Pending(action.name, future, deadline, is_list)
        return future

    def _expired(self, action_id: str, deadline_s: float) -> None:
        entry = self._pending.pop(action_id)
        self._settle(entry, OutcomeUnknown(f"{self._node}: {entry.action} unanswered after {deadline_s} s"))

    def _settle(self, entry: _Pending, end: Response | OutcomeUnknown) -> None:
        entry.deadline.cancel()
        result = "unknown" if isinstance(end, OutcomeUnknown) else "ok" if end.success else "refused"
        metrics.AMI_ACTIONS.labels(self._node, entry.action, result).inc()
        if entry.future.done():
            return
        if isinstance(end, OutcomeUnknown):
            entry.future.set_exception(end)
        else:
            entry.future.set_result(end)

    def _receive(self, message: Message) -> None:
        try:
            if message.kind is Kind.RESPONSE:
                self._answered(message)
            elif not self._is_row(message):
                self._on_event(message)
        except Exception:
            # One bad event, or a bug in its handler, must not blind us for all other calls.
            self.handler_errors += 1
            metrics.AMI_HANDLER_ERRORS.labels(self._node).inc()
            log.exception("ami handler failed", node=self._node, ami_message=repr(message))

    def _answered(self, message: Message) -> None:
        entry = self._pending.get(message.action_id)
        if entry is None:
            self.late_responses += 1
            metrics.AMI_LATE_RESPONSES.labels(self._node).inc()
        elif entry.is_list and message.get("EventList") == "start":
            entry.head = message
        else:
            self._settle(self._pending.pop(message.action_id), Response(message))

    def _is_row(self, message: Message) -> bool:
        """Take a row or the end of a list that somebody waits for."""
        entry = self._pending.get(message.action_id) if message.action_id else None
        if entry is None or entry.head is None:
            return False
        if message.get("EventList") == "Complete":
            self._settle(self._pending.pop(message.action_id), Response(entry.head, tuple(entry.rows)))
        else:
            entry.rows.append(message)
        return True

    def _next_id(self) -> str:
        self._count += 1
        return f"{self._role}-{self._count}"


def _looked_at(future: asyncio.Future[Response]) -> None:
    if not future.cancelled():
        future.exception()


def tls_context(ca: Path | None) -> ssl.SSLContext:
    """Return a context that verifies the node's certificate against `ca`, or the system's authorities."""
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as exc:
        raise ConfigError(f"tls_ca {ca} cannot be read as certificates: {exc}") from exc


async def connect(session: Session, host: str, port: int, tls: ssl.SSLContext | None, timeout_s: float) -> None:
    """Open the session's connection; raise SessionLost saying what to check when the node cannot be reached."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            await loop.create_connection(lambda: session, host, port, ssl=tls)
    except (OSError, TimeoutError) as exc:
        reason = str(exc) or f"no answer within {timeout_s} s"
        raise SessionLost(
            f"{host}:{port} cannot be reached: {reason}; is Asterisk running, and are host, port and tls right?",
            error_id="ami-unreachable",
        ) from exc
