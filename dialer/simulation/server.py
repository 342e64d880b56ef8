"""The manager interface of a simulated node on a TCP port: the unmodified client takes it for Asterisk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from dialer.simulation.accounts import Account
from dialer.simulation.console import CONSOLE
from dialer.simulation.desk import Command, Desk
from dialer.simulation.dialplan_list import DIALPLAN_LISTS
from dialer.simulation.faults import Fault, Faults, Kind, read_fault
from dialer.simulation.installation import Installation
from dialer.simulation.login import Entrance
from dialer.simulation.node import Headers, Node, Refused
from dialer.simulation.orders import ORDERS
from dialer.simulation.protocol import Request
from dialer.simulation.questions import QUESTIONS
from dialer.simulation.replies import answer, done, event, refusal
from dialer.simulation.session import Session
from dialer.simulation.sip_lists import SIP_LISTS
from dialer.simulation.world import World, move
from dialer.types import Clock, ConfigError, DialerError

REORDER_S: Final = 0.5
"""An event that waits for the next one, to come after it, waits no longer."""

_COMMANDS: Final = {one.name.lower(): one for one in (*QUESTIONS, *ORDERS, *SIP_LISTS, *DIALPLAN_LISTS, *CONSOLE)}

_ANSWER_FIRST_S: Final = 0.05

_UNKNOWN: Final = "Invalid/unknown command: {}. Use Action: ListCommands to show available commands."

log = structlog.get_logger("dialer.simulation.server")


class ManagerServer:
    """Serves one node. Give `emit` to the node as its way to speak, and the node to `run`.

    `now` is the machine's time in epoch seconds: what is on the wire is never scaled.
    """

    def __init__(
        self, installation: Installation, clock: Clock, now: Callable[[], float], faults: Faults, rng: random.Random
    ) -> None:
        self.faults = faults
        self._installation = installation
        self._clock = clock
        self._now = now
        self._sessions: set[Session] = set()
        self._held_back: list[tuple[str, Headers, float]] = []
        self._processed = 0
        self._desk: Desk | None = None
        self._world: World | None = None
        self._up, self._down = asyncio.Event(), asyncio.Event()
        self._up.set()
        self.entrance = Entrance(installation.accounts, self._holds, rng)
        self.listening = asyncio.Event()

    @property
    def auth_timeout_s(self) -> float:
        """How long a connection may stay without a login."""
        return self._installation.accounts.auth_timeout_s

    @property
    def sessions(self) -> int:
        """How many connections there are."""
        return len(self._sessions)

    def serve_node(self, node: Node, world: World) -> None:
        """Say which node answers, and who moves the world around it."""
        self._world = world
        self._desk = Desk(
            node=node,
            installation=self._installation,
            clock=self._clock,
            now=self._now,
            processed=lambda: self._processed,
            logins=lambda: [session.account.name for session in self._sessions if session.account],
            publish=self.emit,
        )

    async def run(self) -> None:
        """Listen where config.toml says the node is, until cancelled; ConfigError when the address cannot be used.

        `listening` is set while connections are taken.
        """
        node = self._installation.node
        while True:
            await self._up.wait()
            listener = await self._listen(node.host, node.port)
            self.listening.set()
            try:
                await self._down.wait()
            finally:
                self.listening.clear()
                listener.close()
                self.cut()

    async def _listen(self, host: str, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(lambda: Session(self), host, port)
        except OSError as exc:
            name = self._installation.name
            raise ConfigError(
                f"node {name!r}: {host}:{port} cannot be listened on: {exc.strerror}; "
                "is another Asterisk, real or simulated, running there?"
            ) from exc

    def power(self, up: bool) -> None:
        """Take connections, or end them all and take none."""
        (self._up if up else self._down).set()
        (self._down if up else self._up).clear()
        if not up:
            self.cut()

    def go_away(self, seconds: float) -> None:
        """End every connection and take none for so many real seconds."""
        self.power(up=False)
        asyncio.get_running_loop().call_later(seconds, lambda: self.power(up=True))

    def cut(self) -> None:
        """End every connection; what was said before is still heard."""
        for session in tuple(self._sessions):
            session.end()

    def emit(self, name: str, headers: Headers) -> None:
        """Take one event from the node; it goes to every session that wants it."""
        if name == "Newchannel":
            self._processed += 1
        fault = self.faults.for_event(name, headers)
        if fault is None:
            self._publish(name, headers, self._now())
        else:
            self._spoiled(fault, name, headers)

    def _spoiled(self, fault: Fault, name: str, headers: Headers) -> None:
        at, loop = self._now(), asyncio.get_running_loop()
        match fault.kind:
            case Kind.DUPLICATE_EVENT:
                self._publish(name, headers, at)
                self._publish(name, headers, at)
            case Kind.DELAY_EVENT:
                loop.call_later(fault.seconds, self._publish, name, headers, at)
            case Kind.REORDER_EVENTS:
                self._held_back.append((name, headers, at))
                loop.call_later(REORDER_S, self._let_go)
            case _:
                log.info("simulated: event lost", ami_event=name, node=self._installation.name)

    def _let_go(self) -> None:
        held, self._held_back = self._held_back, []
        for name, headers, at in held:
            self._publish(name, headers, at)

    def _publish(self, name: str, headers: Headers, at: float) -> None:
        takers = [session for session in self._sessions if session.wants(name)]
        if takers and name not in self._installation.accounts.disabled:
            data = event(name, at, self._installation.name, headers)
            for session in takers:
                if session.filter.by_name or session.filter.wants(name, data.decode()):
                    session.deliver(data)
        if self._held_back:
            self._let_go()

    def joined(self, session: Session) -> None:
        """Take note of a new connection."""
        self._sessions.add(session)

    def left(self, session: Session) -> None:
        """Take note of its end."""
        self._sessions.discard(session)

    def fault(self, request: Request) -> Fault | None:
        """What goes wrong with this request."""
        return self.faults.for_action(request)

    def uptime_s(self) -> int:
        """How long the node runs, in business seconds."""
        started = self._served.node.started_at
        return max(0, int((self._clock.now() - started).total_seconds()))

    def carry_out(self, session: Session, account: Account, request: Request) -> bytes:
        """Do what a user asks and return the answer."""
        if request.action == "listcommands":
            return self._list_commands(account, request)
        if request.action in {"simulationfault", "simulationworld"}:
            return self._simulate(account, request)
        command = _COMMANDS.get(request.action)
        if command is None:
            return refusal(request.action_id, _UNKNOWN.format(request.get("Action")))
        if not command.permits(account):
            return refusal(request.action_id, "Permission denied")
        try:
            return command.handler(self._served, session, request)
        except Refused as exc:
            return refusal(request.action_id, str(exc))

    @property
    def _served(self) -> Desk:
        if self._desk is None:
            raise ConfigError("the manager interface has no node to speak for")
        return self._desk

    def _holds(self, user: str) -> bool:
        return any(session.account is not None and session.account.name == user for session in self._sessions)

    def _simulate(self, account: Account, request: Request) -> bytes:
        """Take the two actions that Asterisk does not have: faults, and what the world does."""
        if "system" not in account.write or self._world is None:
            return refusal(request.action_id, "Permission denied")
        try:
            if request.action == "simulationworld":
                return done(request.action_id, move(self._world, request))
            self._take_fault(read_fault(request))
        except DialerError as exc:
            return refusal(request.action_id, str(exc))
        return done(request.action_id, "Fault ordered")

    def _take_fault(self, fault: Fault | None) -> None:
        if fault is not None and fault.kind in {Kind.RESTART, Kind.AWAY}:
            # Whoever ordered it is on a connection that it will end: the answer goes first.
            asyncio.get_running_loop().call_later(_ANSWER_FIRST_S, self.faults.order, fault)
        else:
            self.faults.take(fault)

    def _list_commands(self, account: Account, request: Request) -> bytes:
        permitted = sorted(
            (one for one in _COMMANDS.values() if one.permits(account)), key=lambda one: one.name.lower()
        )
        return answer("Success", request.action_id, [(one.name, _described(one)) for one in permitted])


def _described(command: Command) -> str:
    classes = ",".join((*command.classes, "all")) if command.classes else "<none>"
    return f"{command.synopsis}  (Priv: {classes})"
