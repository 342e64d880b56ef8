"""An engine's desk without servers: real book, floor and plane; time, timers, Asterisk and Redis are moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dialer.ami.messages import UserEvent
from dialer.ami.session import NotConnected, OutcomeUnknown, Response
from dialer.ami.wire import Action, Kind, Message
from dialer.call import Call, CallRules, Recording
from dialer.config import CampaignConfig, Config
from dialer.engine.book import Book
from dialer.engine.floor import Floor
from dialer.engine.keeper import Keeper, Part, StreamRecord
from dialer.engine.plane import Plane
from dialer.engine.timers import Timers
from dialer.events import Event, Written
from dialer.queues.hopper import SegmentShare
from dialer.routing import Agent, AgentState, Want, WrapEnded
from dialer.types import QueuedLead, Unavailable, attempt_id
from tests.unit.engine.counter import PaperLedger, a_counsel
from tests.unit.script import CHANNEL, NOON, a_record

__all__ = ["CHANNEL", "NOON", "a_record"]

NODE = {"name": "a1", "recordings_dir": "/nowhere/spool", "evidence_file": "/nowhere/cel.csv"}
TRUNK = {"name": "t1", "node": "a1", "host": "192.0.2.1", "caller_id": "+541150000001"}
CAMPAIGN = {
    "name": "c1",
    "country": "AR",
    "time_zone": "America/Argentina/Buenos_Aires",
    "windows": ("mon-sun 08:00-20:00",),
    "profile": "demo",
    "trunks": ("t1",),
    "segments": ({"name": "s1"},),
    "pacing": {"mode": "ratio", "lines_per_agent": 5, "max_lines_per_agent": 10},
}


def a_config(**tables: Any) -> Config:
    """Return a configuration with one node and one trunk, and other tables where the story needs them."""
    return Config(**{"nodes": ({**NODE},), "trunks": ({**TRUNK},), **tables})


def a_campaign(**keys: Any) -> CampaignConfig:
    return CampaignConfig(**{**CAMPAIGN, **keys})


class HandClock:
    """Time stands still until `pass_s`."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp() / self.speed

    def pass_s(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class HandTimers(Timers):
    """Timers that fire when the story says so."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.running: dict[Hashable, tuple[float, Callable[[], object]]] = {}

    def start(self, key: Hashable, seconds: float, fire: Callable[[], object]) -> None:
        self.running[key] = (seconds, fire)

    def cancel(self, key: Hashable) -> None:
        self.running.pop(key, None)

    def fire(self, key: Hashable) -> None:
        _, fire = self.running.pop(key)
        fire()


def answer(text: str = "ok", *, success: bool = True) -> Response:
    name = "Success" if success else "Error"
    return Response(Message(Kind.RESPONSE, name, f"Response: {name}\r\nMessage: {text}".encode()))


async def a_moment() -> None:
    """Let every task go on until it waits for something."""
    for _ in range(50):
        await asyncio.sleep(0)


@dataclass
class FakeLink:
    """One node: keeps what was written, and answers when the story says so."""

    up: bool = True
    connected: bool = True
    trouble: str = ""
    shed: str | None = None
    written: list[tuple[Action, str]] = field(default_factory=list)
    replies: dict[str, asyncio.Future[Response]] = field(default_factory=dict)

    def shed_reason(self) -> str | None:
        return self.shed

    def write(self, orders: Sequence[tuple[Action, str | None]]) -> list[asyncio.Future[Response]]:
        if not self.connected:
            raise NotConnected("a1: not connected")
        futures = []
        for action, action_id in orders:
            assert action_id is not None
            action.encode(action_id)
            future = asyncio.get_running_loop().create_future()
            self.written.append((action, action_id))
            self.replies[action_id] = future
            futures.append(future)
        return futures

    def names(self) -> list[str]:
        return [action.name for action, _ in self.written]

    def sent(self, name: str) -> list[Action]:
        return [action for action, _ in self.written if action.name == name]

    async def answers(self, name: str, text: str = "ok", *, success: bool = True) -> None:
        """Answer the last action of this name, and let whoever waits hear it."""
        action_id = next(action_id for action, action_id in reversed(self.written) if action.name == name)
        self.replies[action_id].set_result(answer(text, success=success))
        await asyncio.sleep(0)

    async def stays_silent(self, name: str) -> None:
        action_id = next(action_id for action, action_id in reversed(self.written) if action.name == name)
        self.replies[action_id].set_exception(OutcomeUnknown("unanswered"))
        await asyncio.sleep(0)


class Door:
    """Something that can be away."""

    def __init__(self) -> None:
        self.away = False
        self.inside: Callable[[], None] = lambda: None

    async def pass_(self) -> None:
        """Wait as one does for a server; `inside` happens meanwhile."""
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("away")
        happening, self.inside = self.inside, lambda: None
        happening()


class FakeRedis(Door):
    """Stream, leases and hopper in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: list[StreamRecord] = []
        self.diary: list[str] = []
        self.released: list[str] = []
        self.queued: dict[str, list[QueuedLead]] = {}
        self.expired_at: list[datetime] = []
        self.overdue: list[QueuedLead] = []

    async def append(self, records: Sequence[StreamRecord]) -> None:
        await self.pass_()
        self.stream += records
        self.diary += [f"append {record.call_id}" for record in records]

    async def release(self, calls: Iterable[str]) -> None:
        await self.pass_()
        calls = list(calls)
        self.released += calls
        self.diary += [f"release {call}" for call in calls]

    async def lease(
        self, campaign: str, segments: Sequence[SegmentShare], n: int, now: datetime, until: datetime
    ) -> list[QueuedLead]:
        await self.pass_()
        waiting = self.queued.get(campaign, [])
        given, self.queued[campaign] = waiting[:n], waiting[n:]
        return given

    async def offer(self, campaign: str, leads: Sequence[QueuedLead], now: datetime | None = None) -> int:
        await self.pass_()
        self.queued.setdefault(campaign, []).extend(leads)
        return len(leads)

    async def depth(self, campaign: str) -> dict[str, int]:
        await self.pass_()
        return {"s1": len(self.queued.get(campaign, []))}

    async def late(self, now: datetime) -> list[str]:
        await self.pass_()
        return [lead.call_id for lead in self.overdue[:2]]  # so short a page that paging is seen to work

    async def expire(self, now: datetime, calls: Sequence[str] | None = None) -> list[QueuedLead]:
        await self.pass_()
        self.expired_at.append(now)
        ended = [lead for lead in self.overdue if calls is None or lead.call_id in calls]
        self.overdue = [lead for lead in self.overdue if lead not in ended]
        return ended


def a_lead(number: int = 1, **facts: Any) -> QueuedLead:
    usual: dict[str, Any] = {
        "lead_id": number,
        "debtor_id": number,
        "debtor": f"EJ-{number:04d}",
        "campaign_id": 1,
        "segment": "s1",
        "phone_id": number,
        "phone": f"+54911555{number:05d}",
        "time_zone": "America/Argentina/Buenos_Aires",
        "language": "es",
        "try_no": 1,
        "call_id": attempt_id("key", number, 1),
        "due_at": NOON,
    }
    return QueuedLead(**{**usual, **facts})


def an_agent(name: str = "ana", **facts: Any) -> Agent:
    usual: dict[str, Any] = {
        "extension": str(1001 + sum(name.encode()) % 1000),
        "node": "a1",
        "campaign": "c1",
        "state": AgentState.READY,
        "since": NOON,
        "leg_id": f"g-{name}".ljust(27, "x"),
        "channel": f"PJSIP/{name}-00000001",
    }
    return Agent(name, **{**usual, **facts})


def a_user_event(name: str, call_id: str, **headers: str) -> UserEvent:
    return UserEvent(name, call_id, CHANNEL, {"CallId": call_id, **headers}, None)


class Desk:
    """Book, floor, plane and keeper as the engine ties them together."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or a_config()
        self.clock = HandClock()
        self.timers = HandTimers(self.clock)
        self.link = FakeLink()
        self.redis = FakeRedis()
        self.redis_part = Part("redis")
        self.wraps: list[tuple[str, WrapEnded]] = []
        self.recordings: list[tuple[str, int | None]] = []
        self.plane = Plane(self.config, self.clock, {node.name: self.link for node in self.config.nodes})
        self.floor = Floor(self.clock, self.timers, self.plane, self._wrapped)
        self.ledger = PaperLedger()
        self.counsel = a_counsel(self.ledger)
        self.keeper = Keeper(self.redis, self.redis, self.counsel, self.redis_part)
        self.keeper.on_recording = lambda call, size: self.recordings.append((call.call_id, size))
        self.book = Book(self.clock, self.timers, self.floor, self.plane, self.keeper)

    def _wrapped(self, agent: Agent, ended: WrapEnded, at: datetime) -> None:
        self.wraps.append((agent.name, ended))
        self.book.annotate(ended.call_id, wrap_ended_at=at)

    def seats(self, *names: str, **facts: Any) -> None:
        for name in names:
            self.floor.seat(an_agent(name, **facts))

    def dials(self, number: int = 1, recording: Recording = Recording.NO, **facts: Any) -> str:
        """Put a call whose Originate was written into the book; return its id."""
        call_id = attempt_id("key", number, 1)
        record = a_record(call_id=call_id, debtor_id=number, lead_id=number, intent_at=self.clock.now())
        call = Call(record=replace(record, **facts), rules=CallRules(), recording=recording)
        self.book.add(call, Want())
        self.book.apply(call_id, Written())
        return call_id

    def hears(self, call_id: str, *events: Event) -> None:
        for event in events:
            self.book.apply(call_id, event)

    def call(self, call_id: str) -> Call:
        call = self.book.get(call_id)
        assert call is not None, f"{call_id} is not in flight"
        return call

    def agent(self, name: str = "ana") -> Agent:
        return self.floor.agents[name]

    async def kept(self) -> dict[str, StreamRecord]:
        """Flush, and return the newest record of every call."""
        await self.keeper.flush()
        return {record.call_id: record for record in self.redis.stream}
