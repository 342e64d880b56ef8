"""AMI events become what happened to calls, agents and inbound callers. Synchronous: a person waits behind each."""

from __future__ import annotations

from collections.abc import Callable

from dialer.ami.messages import (
    BridgeEnter,
    ContactStatus,
    Event,
    Hangup,
    Newchannel,
    Newstate,
    OriginateResponse,
    UserEvent,
)
from dialer.call import Stage
from dialer.engine.book import Book
from dialer.engine.floor import Floor
from dialer.engine.inbound import Inbound
from dialer.engine.plane import Plane
from dialer.events import (
    Answered,
    ChannelMade,
    Classified,
    HungUp,
    Joined,
    JoinFailed,
    MessageBegan,
    Noticed,
    OriginateFailed,
    Rang,
    RecordingClosed,
    Unjoined,
)

RINGING = 5
GONE = frozenset({"Unreachable", "Removed"})
SEEN_IN_SNAPSHOT = ""
"""Stands for a contact whose address the snapshot does not tell."""


def is_attempt(channel_id: str) -> bool:
    """Say whether a channel id names an attempt of ours."""
    return channel_id.startswith("t")


class Switchboard:
    """Sends every event of a node to the call, agent or inbound caller it is about."""

    def __init__(self, book: Book, floor: Floor, plane: Plane, inbound: Inbound) -> None:
        self._book = book
        self._floor = floor
        self._plane = plane
        self._inbound = inbound
        self.on_menu: Callable[[str, str], None] = lambda call_id, choice: None
        self._contacts: dict[tuple[str, str], set[str]] = {}
        self._user_events: dict[str, Callable[[UserEvent], None]] = {
            "DialerAnswered": self._answered,
            "DialerClassified": lambda e: self._book.apply(e.call_id, Classified(e.get("Status"))),
            "DialerAbandoned": lambda e: self._book.apply(e.call_id, MessageBegan()),
            "DialerMenu": lambda e: self.on_menu(e.call_id, e.get("Choice")),
            "DialerJoinRefused": lambda e: self._book.apply(e.call_id, JoinFailed(refused=True)),
            "DialerUnjoined": self._unjoined,
            "DialerRecorded": self._recorded,
            "DialerNoticed": lambda e: self._book.apply(e.call_id, Noticed()),
            "DialerAgentUp": lambda e: self._floor.leg_up(e.call_id, e.channel),
        }

    def hear(self, node: str, event: Event) -> None:
        """Carry one event to whom it concerns."""
        match event:
            case UserEvent():
                self._user_event(node, event)
            case Newstate(channel_state=state) if state == RINGING:
                self._book.apply(event.uniqueid, Rang(event.channel))
            case Newchannel():
                self._book.apply(event.uniqueid, ChannelMade(event.channel))
            case BridgeEnter():
                self._bridged(event)
            case Hangup():
                self._hung_up(event)
            case OriginateResponse(success=False):
                self._not_originated(event)
            case ContactStatus():
                self.contact(node, event.endpoint, event.uri, event.status)
            case _:
                return

    def contact(self, node: str, extension: str, uri: str, status: str) -> None:
        """A softphone's contact came, went or stopped answering; a re-registration elsewhere is no loss."""
        contacts = self._contacts.setdefault((node, extension), set())
        if status not in GONE:
            contacts.add(uri)
            return
        contacts -= {uri, SEEN_IN_SNAPSHOT}
        if not contacts:
            self._floor.softphone_lost(node, extension, f"softphone {status.lower()}")

    def join_failed(self, call_id: str) -> None:
        """The redirect was refused: the debtor's channel is gone."""
        self._book.apply(call_id, JoinFailed(refused=False))

    def registered(self, node: str) -> frozenset[str]:
        """Return the extensions with a reachable contact on a node."""
        return frozenset(extension for (at, extension), uris in self._contacts.items() if at == node and uris)

    def forget_contacts(self, node: str) -> None:
        """A snapshot follows: what was known of this node's softphones is void."""
        for key in [key for key in self._contacts if key[0] == node]:
            del self._contacts[key]

    def _user_event(self, node: str, event: UserEvent) -> None:
        if handler := self._user_events.get(event.name):
            handler(event)
        elif event.name in ("DialerInbound", "DialerInboundMessage"):
            self._inbound.hear(node, event)

    def _answered(self, event: UserEvent) -> None:
        if event.call_id in self._book:
            self._plane.answered(event.call_id)
        self._book.apply(event.call_id, Answered(event.channel, amd=event.get("Amd") == "1"))

    def _unjoined(self, event: UserEvent) -> None:
        if event.call_id in self._book:
            self._book.apply(event.call_id, Unjoined(event.get("Result")))
        else:
            self._inbound.unjoined(event.call_id)

    def _recorded(self, event: UserEvent) -> None:
        size = event.get("Size")
        known = int(size) if size.isdigit() else None
        if event.call_id in self._book:
            if known is not None:
                self._book.apply(event.call_id, RecordingClosed(known))
        else:
            self._inbound.recorded(event.call_id, known)

    def _bridged(self, event: BridgeEnter) -> None:
        call = self._book.get(event.uniqueid)
        if call is not None and call.stage is Stage.JOINING:
            self._plane.joined(event.uniqueid)
            self._book.apply(event.uniqueid, Joined())
        elif call is None:
            self._inbound.bridged(event.uniqueid)

    def _hung_up(self, event: Hangup) -> None:
        if event.uniqueid in self._book:
            self._book.apply(event.uniqueid, HungUp(event.cause, event.tech_cause))
            self._plane.forget(event.uniqueid)
        elif self._floor.by_leg(event.uniqueid) is not None:
            self._floor.leg_ended(event.uniqueid, "the softphone hung up")
        else:
            self._inbound.hung_up(event.uniqueid)
            self._floor.call_gone(event.uniqueid)

    def _not_originated(self, event: OriginateResponse) -> None:
        if is_attempt(event.uniqueid):
            self._book.apply(event.uniqueid, OriginateFailed(event.reason))
        else:
            self._floor.leg_ended(event.uniqueid, "the softphone did not answer")
