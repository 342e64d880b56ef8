"""The events the dialer reads, typed: what Asterisk said, with nothing interpreted.

`parse_event` never raises: a number that is none becomes UNREADABLE (or 0 where Asterisk's own "unset" is 0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from dialer.ami.wire import Action, AmiFieldError, Decoder, Kind, Message

__all__ = [
    "DOWN",
    "LIST_EVENTS",
    "RINGING",
    "UNREADABLE",
    "UP",
    "WANTED_EVENTS",
    "Action",
    "AmiFieldError",
    "BridgeEnter",
    "BridgeLeave",
    "ContactStatus",
    "Decoder",
    "Event",
    "FullyBooted",
    "Hangup",
    "Kind",
    "Message",
    "Newchannel",
    "Newstate",
    "OriginateResponse",
    "Shutdown",
    "UserEvent",
    "known_number",
    "parse_event",
]

UNREADABLE: Final = -1
"""A number that Asterisk did not send, or sent as something else."""

DOWN, RINGING, UP = 0, 5, 6
"""Channel states of Newchannel, Newstate and CoreShowChannels that the dialer acts on."""

LIST_EVENTS: Final = frozenset(
    {"CoreShowChannel", "CoreShowChannelsComplete", "ContactList", "ContactListComplete"},
)
"""Rows and ends of the lists asked for on the actions session; they come even with its events off."""


@dataclass(frozen=True, slots=True)
class Newchannel:
    """A channel was made: ours (`uniqueid` is the call_id) or an inbound call's."""

    uniqueid: str
    linkedid: str
    channel: str
    channel_state: int
    context: str
    exten: str
    caller: str
    timestamp: float | None


@dataclass(frozen=True, slots=True)
class Newstate:
    """A channel rings (5) or is up (6)."""

    uniqueid: str
    linkedid: str
    channel: str
    channel_state: int
    timestamp: float | None


@dataclass(frozen=True, slots=True)
class Hangup:
    """A channel is gone: `cause` is Q.850 (0 when Asterisk knows none), `tech_cause` the SIP code, for example 486."""

    uniqueid: str
    linkedid: str
    channel: str
    channel_state: int
    cause: int
    tech_cause: str | None
    timestamp: float | None


@dataclass(frozen=True, slots=True)
class OriginateResponse:
    """An Originate is over; `uniqueid` is the call_id even when no channel was ever made."""

    action_id: str
    uniqueid: str
    channel: str
    success: bool
    reason: int
    timestamp: float | None


@dataclass(frozen=True, slots=True)
class UserEvent:
    """Our dialplan speaks; `fields` holds every header of the event."""

    name: str
    uniqueid: str
    channel: str
    fields: Mapping[str, str]
    timestamp: float | None

    @property
    def call_id(self) -> str:
        """The call or leg this is about: CallId where the dialplan gave one, else the channel's id."""
        return self.fields.get("CallId") or self.uniqueid

    def get(self, header: str) -> str:
        """Return a header, empty when it is not there."""
        return self.fields.get(header, "")


@dataclass(frozen=True, slots=True)
class BridgeEnter:
    """A channel entered a bridge that now holds `channels` channels; `creator` is the application behind it."""

    bridge_id: str
    bridge_name: str
    technology: str
    creator: str
    channels: int
    uniqueid: str
    linkedid: str
    channel: str
    timestamp: float | None


@dataclass(frozen=True, slots=True)
class BridgeLeave:
    """A channel left a bridge that now holds `channels` channels."""

    bridge_id: str
    bridge_name: str
    technology: str
    creator: str
    channels: int
    uniqueid: str
    linkedid: str
    channel: str
    timestamp: float | None


@dataclass(frozen=True, slots=True)
class ContactStatus:
    """A softphone or trunk contact: NonQualified, Reachable, Unreachable, Created, Updated, Removed, Unknown."""

    endpoint: str
    uri: str
    status: str
    timestamp: float | None


@dataclass(frozen=True, slots=True)
class FullyBooted:
    """All modules of this Asterisk are loaded."""

    timestamp: float | None


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Asterisk stops, or restarts when `restart`."""

    restart: bool
    timestamp: float | None


Event = (
    Newchannel
    | Newstate
    | Hangup
    | OriginateResponse
    | UserEvent
    | BridgeEnter
    | BridgeLeave
    | ContactStatus
    | FullyBooted
    | Shutdown
)


def parse_event(message: Message) -> Event | None:
    """Return the typed event, None for a response or an event the dialer does not read."""
    parser = _PARSERS.get(message.name)
    return parser(message) if parser is not None and message.kind is Kind.EVENT else None


def _number(text: str, missing: int = UNREADABLE) -> int:
    # Not int(): that would also take "1_0", "+1" and blanks.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else missing


def _timestamp(message: Message) -> float | None:
    try:
        return float(message.get("Timestamp"))
    except ValueError:
        return None


def _newchannel(message: Message) -> Newchannel:
    get = message.get
    return Newchannel(
        uniqueid=get("Uniqueid"),
        linkedid=get("Linkedid"),
        channel=get("Channel"),
        channel_state=_number(get("ChannelState")),
        context=get("Context"),
        exten=get("Exten"),
        caller=known_number(get("CallerIDNum")),
        timestamp=_timestamp(message),
    )


def known_number(text: str) -> str:
    """Return a caller number, empty where Asterisk writes <unknown>."""
    return "" if text == "<unknown>" else text


def _newstate(message: Message) -> Newstate:
    get = message.get
    state = _number(get("ChannelState"))
    return Newstate(get("Uniqueid"), get("Linkedid"), get("Channel"), state, _timestamp(message))


def _hangup(message: Message) -> Hangup:
    get = message.get
    return Hangup(
        uniqueid=get("Uniqueid"),
        linkedid=get("Linkedid"),
        channel=get("Channel"),
        channel_state=_number(get("ChannelState")),
        cause=_number(get("Cause"), missing=0),
        tech_cause=_sip_code(get("TechCause")),
        timestamp=_timestamp(message),
    )


def _sip_code(text: str) -> str | None:
    """Return the SIP code of a TechCause: `486` as Asterisk 22 writes it, or the number in `SIP 486 Busy Here`."""
    return next((word for word in text.split() if len(word) == 3 and word.isascii() and word.isdigit()), None)


def _originate_response(message: Message) -> OriginateResponse:
    get = message.get
    return OriginateResponse(
        action_id=get("ActionID"),
        uniqueid=get("Uniqueid"),
        channel=get("Channel"),
        success=get("Response") == "Success",
        reason=_number(get("Reason"), missing=0),
        timestamp=_timestamp(message),
    )


def _user_event(message: Message) -> UserEvent:
    get = message.get
    return UserEvent(get("UserEvent"), get("Uniqueid"), get("Channel"), message.headers(), _timestamp(message))


def _bridge(made: Callable[..., BridgeEnter | BridgeLeave]) -> Callable[[Message], BridgeEnter | BridgeLeave]:
    def parse(message: Message) -> BridgeEnter | BridgeLeave:
        get = message.get
        return made(
            bridge_id=get("BridgeUniqueid"),
            bridge_name=get("BridgeName"),
            technology=get("BridgeTechnology"),
            creator=get("BridgeCreator"),
            channels=_number(get("BridgeNumChannels"), missing=0),
            uniqueid=get("Uniqueid"),
            linkedid=get("Linkedid"),
            channel=get("Channel"),
            timestamp=_timestamp(message),
        )

    return parse


def _contact_status(message: Message) -> ContactStatus:
    get = message.get
    endpoint = get("EndpointName") or get("AOR")
    return ContactStatus(endpoint, get("URI"), get("ContactStatus"), _timestamp(message))


def _fully_booted(message: Message) -> FullyBooted:
    return FullyBooted(_timestamp(message))


def _shutdown(message: Message) -> Shutdown:
    return Shutdown(message.get("Restart") == "True", _timestamp(message))


_PARSERS: Mapping[str, Callable[[Message], Event]] = {
    "Newchannel": _newchannel,
    "Newstate": _newstate,
    "Hangup": _hangup,
    "OriginateResponse": _originate_response,
    "UserEvent": _user_event,
    "BridgeEnter": _bridge(BridgeEnter),
    "BridgeLeave": _bridge(BridgeLeave),
    "ContactStatus": _contact_status,
    "FullyBooted": _fully_booted,
    "Shutdown": _shutdown,
}

WANTED_EVENTS: Final = tuple(_PARSERS)
"""The event names to let through: the filters of the events user in manager.conf are written from it."""
