"""The debtor calls back: a known number goes to the agent who last spoke or the best fit, else a message plays.

The dialplan answers, waits for the engine at most ten seconds and otherwise plays the message by itself.
Inbound calls are logged as such and never counted as attempts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import structlog

from dialer import metrics
from dialer.ami.messages import UserEvent
from dialer.engine.floor import Floor
from dialer.engine.plane import Plane
from dialer.routing import ON_CALL, CallFreed, CallJoined, CallReserved, Want
from dialer.types import Clock, InboundRecord

log = structlog.get_logger("dialer.inbound")

LONGEST_NUMBER = 40
"""What the books keep of a caller's number."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the books know."""

    debtor_id: int
    campaign_id: int
    campaign: str
    want: Want
    recording: bool
    accounts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class InboundCall:
    """One inbound call in flight."""

    record: InboundRecord
    channel: str
    agent: str | None = None
    recording: bool = False


FindCaller = Callable[[str, str], Awaitable[Caller | None]]
Ask = Callable[[Awaitable[None]], None]


class Inbound:
    """Inbound calls in flight. `ask` starts an owned, bounded task for the look-up in the books."""

    def __init__(
        self,
        clock: Clock,
        floor: Floor,
        plane: Plane,
        *,
        find: FindCaller,
        ask: Ask,
        save: Callable[[InboundRecord], None],
    ) -> None:
        self._clock = clock
        self._floor = floor
        self._plane = plane
        self._find = find
        self._ask = ask
        self._save = save
        self.on_recorded: Callable[[str, str, int | None], None] = lambda node, call_id, size: None
        self._calls: dict[str, InboundCall] = {}

    def __len__(self) -> int:
        """Return how many inbound calls are in flight."""
        return len(self._calls)

    def has(self, call_id: str) -> bool:
        """Say whether this inbound call is in flight."""
        return call_id in self._calls

    def hear(self, node: str, event: UserEvent) -> None:
        """A caller arrived, or was given the message."""
        if event.name == "DialerInboundMessage":
            self._given_up(event.call_id)
            return
        record = InboundRecord(
            call_id=event.call_id,
            node=node,
            phone=event.get("Caller")[:LONGEST_NUMBER],  # a stranger's network writes what it likes
            dialled=event.get("Dialled"),
            arrived_at=self._clock.now(),
        )
        self._calls[event.call_id] = InboundCall(record, event.channel)
        metrics.INBOUND.inc()
        log.info("inbound", call_id=event.call_id, phone=record.phone, dialled=record.dialled)
        self._save(record)
        self._ask(self._serve(event.call_id))

    def bridged(self, call_id: str) -> None:
        """The caller and the agent are joined."""
        call = self._calls.get(call_id)
        if call is None or call.agent is None or call.record.bridged_at is not None:
            return
        self._floor.apply(call.agent, CallJoined())
        self._note(call_id, result="joined", bridged_at=self._clock.now(), agent=call.agent)

    def unjoined(self, call_id: str) -> None:
        """The agent's leg ended first: the agent is out, the caller hears the message."""
        call = self._calls.get(call_id)
        if call is None or call.agent is None:
            return
        self._floor.free(call.agent, call_id, talked=call.record.bridged_at is not None, lost=True)
        self._calls[call_id] = replace(call, agent=None)

    def recorded(self, call_id: str, size: int | None) -> None:
        """The recording of an inbound conversation is closed."""
        if call := self._calls.get(call_id):
            self.on_recorded(call.record.node, call_id, size)

    def hung_up(self, call_id: str) -> None:
        """The caller is gone."""
        call = self._calls.get(call_id)
        if call is None:
            return
        result = "hung_up" if call.record.result == "waiting" else call.record.result
        self._note(call_id, ended_at=self._clock.now(), result=result)
        if call.agent is not None:
            self._floor.apply(call.agent, CallFreed(call_id, talked=call.record.bridged_at is not None))
        del self._calls[call_id]

    def adopt(self, records: Iterable[InboundRecord], channels: Mapping[str, str]) -> None:
        """After a restart: callers who are still there are ours again, with their agents; the others are gone.

        `channels` are the living channels' names by id.
        """
        talking = {agent.call_id: agent.name for agent in self._floor.agents.values() if agent.state in ON_CALL}
        for record in records:
            call = InboundCall(record, channels.get(record.call_id, ""), talking.get(record.call_id))
            self._calls[record.call_id] = call
            self.lost(record.node, frozenset(channels))

    def lost(self, node: str, alive: frozenset[str]) -> None:
        """After a reconnect: whoever is no longer in Asterisk is gone."""
        for call in list(self._calls.values()):
            if call.record.node == node and call.record.call_id not in alive:
                self.hung_up(call.record.call_id)

    def _given_up(self, call_id: str) -> None:
        """The message plays, and the dialplan refuses every later join: an agent reserved meanwhile is free again."""
        self._note(call_id, result="message")
        call = self._calls.get(call_id)
        if call is not None and call.agent is not None:
            self._calls[call_id] = replace(call, agent=None)
            self._floor.free(call.agent, call_id, talked=call.record.bridged_at is not None, lost=False)

    async def _serve(self, call_id: str) -> None:
        call = self._calls.get(call_id)
        if call is None:
            return  # hung up before the books were asked
        caller = await self._find(call.record.phone, call.record.dialled)
        now = self._calls.get(call_id)
        if caller is None or now is None or now.record.result == "message":
            return
        self._note(call_id, debtor_id=caller.debtor_id, campaign_id=caller.campaign_id, accounts=caller.accounts)
        choice = self._floor.choose(caller.campaign, call.record.node, caller.want)
        if choice is None or self._floor.apply(choice.agent, CallReserved(call_id)) is not None:
            return
        log.info("routed", call_id=call_id, agent=choice.agent, fit=round(choice.score.fit, 3), inbound=True)
        self._calls[call_id] = replace(self._calls[call_id], agent=choice.agent, recording=caller.recording)
        record = {"DIALER_RECORD": "now" if caller.recording else "no", "DIALER_LANG": caller.want.language}
        agent = self._floor.agents[choice.agent]
        self._plane.send_to_agent(call.record.node, call.channel, call_id, agent, record)

    def _note(self, call_id: str, **facts: object) -> None:
        call = self._calls.get(call_id)
        if call is None:
            return
        record = replace(call.record, seq=call.record.seq + 1, **facts)  # type: ignore[arg-type]
        self._calls[call_id] = replace(call, record=record)
        self._save(record)
