"""Who hears whom: the waiting bridge of the agents and the bridges of conversations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final
from uuid import UUID

from dialer.simulation.announcer import Announcer
from dialer.simulation.channels import Channel

HOLDING: Final = "holding_bridge"
SIMPLE: Final = "simple_bridge"
NATIVE: Final = "native_rtp"


@dataclass(slots=True, eq=False)
class Bridge:
    """One bridge; a conversation ends when one of its two members leaves, a waiting bridge when the last one does."""

    uniqueid: str
    kind: str
    technology: str
    creator: str = ""
    name: str = ""
    members: list[Channel] = field(default_factory=list)

    @property
    def is_conversation(self) -> bool:
        """Whether two people talk here."""
        return self.technology != HOLDING


class Bridges:
    """Every bridge of the node.

    `entered` is told of each channel that came in, `joined` of the two sides of a conversation that began, `left`
    of a channel whose conversation ended under it and which goes on by itself.
    """

    def __init__(
        self,
        announcer: Announcer,
        rng: Random,
        *,
        entered: Callable[[Channel, Bridge], None],
        joined: Callable[[Channel, Channel], None],
        left: Callable[[Channel], None],
    ) -> None:
        self._announcer = announcer
        self._rng = rng
        self._entered = entered
        self._joined = joined
        self._left = left
        self._holding: dict[str, Bridge] = {}

    def hold(self, channel: Channel, name: str) -> None:
        """Let a channel wait in the bridge of this name."""
        bridge = self._holding.get(name)
        if bridge is None:
            bridge = self._holding[name] = self._made(Bridge(self._uuid(), "base", HOLDING, "BridgeWait", name))
        self._enter(channel, bridge)

    def join(self, mover: Channel, other: Channel, *, mover_first: bool = False) -> None:
        """Put two channels into a conversation, each taken out of where it was."""
        bridge = self._made(Bridge(self._uuid(), "basic", SIMPLE))
        for channel in (mover, other) if mover_first else (other, mover):
            self.leave(channel)
            # Two who talked to each other already were just told to go on by themselves.
            channel.stop_waiting()
            self._enter(channel, bridge)
        _same_call(mover, other)
        self._introduce(mover, other)
        if not (mover.recording or other.recording):
            bridge.technology = NATIVE
        self._joined(mover, other)

    def leave(self, channel: Channel) -> None:
        """Take a channel out of its bridge; whoever is left alone in a conversation goes on by itself."""
        bridge = channel.bridge
        if bridge is None:
            return
        self._exit(channel, bridge)
        if bridge.is_conversation:
            for other in list(bridge.members):
                self._exit(other, bridge)
                self._left(other)
        if not bridge.members:
            self._announcer.bridge("BridgeDestroy", bridge)
            if self._holding.get(bridge.name) is bridge:
                del self._holding[bridge.name]

    def forget(self) -> None:
        """Asterisk died: nobody is told."""
        self._holding.clear()

    def _made(self, bridge: Bridge) -> Bridge:
        self._announcer.bridge("BridgeCreate", bridge)
        return bridge

    def _enter(self, channel: Channel, bridge: Bridge) -> None:
        bridge.members.append(channel)
        channel.bridge = bridge
        if len(bridge.members) == 2 and bridge.is_conversation:
            _same_call(*bridge.members)
        self._announcer.bridge("BridgeEnter", bridge, channel)
        self._entered(channel, bridge)

    def _exit(self, channel: Channel, bridge: Bridge) -> None:
        bridge.members.remove(channel)
        channel.bridge = None
        self._announcer.bridge("BridgeLeave", bridge, channel)

    def _introduce(self, one: Channel, two: Channel) -> None:
        for channel, other in ((one, two), (two, one)):
            before = channel.connected, channel.connected_name
            channel.connected, channel.connected_name = other.caller, other.caller_name
            if before != (channel.connected, channel.connected_name):
                self._announcer.channel("NewConnectedLine", channel)

    def _uuid(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))


def _same_call(one: Channel, two: Channel) -> None:
    """Both belong to the older call from now on, also when the channel that began it is long gone."""
    began = [channel.linked_since or channel.created_at for channel in (one, two)]
    older, since = (one, began[0]) if began[0] < began[1] else (two, began[1])
    one.linkedid = two.linkedid = older.linkedid
    one.linked_since = two.linked_since = since
