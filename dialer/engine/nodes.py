"""The engine's ear on one node: reconciles when it comes up, then sends every event to the switchboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

from dialer.ami.messages import Event
from dialer.ami.snapshot import OLDEST_OF, NodeSnapshot, supported_version
from dialer.routing import SEATED, SoftphoneLost

if TYPE_CHECKING:
    from dialer.engine.engine import Engine

log = structlog.get_logger("dialer.node")

SIMULATED = "simulated"
"""The word in a simulated Asterisk's version."""


class NodeEnd:
    """Listens to one node for the engine."""

    def __init__(self, name: str, engine: Engine) -> None:
        self._name = name
        self._engine = engine
        self._seen = False

    async def node_up(self, snapshot: NodeSnapshot) -> None:
        """Reconcile before the first event is heard; the first time, agents get back what the board says."""
        engine = self._engine
        engine.incarnation(self._name, snapshot.incarnation)
        self._admit(snapshot.asterisk_version)
        board: Mapping[str, Mapping[str, Any]] = {} if self._seen else engine.board_before
        self._contacts(snapshot)
        channels = {row.uniqueid: row.channel for row in snapshot.channels}
        callers = [] if self._seen else await engine.open_inbound(self._name)
        engine.inbound.lost(self._name, frozenset(channels))
        await engine.reconciler.reconcile(self._name, snapshot, board)
        engine.inbound.adopt(callers, channels)
        self._absent()
        engine.recorder.sweep(self._name, engine.alive)
        engine.unseen.discard(self._name)
        self._seen = True

    def node_event(self, event: Event) -> None:
        """Hear one event."""
        self._engine.switchboard.hear(self._name, event)

    def node_down(self, reason: str) -> None:
        """Nothing is assumed while the node is out of sight; calls stay in the book until it is seen again."""
        calls = sum(1 for call in self._engine.book.calls() if call.record.node == self._name)
        log.warning("out of sight", node=self._name, reason=reason, calls=calls)

    def _admit(self, version: str) -> None:
        """An Asterisk that may not be used gets no new calls; what is up there goes on."""
        refused = self._engine.plane.refused
        refused.pop(self._name, None)
        (self._engine.real_nodes.discard if SIMULATED in version else self._engine.real_nodes.add)(self._name)
        other_time = self._engine.config.simulation.on or self._engine.clock.speed != 1
        if (why := unfit(version, other_time=other_time)) is not None:
            refused[self._name] = f"node {self._name} runs Asterisk {version}; {why}"
            log.error("node refused", node=self._name, detail=refused[self._name])

    def _contacts(self, snapshot: NodeSnapshot) -> None:
        switchboard = self._engine.switchboard
        switchboard.forget_contacts(self._name)
        for extension, status in snapshot.contacts.items():
            switchboard.contact(self._name, extension, "", status)

    def _absent(self) -> None:
        """Take out agents whose softphone went away while nobody looked."""
        registered = self._engine.switchboard.registered(self._name)
        for agent in list(self._engine.floor.agents.values()):
            if agent.node == self._name and agent.state in SEATED and agent.extension not in registered:
                self._engine.floor.apply(agent.name, SoftphoneLost("the softphone was gone after a reconnect"))


def unfit(version: str, *, other_time: bool) -> str | None:
    """Return why an Asterisk of this version may not be used, or None.

    Its hang-up causes cannot be trusted, or it may reach real people while business time is not theirs.
    """
    if other_time and SIMULATED not in version:
        return (
            "[simulation] in config.toml changes the time, and only a simulated Asterisk may be called then: "
            "real people are called in their own time. Remove [simulation]"
        )
    if supported_version(version):
        return None
    return f"{', '.join(f'{major}.{minor}' for major, minor in OLDEST_OF.items())} or newer of these is needed"
