"""What a node said during a scenario, with everything that differs from run to run given a name of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

READ: Mapping[str, tuple[str, ...]] = {
    "Newchannel": ("Uniqueid", "Linkedid", "Channel", "ChannelState", "Context", "Exten", "CallerIDNum"),
    "Newstate": ("Uniqueid", "Linkedid", "Channel", "ChannelState"),
    "Hangup": ("Uniqueid", "Linkedid", "Channel", "ChannelState", "Cause", "Cause-txt", "TechCause"),
    "OriginateResponse": ("ActionID", "Uniqueid", "Channel", "Response", "Reason"),
    "BridgeEnter": ("BridgeUniqueid", "BridgeName", "BridgeTechnology", "BridgeCreator", "BridgeNumChannels",
                    "Uniqueid", "Linkedid", "Channel"),
    "BridgeLeave": ("BridgeUniqueid", "BridgeName", "BridgeTechnology", "BridgeCreator", "BridgeNumChannels",
                    "Uniqueid", "Linkedid", "Channel"),
    "ContactStatus": ("EndpointName", "AOR", "ContactStatus"),
    "FullyBooted": ("Status",),
    "CoreShowChannel": ("Uniqueid", "Linkedid", "Channel", "ChannelState", "ChannelStateDesc", "Context", "Exten",
                        "Application", "BridgeId", "CallerIDNum", "ConnectedLineNum"),
    "CoreShowChannelsComplete": ("EventList", "ListItems"),
    "ContactList": ("ObjectName", "Endpoint", "Status"),
    "ContactListComplete": ("EventList", "ListItems"),
}  # fmt: skip
"""The fields of each event that the dialer reads, and a few that a person would look at."""

_PLUMBING = frozenset({"Event", "Privilege", "Timestamp", "Uniqueid", "Linkedid", "Channel"})
_CHANNEL = re.compile(r"((?:PJSIP|Local)/[^ ;,]*?-)([0-9a-f]{8})\b")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OURS = re.compile(r"\b[tg]\d{26}\b")
_THEIRS = re.compile(r"\b(?:[a-z][a-z0-9_-]*-)?\d{10}\.\d+\b")


@dataclass
class Names:
    """Gives `call1`, `leg1`, `id1`, `bridge1`, `channel-1` to what a run made, in the order of appearance."""

    given: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def plain(self, text: str) -> str:
        """Return a value with its ids replaced."""
        text = _UUID.sub(lambda m: self._name("bridge", m[0]), text)
        text = _CHANNEL.sub(lambda m: m[1] + self._name("n", m[0]), text)
        text = _OURS.sub(lambda m: self._name("call" if m[0][0] == "t" else "leg", m[0]), text)
        return _THEIRS.sub(lambda m: self._name("id", m[0]), text)

    def _name(self, kind: str, value: str) -> str:
        if value not in self.given:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.given[value] = f"{kind}{self.counts[kind]}"
        return self.given[value]


def transcript(messages: Sequence[Mapping[str, str]], names: Names | None = None) -> list[str]:
    """Return one line for each event: its name and the fields the dialer reads."""
    names = names or Names()
    return [_line(message, names) for message in messages if "Event" in message]


def headers(messages: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return the header names of each kind of event, the first of its kind."""
    found: dict[str, list[str]] = {}
    for message in messages:
        if "Event" in message:
            found.setdefault(message.get("UserEvent", message["Event"]), list(message))
    return found


def answers(messages: Sequence[Mapping[str, str]]) -> list[str]:
    """Return one line for each answer: its kind, its words and the names of its other headers."""
    return [_answer(message) for message in messages if "Response" in message and "Event" not in message]


def _answer(message: Mapping[str, str]) -> str:
    others = ",".join(name for name in message if name not in {"Response", "Message", "ActionID"})
    return f"{message['Response']} {message.get('Message', '').strip()!r} {others}".rstrip()


def _line(message: Mapping[str, str], names: Names) -> str:
    kind = message["Event"]
    if kind == "UserEvent":
        wanted = ["Uniqueid", "Channel", *(name for name in _own(message) if name != "UserEvent")]
        kind = f"UserEvent {message['UserEvent']}"
    else:
        wanted = list(READ.get(kind, ()))
    values = " ".join(f"{name}={names.plain(message[name])}" for name in wanted if name in message)
    return f"{kind} {values}"


def _own(message: Mapping[str, str]) -> list[str]:
    """Return the headers of a UserEvent that the dialplan gave it: those after Linkedid and UserEvent."""
    every = list(message)
    return [name for name in every[every.index("UserEvent") :] if name not in _PLUMBING]
