"""The life of an agent. Pure: facts in, orders out.

An agent's softphone leg is nailed up: it stays open between conversations. The leg and the softphone's registration
prove that the agent is there, never a browser tab.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

TONE_S = 0.25
"""How long the agent's tone at a join lasts, and a little more."""


class AgentState(StrEnum):
    """What an agent is doing."""

    LOGGED_OUT = "logged_out"
    CALLING = "calling"
    PAUSED = "paused"
    READY = "ready"
    RESERVED = "reserved"
    TALKING = "talking"
    WRAP_UP = "wrap_up"


ON_CALL = frozenset({AgentState.RESERVED, AgentState.TALKING})
SEATED = frozenset({AgentState.PAUSED, AgentState.READY, AgentState.WRAP_UP}) | ON_CALL


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent as the engine sees it.

    `leg_id` is the channel id of the nailed-up leg, `channel` its name once it is up. `next_state` is what was asked
    for during a conversation (a pause, a logout) and comes into force after it. `talked_s` is the length of the
    conversation whose wrap-up runs.
    """

    name: str
    extension: str
    node: str = ""
    campaign: str = ""
    skills: Mapping[str, int] = field(default_factory=dict)
    languages: frozenset[str] = frozenset({"es"})
    state: AgentState = AgentState.LOGGED_OUT
    since: datetime | None = None
    reason: str = ""
    leg_id: str = ""
    channel: str = ""
    call_id: str = ""
    wrap_up_s: float = 30.0
    talked_s: float = 0.0
    talking_since: datetime | None = None
    next_state: AgentState | None = None
    next_reason: str = ""


@dataclass(frozen=True, slots=True)
class LoginOrdered:
    """The agent wants to work on this campaign: call the softphone on this node."""

    campaign: str
    node: str
    leg_id: str


@dataclass(frozen=True, slots=True)
class LegUp:
    """The softphone answered and sits in the holding bridge."""

    channel: str


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The leg is gone: the softphone hung up, did not answer, or was lost."""

    detail: str


@dataclass(frozen=True, slots=True)
class SoftphoneLost:
    """The registration is gone or the softphone stopped answering."""

    detail: str


@dataclass(frozen=True, slots=True)
class ReadyOrdered:
    """The agent takes calls from now on; ends wrap-up."""


@dataclass(frozen=True, slots=True)
class PauseOrdered:
    """The agent takes no calls, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class LogoutOrdered:
    """The agent leaves; a conversation is finished first."""


@dataclass(frozen=True, slots=True)
class CallReserved:
    """Routing gave the agent this call."""

    call_id: str


@dataclass(frozen=True, slots=True)
class CallJoined:
    """Agent and debtor hear each other."""


@dataclass(frozen=True, slots=True)
class CallFreed:
    """The call no longer holds the agent; `talked` means that wrap-up follows."""

    call_id: str
    talked: bool


@dataclass(frozen=True, slots=True)
class Disposed:
    """The agent said how the conversation ended; ends wrap-up."""


@dataclass(frozen=True, slots=True)
class WrapTimedOut:
    """The wrap-up of this call reached its limit."""

    call_id: str


AgentEvent = (
    LoginOrdered
    | LegUp
    | LegEnded
    | SoftphoneLost
    | ReadyOrdered
    | PauseOrdered
    | LogoutOrdered
    | CallReserved
    | CallJoined
    | CallFreed
    | Disposed
    | WrapTimedOut
)


# Orders.


@dataclass(frozen=True, slots=True)
class CallSoftphone:
    """Originate the nailed-up leg."""


@dataclass(frozen=True, slots=True)
class HangUpLeg:
    """End the nailed-up leg."""

    leg: str


@dataclass(frozen=True, slots=True)
class StartWrapTimer:
    """Send `WrapTimedOut(call_id)` after so many seconds."""

    call_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class WrapEnded:
    """The wrap-up of this call is over: keep its end."""

    call_id: str
    wrap_s: float
    talked_s: float


@dataclass(frozen=True, slots=True)
class Denied:
    """The order cannot be followed in this state; the sentence says why."""

    reason: str


AgentOrder = CallSoftphone | HangUpLeg | StartWrapTimer | WrapEnded | Denied
AgentStep = tuple[Agent, tuple[AgentOrder, ...]]


def step(agent: Agent, event: AgentEvent, now: datetime) -> AgentStep:  # noqa: C901 - an exhaustive match
    """Return the agent after the event and the orders that follow; what does not fit is `Denied` or ignored."""
    match event:
        case LoginOrdered():
            return _login(agent, event, now)
        case LegUp():
            return _leg_up(agent, event, now)
        case LegEnded() | SoftphoneLost():
            return _lost(agent, event, now)
        case ReadyOrdered():
            return _ready(agent, now)
        case PauseOrdered():
            return _pause(agent, event, now)
        case LogoutOrdered():
            return _logout(agent, now)
        case CallReserved() | CallJoined() | CallFreed():
            return _call(agent, event, now)
        case Disposed():
            return _end_wrap(agent, now) if agent.state is AgentState.WRAP_UP else (agent, ())
        case WrapTimedOut():
            due = agent.state is AgentState.WRAP_UP and agent.call_id == event.call_id
            return _end_wrap(agent, now) if due else (agent, ())


def _to(agent: Agent, state: AgentState, now: datetime, reason: str = "") -> Agent:
    return replace(agent, state=state, since=now, reason=reason)


def _settled(agent: Agent) -> Agent:
    """Forget what was asked for later: it has come true, or the agent is gone."""
    return replace(agent, next_state=None, next_reason="")


def _login(agent: Agent, event: LoginOrdered, now: datetime) -> AgentStep:
    if agent.state is not AgentState.LOGGED_OUT:
        return agent, (Denied(f"{agent.name} is already logged in ({agent.state})"),)
    fresh = replace(agent, campaign=event.campaign, node=event.node, leg_id=event.leg_id, channel="", call_id="")
    return _to(_settled(fresh), AgentState.CALLING, now), (CallSoftphone(),)


def _leg_up(agent: Agent, event: LegUp, now: datetime) -> AgentStep:
    if agent.state is not AgentState.CALLING:
        return replace(agent, channel=event.channel), ()
    up = _settled(replace(agent, channel=event.channel))
    if agent.next_state is AgentState.READY:
        return _to(up, AgentState.READY, now), ()
    return _to(up, AgentState.PAUSED, now, agent.next_reason or "logged in"), ()


def _lost(agent: Agent, event: LegEnded | SoftphoneLost, now: datetime) -> AgentStep:
    """Take the agent out at once; the debtor, if any, is looked after by its own call."""
    if agent.state is AgentState.LOGGED_OUT:
        return agent, ()
    orders: list[AgentOrder] = []
    if isinstance(event, SoftphoneLost):
        orders.append(HangUpLeg(agent.channel or agent.leg_id))
    if agent.state is AgentState.WRAP_UP:
        orders.append(_wrap_ended(agent, now))
    gone = _settled(replace(agent, leg_id="", channel="", call_id=""))
    return _to(gone, AgentState.LOGGED_OUT, now, event.detail), tuple(orders)


def _ready(agent: Agent, now: datetime) -> AgentStep:
    match agent.state:
        case AgentState.WRAP_UP:
            return _end_wrap(replace(agent, next_state=AgentState.READY), now)
        case AgentState.PAUSED:
            return _to(agent, AgentState.READY, now), ()
        case AgentState.READY:
            return agent, ()
        case AgentState.CALLING | AgentState.RESERVED | AgentState.TALKING:
            return replace(agent, next_state=AgentState.READY, next_reason=""), ()
        case AgentState.LOGGED_OUT:
            return agent, (Denied(f"{agent.name} is not logged in; run: dialer agent login {agent.name}"),)


def _pause(agent: Agent, event: PauseOrdered, now: datetime) -> AgentStep:
    match agent.state:
        case AgentState.LOGGED_OUT:
            return agent, (Denied(f"{agent.name} is not logged in; run: dialer agent login {agent.name}"),)
        case AgentState.READY | AgentState.PAUSED:
            return _to(agent, AgentState.PAUSED, now, event.reason), ()
        case AgentState.WRAP_UP:
            return _end_wrap(replace(agent, next_state=AgentState.PAUSED, next_reason=event.reason), now)
        case _:
            return replace(agent, next_state=AgentState.PAUSED, next_reason=event.reason), ()


def _logout(agent: Agent, now: datetime) -> AgentStep:
    if agent.state is AgentState.LOGGED_OUT:
        return agent, ()
    if agent.state in ON_CALL:
        return replace(agent, next_state=AgentState.LOGGED_OUT, next_reason="logged out"), ()
    leg = agent.channel or agent.leg_id
    orders: list[AgentOrder] = [_wrap_ended(agent, now)] if agent.state is AgentState.WRAP_UP else []
    gone = _settled(replace(agent, leg_id="", channel="", call_id=""))
    return _to(gone, AgentState.LOGGED_OUT, now, "logged out"), (*orders, HangUpLeg(leg))


def _call(agent: Agent, event: CallReserved | CallJoined | CallFreed, now: datetime) -> AgentStep:
    match event:
        case CallReserved(call_id=call_id) if agent.state is AgentState.READY:
            return _to(replace(agent, call_id=call_id, talking_since=None), AgentState.RESERVED, now), ()
        case CallReserved():
            return agent, (Denied(f"{agent.name} is {agent.state}"),)
        case CallJoined() if agent.state is AgentState.RESERVED:
            return _to(replace(agent, talking_since=now), AgentState.TALKING, now), ()
        case CallFreed(call_id=call_id) if agent.state in ON_CALL and agent.call_id == call_id:
            return _freed(agent, event, now)
        case _:
            return agent, ()


def _freed(agent: Agent, event: CallFreed, now: datetime) -> AgentStep:
    if not event.talked:
        # Nothing was said, so nothing is to be written up: ready again, with the old idle time lost.
        return _rest(replace(agent, call_id=""), now)
    talked_s = (now - agent.talking_since).total_seconds() if agent.talking_since else 0.0
    wrapping = _to(replace(agent, talked_s=talked_s), AgentState.WRAP_UP, now)
    # A leg that still plays the tone of a join refuses the next one.
    wrap_s = agent.wrap_up_s if talked_s >= TONE_S else max(agent.wrap_up_s, TONE_S)
    if wrap_s <= 0:
        return _end_wrap(wrapping, now)
    return wrapping, (StartWrapTimer(event.call_id, wrap_s),)


def _end_wrap(agent: Agent, now: datetime) -> AgentStep:
    rested, orders = _rest(replace(agent, call_id=""), now)
    return rested, (_wrap_ended(agent, now), *orders)


def _wrap_ended(agent: Agent, now: datetime) -> WrapEnded:
    wrap_s = (now - agent.since).total_seconds() if agent.since else 0.0
    return WrapEnded(agent.call_id, wrap_s, agent.talked_s)


def _rest(agent: Agent, now: datetime) -> AgentStep:
    """Go where the agent asked to go during the call; else ready."""
    wanted, reason = agent.next_state or AgentState.READY, agent.next_reason
    settled = _settled(agent)
    if wanted is AgentState.LOGGED_OUT:
        return _logout(_to(settled, AgentState.PAUSED, now), now)
    return _to(settled, wanted, now, reason if wanted is AgentState.PAUSED else ""), ()


@dataclass(frozen=True, slots=True)
class Want:
    """What an answered call asks of an agent: skills with wanted levels, a language, and who spoke last."""

    skills: Mapping[str, int] = field(default_factory=dict)
    language: str = "es"
    last_agent: str | None = None
