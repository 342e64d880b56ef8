"""One connection to the manager interface: requests in order, wanted events, no patience with a slow reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, cast

from dialer.simulation.accounts import Account
from dialer.simulation.faults import Fault, Kind
from dialer.simulation.filters import EventFilter, Filter
from dialer.simulation.login import Entrance, Reply, fully_booted, wants_events
from dialer.simulation.protocol import BANNER, Request, RequestReader
from dialer.simulation.replies import done, event_class, refusal

WRITE_BOUND: Final = 4 * 1024 * 1024
"""Unread bytes at which Asterisk gives a reader up: its connection ends and what it did not read is lost."""

LINGER_S: Final = 0.5
"""How long the last words may take to a reader that is slow."""

READ_AHEAD: Final = 256
"""Requests kept while one is delayed; more and the connection is not read from."""


class Host(Protocol):
    """What a session needs of its server."""

    @property
    def entrance(self) -> Entrance:
        """The door."""
        ...

    @property
    def auth_timeout_s(self) -> float:
        """How long a connection may stay without a login."""
        ...

    def uptime_s(self) -> int:
        """How long the node runs."""
        ...

    def fault(self, request: Request) -> Fault | None:
        """What goes wrong with this request."""
        ...

    def carry_out(self, session: Session, account: Account, request: Request) -> bytes:
        """Do what a user asks and return the answer."""
        ...

    def joined(self, session: Session) -> None:
        """Take note of a new connection."""
        ...

    def left(self, session: Session) -> None:
        """Take note of its end."""
        ...


class Session(asyncio.Protocol):
    """A connection and who is logged in on it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = RequestReader()
        self._requests: deque[Request] = deque()
        self._timers: set[asyncio.TimerHandle] = set()
        self._blocked = False
        self._handling = False
        self._held: list[bytes] = []
        self._challenge = ""
        self._mask: frozenset[str] | None = frozenset()
        self._filter = EventFilter()
        self._wanted: dict[str, bool] = {}
        self.account: Account | None = None

    @property
    def filter(self) -> EventFilter:
        """What this session filters."""
        return self._filter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet (called by asyncio)."""
        # A cast, not a check: uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BOUND)
        self._transport.write(BANNER)
        self._host.joined(self)
        self._later(self._host.auth_timeout_s, self._leave_unless_known)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything (called by asyncio)."""
        self._transport = None
        for timer in self._timers:
            timer.cancel()
        self._requests.clear()
        self._host.left(self)

    def pause_writing(self) -> None:
        """Give a reader up that is too far behind (called by asyncio)."""
        self.cut()

    def data_received(self, data: bytes) -> None:
        """Take requests (called by asyncio)."""
        self._requests.extend(self._reader.feed(data))
        self._serve()
        if self._transport is not None and len(self._requests) > READ_AHEAD:
            self._transport.pause_reading()

    def cut(self) -> None:
        """End the connection at once; unsent bytes are lost."""
        if self._transport is not None:
            self._transport.abort()

    def end(self) -> None:
        """End the connection when what was written is sent, or soon after."""
        if self._transport is not None:
            self._transport.close()
            self._later(LINGER_S, self.cut)

    def wants(self, name: str) -> bool:
        """Tell by the name alone whether an event may go to this session."""
        known = self._wanted.get(name)
        if known is None:
            known = self._wanted[name] = self._would_want(name)
        return known

    def deliver(self, data: bytes) -> None:
        """Write one event, after the answer that is being made."""
        if self._handling:
            self._held.append(data)
        elif self._transport is not None:
            self._transport.write(data)

    def listen(self, classes: frozenset[str] | None) -> None:
        """Hear events of these classes, of all that the user may read (None), or none."""
        self._mask = classes
        self._wanted.clear()

    def add_filter(self, rule: Filter) -> None:
        """Filter more from now on."""
        self._filter = self._filter.and_(rule)
        self._wanted.clear()

    def _would_want(self, name: str) -> bool:
        kind = event_class(name)
        permitted = self.account is not None and ("all" in self.account.read or kind in self.account.read)
        return permitted and (self._mask is None or kind in self._mask) and self._filter.may_want(name)

    def _serve(self) -> None:
        while self._requests and not self._blocked and self._transport is not None:
            self._one(self._requests.popleft())
        if self._transport is not None and not self._requests:
            self._transport.resume_reading()

    def _one(self, request: Request) -> None:
        fault = self._host.fault(request)
        kind = fault.kind if fault else None
        if kind is Kind.DROP_UNREAD:
            self.cut()
            return
        self._handling = True
        try:
            reply = self._reply(request)
        finally:
            self._handling = False
        if kind is Kind.DROP_BEFORE_ACK:
            self.cut()
            return
        delay_s = reply.delay_s + (fault.seconds if fault and kind is Kind.DELAY_ANSWER else 0.0)
        self._answer(reply, delay_s, close=reply.close or kind is Kind.DROP_AFTER_ACK)

    def _answer(self, reply: Reply, delay_s: float, *, close: bool) -> None:
        """Write an answer and the events that waited for it; while it is delayed nothing else is served."""
        if delay_s <= 0:
            self._write(reply, close=close)
            return

        def later() -> None:
            self._blocked = self._handling = False
            self._write(reply, close=close)
            self._serve()

        self._blocked = self._handling = True
        self._later(delay_s, later)

    def _write(self, reply: Reply, *, close: bool) -> None:
        held, self._held = self._held, []
        if self._transport is not None:
            self._transport.write(reply.data + b"".join(held))
            if close:
                self._transport.close()

    def _reply(self, request: Request) -> Reply:
        if request.complaint:
            return Reply(refusal(request.action_id, request.complaint))
        match request.action:
            case "":
                return Reply(refusal(request.action_id, "Missing action in request"))
            case "challenge":
                reply, self._challenge = self._host.entrance.challenge(request)
                return reply
            case "login":
                return self._login(request)
            case "logoff":
                return self._host.entrance.logoff(request)
            case _ if self.account is None:
                return Reply(refusal(request.action_id, "Permission denied"))
            case _:
                return Reply(self._host.carry_out(self, self.account, request))

    def _login(self, request: Request) -> Reply:
        if self.account is not None:
            return Reply(done(request.action_id, "Already authenticated"))
        reply, account = self._host.entrance.login(request, self._challenge)
        if account is None:
            return reply
        self.account, self._filter = account, account.filter
        self.listen(wants_events(request))
        if self._mask != frozenset() and account.read.intersection({"system", "all"}):
            self._held.append(fully_booted(self._host.uptime_s()))
        return reply

    def _leave_unless_known(self) -> None:
        if self.account is None:
            self.cut()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = self._loop.call_later(seconds, run)
        self._timers.add(timer)
