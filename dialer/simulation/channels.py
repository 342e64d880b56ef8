"""A channel of the simulated node, and all living ones by name and id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from dialer.simulation.causes import NO_CAUSE
from dialer.simulation.far_end import Reply
from dialer.simulation.ports import Timer

if TYPE_CHECKING:
    from dialer.simulation.bridges import Bridge

DOWN: Final = 0
RING: Final = 4
RINGING: Final = 5
UP: Final = 6

Place = tuple[str, str, int]
"""Context, extension, priority."""

OUTGOING: Final = ("AppDial2", "(Outgoing Line)")
"""What a channel that we dial is said to run until it is answered."""


@dataclass(slots=True, eq=False)
class Channel:
    """One leg. `waiting` is the timer of the application that holds it, `timers` those of its far end and limits.

    `linked_since` is when the channel lived whose id `linkedid` is: None when that is this one.
    `on_end` is called once when the channel is gone; `on_answer` when it is answered from within (a Local channel).
    """

    name: str
    uniqueid: str
    created_at: datetime
    context: str
    exten: str = "s"
    priority: int = 1
    state: int = DOWN
    linkedid: str = ""
    linked_since: datetime | None = None
    caller: str = ""
    caller_name: str = ""
    connected: str = ""
    connected_name: str = ""
    application: str = ""
    application_data: str = ""
    answered_at: datetime | None = None
    cause: int = NO_CAUSE
    tech_cause: str = ""
    reply: Reply = field(default_factory=Reply)
    extension: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    frames: list[Place] = field(default_factory=list)
    handlers: list[Place] = field(default_factory=list)
    bridge: Bridge | None = None
    waiting: Timer | None = None
    timers: dict[str, Timer] = field(default_factory=dict)
    only_application: bool = False
    closing: bool = False
    dead: bool = False
    recording: bool = False
    on_answer: Callable[[], None] | None = None
    on_end: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """A channel alone is its own call."""
        self.linkedid = self.linkedid or self.uniqueid

    @property
    def place(self) -> Place:
        """Where in the dialplan it is."""
        return self.context, self.exten, self.priority

    def go(self, place: Place) -> None:
        """Be at a place from the next step on."""
        self.context, self.exten, self.priority = place

    def set_timer(self, name: str, timer: Timer) -> None:
        """Replace the timer of this name."""
        self.stop_timer(name)
        self.timers[name] = timer

    def stop_timer(self, name: str) -> None:
        """Let the timer of this name not fire; harmless when there is none."""
        timer = self.timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def stop_waiting(self) -> None:
        """Let the running application be interrupted."""
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None

    def silence(self) -> None:
        """Stop every timer."""
        self.stop_waiting()
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()


class Channels:
    """Every living channel."""

    def __init__(self) -> None:
        self._by_id: dict[str, Channel] = {}
        self._by_name: dict[str, Channel] = {}
        self._low: set[str] = set()
        self._lengths: Counter[int] = Counter()

    def __iter__(self) -> Iterator[Channel]:
        """Go through them in the order of their beginning."""
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        """Return how many live."""
        return len(self._by_id)

    def add(self, channel: Channel) -> None:
        """Let a channel live."""
        self._by_id[channel.uniqueid] = channel
        self._by_name[channel.name.lower()] = channel
        self._low.add(channel.uniqueid.lower())
        self._lengths[len(channel.uniqueid)] += 1

    def remove(self, channel: Channel) -> None:
        """Forget a channel that is gone."""
        if self._by_id.pop(channel.uniqueid, None) is None:
            return
        self._by_name.pop(channel.name.lower(), None)
        self._low.discard(channel.uniqueid.lower())
        self._lengths[len(channel.uniqueid)] -= 1

    def clear(self) -> list[Channel]:
        """Forget all of them; return those that were alive."""
        gone = list(self._by_id.values())
        for index in (self._by_id, self._by_name, self._low, self._lengths):
            index.clear()
        return gone

    def find(self, name: str) -> Channel | None:
        """Return a channel by its name or id."""
        return self._by_name.get(name.lower()) or self._by_id.get(name)

    def id_is_taken(self, uniqueid: str) -> bool:
        """Tell whether Asterisk would refuse a new channel's id: it compares the beginnings, without case."""
        low = uniqueid.lower()
        if low in self._low:
            return True
        # Ids of one length, as the dialer's are, need no search.
        longer = any(count and length > len(low) for length, count in self._lengths.items())
        return longer and any(living.startswith(low) for living in self._low)
