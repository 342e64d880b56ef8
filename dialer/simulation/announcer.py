"""The node's events with the headers of Asterisk 22, in its order; what nobody wants is not even put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dialer.simulation.causes import STATES, words
from dialer.simulation.channels import Channel
from dialer.simulation.node import Emit, Headers, OriginateOrder

if TYPE_CHECKING:
    from dialer.simulation.bridges import Bridge

UNKNOWN = "<unknown>"

Pairs = list[tuple[str, str]]


def known(text: str) -> str:
    """Return a caller's number or name as events write it."""
    return text or UNKNOWN


def facts(channel: Channel, prefix: str = "") -> Pairs:
    """Return the headers that every event of a channel carries."""
    return [
        (f"{prefix}Channel", channel.name),
        (f"{prefix}ChannelState", str(channel.state)),
        (f"{prefix}ChannelStateDesc", STATES[channel.state]),
        (f"{prefix}CallerIDNum", known(channel.caller)),
        (f"{prefix}CallerIDName", known(channel.caller_name)),
        (f"{prefix}ConnectedLineNum", known(channel.connected)),
        (f"{prefix}ConnectedLineName", known(channel.connected_name)),
        (f"{prefix}Language", "en"),
        (f"{prefix}AccountCode", ""),
        (f"{prefix}Context", channel.context),
        (f"{prefix}Exten", channel.exten),
        (f"{prefix}Priority", str(channel.priority)),
        (f"{prefix}Uniqueid", channel.uniqueid),
        (f"{prefix}Linkedid", channel.linkedid),
    ]


class Announcer:
    """Puts events together for `emit`; `wants` says which names anybody listens to."""

    def __init__(self, emit: Emit, wants: Callable[[str], bool]) -> None:
        self._emit = emit
        self.wants = wants

    def raw(self, name: str, headers: Headers) -> None:
        """Raise an event that speaks of no channel."""
        if self.wants(name):
            self._emit(name, headers)

    def channel(self, name: str, channel: Channel, more: Headers = ()) -> None:
        """Raise an event of a channel."""
        if self.wants(name):
            self._emit(name, [*facts(channel), *more])

    def dial(self, name: str, channel: Channel, key: str, value: str) -> None:
        """Raise DialBegin, DialState or DialEnd."""
        if self.wants(name):
            self._emit(name, [*facts(channel, "Dest"), (key, value)])

    def step(self, channel: Channel) -> None:
        """Raise Newexten, which few people want: it is the greater part of Asterisk's events."""
        if self.wants("Newexten"):
            more = (("Extension", channel.exten), ("Application", channel.application))
            self._emit("Newexten", [*facts(channel), *more, ("AppData", channel.application_data)])

    def bridge(self, name: str, bridge: Bridge, channel: Channel | None = None) -> None:
        """Raise an event of a bridge, and of the channel that enters or leaves it."""
        if self.wants(name):
            self._emit(name, [*_bridge_facts(bridge), *(facts(channel) if channel is not None else ())])

    def hangup(self, channel: Channel) -> None:
        """Raise Hangup; TechCause is there when a SIP status ended the call before its answer."""
        if self.wants("Hangup"):
            ending = [("Cause", str(channel.cause)), ("Cause-txt", words(channel.cause))]
            self._emit("Hangup", [*facts(channel), *ending, *_tech_cause(channel)])

    def hangup_request(self, channel: Channel, *, soft: bool, cause: int | None = None) -> None:
        """Raise what comes before a Hangup: our own wish (soft) or the far end's."""
        name = "SoftHangupRequest" if soft else "HangupRequest"
        if self.wants(name):
            why = () if cause is None else (("Cause", str(cause)),)
            self._emit(name, [*facts(channel), *why, *_tech_cause(channel)])

    def originate_response(self, order: OriginateOrder, channel: Channel | None, reason: int, *, success: bool) -> None:
        """Raise the result of an Originate; a channel that was never made is named by what was dialled."""
        if not self.wants("OriginateResponse"):
            return
        if order.application:
            where = [("Application", order.application), ("Data", order.data)]
        else:
            where = [("Context", order.context), ("Exten", order.exten if order.context else "")]
        name, number = caller_id(order.caller_id)
        head = [("ActionID", order.action_id), ("Response", "Success" if success else "Failure")]
        uniqueid = channel.uniqueid if channel is not None else order.channel_id
        self._emit(
            "OriginateResponse",
            [
                *head,
                ("Channel", channel.name if channel is not None and success else order.channel),
                *where,
                ("Reason", str(reason)),
                ("Uniqueid", known(uniqueid)),
                ("CallerIDNum", known(number)),
                ("CallerIDName", known(name)),
            ],
        )

    def local_bridge(self, one: Channel, two: Channel) -> None:
        """Raise LocalBridge: the two halves of a Local channel."""
        if self.wants("LocalBridge"):
            where = (("Context", two.context), ("Exten", two.exten), ("LocalOptimization", "No"))
            self._emit("LocalBridge", [*facts(one, "LocalOne"), *facts(two, "LocalTwo"), *where])

    def spying(self, name: str, spyer: Channel, spyee: Channel) -> None:
        """Raise ChanSpyStart or ChanSpyStop."""
        if self.wants(name):
            self._emit(name, [*facts(spyer, "Spyer"), *facts(spyee, "Spyee")])

    def contact(self, extension: str, uri: str, status: str, roundtrip_us: int) -> None:
        """Raise ContactStatus of a softphone."""
        if self.wants("ContactStatus"):
            who = [("URI", uri), ("ContactStatus", status), ("AOR", extension), ("EndpointName", extension)]
            self._emit("ContactStatus", [*who, ("RoundtripUsec", str(roundtrip_us))])


def caller_id(text: str) -> tuple[str, str]:
    """Return name and number of `"Name" <number>` or a plain number."""
    name, bracket, number = text.rpartition("<")
    if not bracket:
        return "", text.strip()
    return name.strip().strip('"'), number.rstrip("> ")


def _tech_cause(channel: Channel) -> Headers:
    return (("TechCause", channel.tech_cause),) if channel.tech_cause else ()


def _bridge_facts(bridge: Bridge) -> Pairs:
    return [
        ("BridgeUniqueid", bridge.uniqueid),
        ("BridgeType", bridge.kind),
        ("BridgeTechnology", bridge.technology),
        ("BridgeCreator", known(bridge.creator)),
        ("BridgeName", known(bridge.name)),
        ("BridgeNumChannels", str(len(bridge.members))),
        ("BridgeVideoSourceMode", "none"),
    ]
