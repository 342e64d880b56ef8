"""A simulated node in the test's own event loop, and a bare client to talk to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dialer.ami.config import NodeSecrets, Secrets, ensure_secrets
from dialer.clock import SystemClock
from dialer.config import Config
from dialer.simulation.numbers import Numbers
from dialer.simulation.running import SimulatedNode, simulated_node
from tests.lab.twin import twin_tables

Message = dict[str, str]


@dataclass
class Bare:
    """One connection: sends text, reads messages; those read while waiting for another are kept."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    seen: list[Message] = field(default_factory=list)
    _sent: int = 0

    def send(self, action: str, **headers: object) -> str:
        """Write an action and return its ActionID."""
        self._sent += 1
        given = {"ActionID": f"bare-{self._sent}", **headers}
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in given.items())]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return str(given["ActionID"])

    async def ask(self, action: str, **headers: object) -> Message:
        """Send an action and return its response."""
        wanted = self.send(action, **headers)
        return await self.until(lambda message: "Response" in message and message.get("ActionID") == wanted)

    async def until(self, fits: Callable[[Message], bool]) -> Message:
        """Read until a message fits and return it."""
        async with asyncio.timeout(10):
            while True:
                message = await self.message()
                if fits(message):
                    return message

    async def event(self, name: str, **headers: str) -> Message:
        """Read until this event comes; UserEvents go by their own name."""

        def fits(message: Message) -> bool:
            return name in (message.get("UserEvent"), message.get("Event")) and headers.items() <= message.items()

        return await self.until(fits)

    async def message(self) -> Message:
        """Read one message; IncompleteReadError when the connection ends."""
        async with asyncio.timeout(10):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        message = dict(line.split(": ", 1) for line in text.split("\r\n") if ": " in line)
        self.seen.append(message)
        return message

    async def ended(self) -> bytes:
        """Wait for the end of the connection and return what came before it."""
        async with asyncio.timeout(10):
            return await self.reader.read()


@dataclass
class Twin:
    """The node, its configuration and its secrets."""

    config: Config
    all_secrets: Secrets
    node: SimulatedNode

    @property
    def secrets(self) -> NodeSecrets:
        return self.all_secrets.node("lab")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Bare]:
        """Open a connection that is not logged in."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.config.nodes[0].port, limit=1 << 24)
        assert await reader.readline() == b"Asterisk Call Manager/11.0.0\r\n"
        try:
            yield Bare(reader, writer)
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def login(self, role: str, **headers: object) -> AsyncIterator[Bare]:
        """Open a connection as the events, actions or admin user."""
        user = {"events": "dialer-ev", "actions": "dialer-act", "admin": "dialer-adm"}[role]
        async with self.connection() as bare:
            answer = await bare.ask("Login", Username=user, Secret=getattr(self.secrets, role), **headers)
            assert answer["Message"] == "Authentication accepted"
            yield bare


@pytest.fixture
async def twin(tmp_path: Path) -> AsyncIterator[Twin]:
    config = Config.model_validate(twin_tables(tmp_path, 3, {}))
    secrets = ensure_secrets(config)
    made = SimulatedNode(
        config,
        config.nodes[0],
        secrets,
        clock=SystemClock(),
        far_end=Numbers(ring_s=0.02, talk_s=0.3),
        rng=random.Random(7),
    )
    async with simulated_node(made) as node:
        yield Twin(config, secrets, node)


CALL = "t" + "a" * 26


def originate(number: str, call_id: str = CALL) -> dict[str, object]:
    """Return the headers of an Originate as the engine sends it."""
    return {
        "ActionID": call_id,
        "Channel": f"PJSIP/{number}@carrier",
        "ChannelId": call_id,
        "Context": "dialer-debtor",
        "Exten": "s",
        "Priority": 1,
        "Timeout": 20000,
        "Async": "true",
        "CallerID": "+541150000000",
    }
