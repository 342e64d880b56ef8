"""What goes wrong on request: with the connection, with events, with trunks, with the node as a whole.

Faults are ordered from Python (`Faults.order`) or, from any other process, by the manager action `SimulationFault`
with the headers of `Fault`'s fields:

| header | meaning |
| --- | --- |
| Fault | one of `Kind`; `none` forgets every fault ordered so far |
| Match | pattern of the action's or event's name (`Originate`, `*`); a UserEvent also goes by its own name |
| Where | text that some header of it must hold, for example a ChannelId |
| Nth | the how-manieth match from now on is hit first; 1 when not given |
| Times | how many matches are hit from there on; 1 when not given, 0 for ever |
| Seconds | how long an answer or event is late, or the manager interface away, in real seconds |
| Trunk, Sip | the trunk that refuses every call with this SIP status, or is not there at all |
| Channels | of a restart: `lose` is a crash that tells nobody, `end` hangs up every channel first |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final, Protocol

from dialer.simulation.node import Headers
from dialer.simulation.protocol import Request
from dialer.types import DialerError


class Kind(StrEnum):
    """What goes wrong."""

    DROP_UNREAD = "drop-unread"
    DROP_BEFORE_ACK = "drop-before-ack"
    DROP_AFTER_ACK = "drop-after-ack"
    DELAY_ANSWER = "delay-answer"
    DELAY_EVENT = "delay-event"
    DUPLICATE_EVENT = "duplicate-event"
    REORDER_EVENTS = "reorder-events"
    LOSE_EVENT = "lose-event"
    REFUSE_TRUNK = "refuse-trunk"
    MISS_TRUNK = "miss-trunk"
    MEND_TRUNK = "mend-trunk"
    RESTART = "restart"
    AWAY = "away"


ON_ACTIONS: Final = frozenset({Kind.DROP_UNREAD, Kind.DROP_BEFORE_ACK, Kind.DROP_AFTER_ACK, Kind.DELAY_ANSWER})
ON_EVENTS: Final = frozenset({Kind.DELAY_EVENT, Kind.DUPLICATE_EVENT, Kind.REORDER_EVENTS, Kind.LOSE_EVENT})
_ON_TRUNKS: Final = frozenset({Kind.REFUSE_TRUNK, Kind.MISS_TRUNK, Kind.MEND_TRUNK})


class FaultUnknown(DialerError):
    """A fault was ordered that cannot be; the message says what to change."""

    error_id = "simulated-fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong; see the table above."""

    kind: Kind
    match: str = "*"
    where: str = ""
    nth: int = 1
    times: int = 1
    seconds: float = 0.0
    trunk: str = ""
    sip: int = 503
    lose_channels: bool = True

    def __post_init__(self) -> None:
        """Refuse what could never happen."""
        if self.nth < 1 or self.times < 0 or self.seconds < 0:
            raise FaultUnknown(f"{self.kind}: Nth from 1, Times and Seconds from 0; got {self.nth}, {self.times}")
        if self.kind in _ON_TRUNKS and not self.trunk:
            raise FaultUnknown(f"{self.kind} needs the header Trunk")
        if not 400 <= self.sip <= 699:
            raise FaultUnknown(f"Sip {self.sip}: a refusal is 400 to 699")


class NodeFaults(Protocol):
    """The faults that the node itself plays."""

    def refuse(self, trunk: str, sip: int | None) -> None:
        """Let every new call on a trunk end with this SIP status; None ends it."""
        ...

    def miss(self, trunk: str, *, missing: bool) -> None:
        """Take a trunk away, or bring it back."""
        ...

    def restart(self, *, lose_channels: bool) -> None:
        """Go down and come back: as a crash, or in good order."""
        ...


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0

    def hits(self, names: tuple[str, ...], texts: Callable[[], list[str]]) -> bool:
        """Count a match and tell whether it is hit."""
        if not any(fnmatchcase(name.lower(), self.fault.match.lower()) for name in names):
            return False
        if self.fault.where and not any(self.fault.where in text for text in texts()):
            return False
        self.seen += 1
        return self.seen >= self.fault.nth

    @property
    def spent(self) -> bool:
        return bool(self.fault.times) and self.seen >= self.fault.nth + self.fault.times - 1


class Faults:
    """Everything ordered and not yet spent; the first that fits is played."""

    def __init__(self, node: NodeFaults | None = None, away: Callable[[float], None] | None = None) -> None:
        self._node = node
        self._away = away
        self._actions: list[_Armed] = []
        self._events: list[_Armed] = []
        self.played = 0

    def bind(self, node: NodeFaults, away: Callable[[float], None]) -> None:
        """Say who plays the faults of trunks and of the node."""
        self._node, self._away = node, away

    def order(self, fault: Fault) -> None:
        """Let this go wrong from now on; trunks and restarts at once."""
        if fault.kind in ON_ACTIONS:
            self._actions.append(_Armed(fault))
        elif fault.kind in ON_EVENTS:
            self._events.append(_Armed(fault))
        else:
            self._play(fault)

    def take(self, fault: Fault | None) -> None:
        """Order a fault; None forgets those ordered so far."""
        if fault is None:
            self.clear()
        else:
            self.order(fault)

    def clear(self) -> None:
        """Forget every fault of actions and events; trunks stay as they are."""
        self._actions.clear()
        self._events.clear()

    def for_action(self, request: Request) -> Fault | None:
        """Return what goes wrong with this action."""
        return self._hit(self._actions, (request.action,), lambda: list(request.lines)) if self._actions else None

    def for_event(self, name: str, headers: Headers) -> Fault | None:
        """Return what goes wrong with this event."""
        if not self._events:
            return None
        own = next((value for header, value in headers if header == "UserEvent"), "") if name == "UserEvent" else ""
        return self._hit(self._events, (name, own) if own else (name,), lambda: [value for _, value in headers])

    def _hit(self, armed: list[_Armed], names: tuple[str, ...], texts: Callable[[], list[str]]) -> Fault | None:
        for one in armed:
            if one.hits(names, texts):
                if one.spent:
                    armed.remove(one)
                self.played += 1
                return one.fault
        return None

    def _play(self, fault: Fault) -> None:
        if self._node is None or self._away is None:
            raise FaultUnknown(f"{fault.kind}: this node cannot play it")
        self.played += 1
        match fault.kind:
            case Kind.REFUSE_TRUNK:
                self._node.refuse(fault.trunk, fault.sip)
            case Kind.MISS_TRUNK:
                self._node.miss(fault.trunk, missing=True)
            case Kind.MEND_TRUNK:
                self._node.refuse(fault.trunk, None)
                self._node.miss(fault.trunk, missing=False)
            case Kind.RESTART:
                self._node.restart(lose_channels=fault.lose_channels)
            case _:
                self._away(fault.seconds)


def read_fault(request: Request) -> Fault | None:
    """Return the fault a `SimulationFault` action orders, None for `none`; raise FaultUnknown saying what is wrong."""
    kind = request.get("Fault")
    if kind == "none":
        return None
    if kind not in set(Kind):
        raise FaultUnknown(f"Fault {kind!r} is none of none, {', '.join(Kind)}")
    try:
        return Fault(
            kind=Kind(kind),
            match=request.get("Match") or "*",
            where=request.get("Where"),
            nth=int(request.get("Nth") or 1),
            times=int(request.get("Times") or 1),
            seconds=float(request.get("Seconds") or 0),
            trunk=request.get("Trunk"),
            sip=int(request.get("Sip") or 503),
            lose_channels=request.get("Channels") != "end",
        )
    except ValueError as exc:
        raise FaultUnknown(f"{kind}: Nth, Times, Seconds and Sip are numbers ({exc})") from exc
