"""Orders from people: agents' and supervisors' commands, answered one by one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from campaigns.models import CampaignState
from dialer.call import UNANSWERED
from dialer.config import Config
from dialer.engine.answers import Answers
from dialer.engine.book import Book
from dialer.engine.books import Books
from dialer.engine.filler import Filler
from dialer.engine.floor import Floor
from dialer.engine.lane import Lane
from dialer.engine.plane import Plane
from dialer.engine.promising import Promising
from dialer.engine.steering import Steering
from dialer.events import CancelOrdered
from dialer.routing import (
    ON_CALL,
    Agent,
    AgentEvent,
    AgentState,
    Disposed,
    LoginOrdered,
    LogoutOrdered,
    PauseOrdered,
    ReadyOrdered,
)
from dialer.types import Clock, DialerError, InputError, agent_leg_id

LOGIN_POLL_S = 0.05
LOGIN_GRACE_S = 5.0
"""Beyond the softphone's own time to answer: the leg must still reach its holding bridge."""

DISPOSITION = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What the books take; a longer one would stop every record behind it."""

Order = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class Refusal(DialerError):
    """The order cannot be followed as things stand."""

    error_id = "refused"


class Payload(dict[str, Any]):
    """What came with an order; a missing part is told as such, and never taken for a bug of ours."""

    def __missing__(self, key: str) -> Any:
        """Say what is missing."""
        raise InputError(f"the order lacks {key!r}; it is of another version than this engine")


class Control:
    """Follows orders; each returns what is true afterwards."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        *,
        book: Book,
        books: Books,
        floor: Floor,
        plane: Plane,
        filler: Filler,
        lanes: Callable[[], list[Lane]],
        refresh: Callable[[], Awaitable[None]],
        status: Callable[[], Mapping[str, Any]],
        answers: Answers,
    ) -> None:
        self._config = config
        self._clock = clock
        self._book = book
        self._books = books
        self._floor = floor
        self._plane = plane
        self._filler = filler
        self._lanes = lanes
        self._refresh = refresh
        self._status = status
        self._steering = Steering(books, lanes, refresh)
        self._promising = Promising(clock, books, lanes)
        self._orders: dict[str, Order] = {
            "agent.login": self._login,
            "agent.ready": lambda p: self._tell(p, ReadyOrdered()),
            "agent.pause": lambda p: self._tell(p, PauseOrdered(str(p["reason"]))),
            "agent.logout": lambda p: self._tell(p, LogoutOrdered()),
            "agent.hangup": self._hangup,
            "agent.dispose": self._dispose,
            "campaign.start": lambda p: self._move(p, CampaignState.RUNNING),
            "campaign.pause": lambda p: self._move(p, CampaignState.PAUSED),
            "campaign.stop": self._stop,
            "campaign.pacing": self._steering.turn,
            "campaign.decisions": self._steering.explain,
            "engine.status": self._report,
            "leads.imported": self._imported,
            "leads.suppressed": answers.suppressed,
            "leads.why": answers.why,
        }

    async def follow(self, kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Follow one order; raises DialerError with the reason when it cannot be followed."""
        order = self._orders.get(kind)
        if order is None:
            raise InputError(f"the engine knows no order {kind!r}; it is of another version than this command")
        return await order(Payload(payload))

    async def _report(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._status())

    async def _imported(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        self._filler.hurry()
        return {}

    async def _tell(self, payload: Mapping[str, Any], event: AgentEvent) -> dict[str, Any]:
        name = str(payload["agent"])
        if denied := self._floor.apply(name, event):
            raise Refusal(denied)
        return describe(self._floor.agents[name])

    async def _login(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Call the softphone and wait until it is in its holding bridge, or say why it is not."""
        await self._refresh()
        name = str(payload["agent"])
        campaign = str(payload.get("campaign") or "") or self._only_campaign()
        node = str(payload.get("node") or "") or self._node_of(campaign)
        if (gate := self._plane.link_down(node)) is not None:
            raise Refusal(gate)
        leg_id = agent_leg_id(name, self._clock.now())
        if denied := self._floor.apply(name, LoginOrdered(campaign, node, leg_id)):
            raise Refusal(denied)
        if payload.get("ready"):
            self._floor.apply(name, ReadyOrdered())
        return await self._until_seated(name)

    async def _until_seated(self, name: str) -> dict[str, Any]:
        try:
            rings_s = self._config.agents.login_timeout_s / self._clock.speed
            async with asyncio.timeout(rings_s + LOGIN_GRACE_S):
                while self._floor.agents[name].state is AgentState.CALLING:  # noqa: ASYNC110 - bounded, and rare
                    await asyncio.sleep(LOGIN_POLL_S)
        except TimeoutError:
            self._floor.apply(name, LogoutOrdered())
        agent = self._floor.agents[name]
        if agent.state is AgentState.LOGGED_OUT:
            raise Refusal(
                f"{name}: {agent.reason or 'the softphone did not answer'}; "
                f"is softphone {agent.extension} registered on node {agent.node}?"
            )
        return describe(agent)

    def _only_campaign(self) -> str:
        names = sorted({lane.name for lane in self._lanes()})
        if len(names) == 1:
            return names[0]
        raise InputError(f"name the campaign with --campaign; started ones: {', '.join(names) or 'none'}")

    def _node_of(self, campaign: str) -> str:
        for lane in self._lanes():
            if lane.name == campaign:
                return lane.node
        raise InputError(f"campaign {campaign!r} is not started; run: dialer campaign start {campaign}")

    async def _hangup(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """End the conversation the agent is in; wrap-up follows."""
        name = str(payload["agent"])
        agent = self._floor.agents.get(name)
        call = self._book.get(agent.call_id) if agent else None
        if agent is None or agent.state not in ON_CALL:
            raise Refusal(f"{name} is in no conversation")
        self._plane.hang_up(agent.node, call.channel if call and call.channel else agent.call_id)
        return describe(agent)

    async def _dispose(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Say how the last conversation ended, and what was promised in it; ends wrap-up."""
        name, code = str(payload["agent"]), str(payload["code"])
        agent = self._floor.agents.get(name)
        if agent is None or not agent.call_id:
            raise Refusal(f"{name} has no conversation to dispose; it is given during the call or its wrap-up")
        if not DISPOSITION.fullmatch(code):
            raise InputError(f"disposition {code!r}: use up to 40 small letters, digits and _, such as promise_to_pay")
        if (record := self._book.remembered(agent.call_id)) is not None:
            # First: where it cannot be kept, the agent says it again.
            await self._promising.keep(name, record, code, payload)
        self._book.annotate(agent.call_id, disposition=code)
        return await self._tell(payload, Disposed())

    async def _move(self, payload: Mapping[str, Any], state: CampaignState) -> dict[str, Any]:
        await self._books.set_state(str(payload["campaign"]), state, self._clock.now())
        await self._refresh()
        self._filler.hurry()
        if state is CampaignState.RUNNING and (why := self._status()["unserved"].get(payload["campaign"])):
            raise Refusal(f"campaign {payload['campaign']} is {state.value}, but this engine cannot serve it: {why}")
        return {"campaign": payload["campaign"], "state": state.value}

    async def _stop(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """No new calls; those that ring are cancelled after the legal minimum, conversations end by themselves."""
        answer = await self._move(payload, CampaignState.STOPPING)
        for call in self._book.calls():
            if call.record.campaign == payload["campaign"] and call.stage in UNANSWERED:
                self._book.apply(call.call_id, CancelOrdered())
        return answer


def describe(agent: Agent) -> dict[str, Any]:
    """Return an agent as the board and the commands show it."""
    return {
        "agent": agent.name,
        "extension": agent.extension,
        "state": agent.state.value,
        "since": _iso(agent.since),
        "reason": agent.reason,
        "campaign": agent.campaign,
        "node": agent.node,
        "leg_id": agent.leg_id,
        "call_id": agent.call_id,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
