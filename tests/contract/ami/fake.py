"""A scripted Asterisk on a real TCP port: answers what a node client asks, and misbehaves on order."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import md5

SECRETS = {"ev": "ev-secret", "act": "act-secret", "adm": "adm-secret"}
CHALLENGE = "4711"
Fields = dict[str, str]


def text(**headers: str | int) -> bytes:
    """Return one message; `ActionID="x"` becomes its header line."""
    return "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n"


def event(name: str, **headers: str | int) -> bytes:
    return text(Event=name, **headers)


@dataclass
class Peer:
    """One connection, as the fake sees it."""

    writer: asyncio.StreamWriter
    user: str = ""

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def cut(self) -> None:
        self.writer.transport.abort()


@dataclass
class FakeAsterisk:
    """`script` overrides the answer to an action: bytes to send, or None to stay silent."""

    port: int = 0
    secrets: dict[str, str] = field(default_factory=lambda: dict(SECRETS))
    script: dict[str, Callable[[Peer, Fields], bytes | None]] = field(default_factory=dict)
    channels: list[Fields] = field(default_factory=list)
    boots: bool = True
    received: list[tuple[str, Fields]] = field(default_factory=list)
    peers: dict[str, Peer] = field(default_factory=dict)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def times(self, action: str) -> int:
        return Counter(name for name, _ in self.received)[action]

    def sent(self, action: str) -> list[Fields]:
        return [fields for name, fields in self.received if name == action]

    async def got(self, action: str, times: int = 1) -> Fields:
        """Wait until an action has come so many times and return its headers."""
        async with asyncio.timeout(10), self.arrived:
            await self.arrived.wait_for(lambda: self.times(action) >= times)
        return self.sent(action)[times - 1]

    @property
    def events(self) -> Peer:
        return self.peers["ev"]

    @property
    def actions(self) -> Peer:
        return self.peers["act"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(writer)
        peer.send(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                await self._one(peer, (await reader.readuntil(b"\r\n\r\n")).decode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def _one(self, peer: Peer, message: str) -> None:
        lines = [line.split(": ", 1) for line in message.strip().split("\r\n")]
        fields = {name: value for name, value in reversed([(line[0], line[-1]) for line in lines])}
        name = fields["Action"]
        answer = self.script.get(name, self.answer)(peer, fields)
        if answer is not None:
            peer.send(answer)
        async with self.arrived:
            self.received.append((name, fields))
            self.arrived.notify_all()

    def answer(self, peer: Peer, fields: Fields) -> bytes:
        action_id = fields["ActionID"]
        match fields["Action"]:
            case "Challenge":
                return text(Response="Success", ActionID=action_id, Challenge=CHALLENGE)
            case "Login":
                return self._login(peer, fields)
            case "Ping":
                now = asyncio.get_running_loop().time()
                return text(Response="Success", ActionID=action_id, Ping="Pong", Timestamp=f"{now:.6f}")
            case "CoreStatus":
                started = {"CoreStartupDate": "2026-11-24", "CoreStartupTime": "09:59:58"}
                return text(Response="Success", ActionID=action_id, **started)
            case "CoreSettings":
                return text(Response="Success", ActionID=action_id, AsteriskVersion="22.10.1", SystemName="node1")
            case "CoreShowChannels":
                return self.listing(action_id, "CoreShowChannel", self.channels)
            case "PJSIPShowContacts":
                return text(Response="Error", ActionID=action_id, Message="No Contacts found\n")
            case _:
                return text(Response="Success", ActionID=action_id, Message="done")

    def _login(self, peer: Peer, fields: Fields) -> bytes:
        user, action_id = fields["Username"], fields["ActionID"]
        secret = self.secrets[user]
        key = md5(f"{CHALLENGE}{secret}".encode(), usedforsecurity=False).hexdigest()
        if fields.get("Secret", "") != secret and fields.get("Key", "") != key:
            return text(Response="Error", ActionID=action_id, Message="Authentication failed")
        peer.user = user
        self.peers[user] = peer
        booted = event("FullyBooted", Status="Fully Booted") if fields["Events"] == "on" and self.boots else b""
        return text(Response="Success", ActionID=action_id, Message="Authentication accepted") + booted

    @staticmethod
    def listing(action_id: str, row: str, rows: list[Fields], complete: str = "") -> bytes:
        """Return a whole list in one piece, its end in the same read as its beginning."""
        return (
            text(Response="Success", ActionID=action_id, EventList="start", Message="will follow")
            + b"".join(event(row, ActionID=action_id, **fields) for fields in rows)
            + event(complete or f"{row}sComplete", ActionID=action_id, EventList="Complete", ListItems=len(rows))
        )


@asynccontextmanager
async def fake_asterisk(tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeAsterisk]:
    fake = FakeAsterisk()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0, ssl=tls, limit=1 << 24)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        for peer in fake.peers.values():
            peer.cut()
