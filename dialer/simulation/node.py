"""What the manager interface asks of the simulated node: orders, lists, and the events that come out of it.

Orders mirror the manager actions without their wording. One that Asterisk would refuse raises `Refused` with the
Message of its error response; one it would take is carried out, and what follows comes out as events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dialer.types import DialerError

Headers = Sequence[tuple[str, str]]
"""Headers of one event in Asterisk's order, without Event, Privilege and Timestamp, which the interface adds."""

Emit = Callable[[str, Headers], None]
"""Takes one event (its name and headers) at the moment it happens; must not block."""


class Refused(DialerError):
    """The node refuses an order as Asterisk would; the text is the Message of the error response."""

    error_id = "simulated-refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginateOrder:
    """Place a call: `context,exten,priority` when answered, or `application(data)` instead."""

    action_id: str
    channel: str
    channel_id: str
    other_channel_id: str = ""
    context: str = ""
    exten: str = "s"
    priority: int = 1
    application: str = ""
    data: str = ""
    timeout_s: float = 30.0
    caller_id: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelView:
    """One row of CoreShowChannels; `started_at` is business time."""

    uniqueid: str
    linkedid: str
    channel: str
    state: int
    context: str
    exten: str
    priority: int
    application: str
    application_data: str
    bridge_id: str
    started_at: datetime
    caller: str
    connected: str


class Node(Protocol):
    """The simulated Asterisk behind its manager interface. Channels are named by name or by unique id."""

    @property
    def started_at(self) -> datetime:
        """Business time of the start; changes with every restart."""
        ...

    def originate(self, order: OriginateOrder) -> None:
        """Begin a call; its result is an OriginateResponse event, as with Async."""
        ...

    def redirect(self, channel: str, context: str, exten: str, priority: int) -> None:
        """Send a channel to a place in the dialplan."""
        ...

    def set_variable(self, channel: str, name: str, value: str) -> None:
        """Set a channel variable."""
        ...

    def get_variable(self, channel: str, name: str) -> str:
        """Return a channel variable or the value of a function on it; empty when unset."""
        ...

    def hang_up(self, channel: str, cause: int) -> int:
        """End a channel, or all whose names match `/pattern/`; return how many."""
        ...

    def bridge(self, first: str, second: str, tone: str) -> None:
        """Join two channels."""
        ...

    def mix_monitor(self, channel: str, file: str, options: str) -> str:
        """Begin a recording; return its id."""
        ...

    def stop_mix_monitor(self, channel: str) -> None:
        """End the recordings of a channel."""
        ...

    def user_event(self, name: str, headers: Headers) -> None:
        """Raise a UserEvent that belongs to no channel."""
        ...

    def channels(self) -> list[ChannelView]:
        """Return every living channel."""
        ...

    def contacts(self) -> Mapping[str, str]:
        """Return the status (Reachable, Unreachable, NonQualified) of every registered endpoint's contact."""
        ...
