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

_LOOSE = (
    # The size of a file and the milliseconds of a verdict belong to the run, not to the node.
    (re.compile(r"\bSize=\d+"), "Size=S"),
    (re.compile(r"\bReason=([A-Z]+)[-\d]+"), r"Reason=\1"),
    # Asterisk takes a bridge over to native_rtp when the first sound has come from both sides, or not yet.
    (re.compile(r"=native_rtp\b"), "=simple_bridge"),
    # A goodbye outside of a bridge has cause 0 or 16 on the real one: which of its threads saw the BYE first.
    (re.compile(r"Cause=0 Cause-txt=Unknown"), "Cause=16 Cause-txt=Normal Clearing"),
    # A call cancelled before anything was heard of it: the real one sometimes adds a 603 of its own, sometimes not.
    (re.compile(r" TechCause=603$"), ""),
    (re.compile(r"\blab-\d+\b"), "action"),
    (re.compile(r";@[0-9a-f]{32}"), ";@contact"),
)
_PLUMBING = frozenset({"Event", "Privilege", "Timestamp", "Uniqueid", "Linkedid", "Channel"})
_CHANNEL = re.compile(r"((?:PJSIP|Local)/[^ ;,]*?-)([0-9a-f]{8})\b")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SPEAKER = re.compile(r"\bUniqueid=(\S+)")
_LISTS = frozenset({"ContactList", "CoreShowChannel"})
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


def by_thread(lines: Sequence[str]) -> list[str]:
    """Return a transcript sorted by who spoke, each in order.

    Every channel of Asterisk is a thread of its own and the Originate another: between two of them the order of
    events is a race, which the real one decides now so, now so. Within one it is not.
    """
    found: dict[str, list[str]] = {}
    for line in lines:
        kind, own = line.partition(" ")[0], _SPEAKER.search(line)
        of_channel = own is not None and kind not in {"OriginateResponse", *_LISTS}
        found.setdefault(own[1] if own is not None and of_channel else kind, []).append(_loosened(line))
    # The rows of a list come in the order of a hash table, and Originates end in no order either.
    lone = {"OriginateResponse", *_LISTS}
    return [line for who in sorted(found) for line in (sorted(found[who]) if who in lone else found[who])]


def _loosened(line: str) -> str:
    for pattern, plain in _LOOSE:
        line = pattern.sub(plain, line)
    return line


def headers(messages: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return the header names of each kind of event, the first of its kind."""
    found: dict[str, list[str]] = {}
    for message in messages:
        if "Event" in message:
            # The 603 that comes or not, see `_LOOSE`: its header comes or not.
            names = [name for name in message if (name, message[name]) != ("TechCause", "603")]
            found.setdefault(message.get("UserEvent", message["Event"]), names)
    return found


def answers(messages: Sequence[Mapping[str, str]]) -> list[str]:
    """Return one line for each answer: its kind, its words and the names of its other headers."""
    return [_answer(message) for message in messages if "Response" in message and "Event" not in message]


def _answer(message: Mapping[str, str]) -> str:
    others = ",".join(name for name in message if name not in {"Response", "Message", "ActionID", "Output"})
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
