"""What the manager interface writes: answers, events and lists, byte for byte as Asterisk frames them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Final

from dialer.simulation.node import Headers

CLASSES: Final = MappingProxyType(
    {
        "UserEvent": "user",
        "ContactStatus": "system",
        "FullyBooted": "system",
        "PeerStatus": "system",
        "Reload": "system",
        "Shutdown": "system",
        "Newexten": "dialplan",
        "VarSet": "dialplan",
        "DTMFBegin": "dtmf",
        "DTMFEnd": "dtmf",
    }
)
"""The class of an event, which a user must be allowed to read; every other event is of class call."""


def event_class(name: str) -> str:
    """Return the class of an event."""
    return CLASSES.get(name, "call")


def lines(headers: Iterable[tuple[str, str]]) -> str:
    """Return headers as lines."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def answer(kind: str, action_id: str, headers: Headers = ()) -> bytes:
    """Return one response: `Success`, `Error` or `Goodbye`; ActionID only where one was given."""
    named = f"ActionID: {action_id}\r\n" if action_id else ""
    return f"Response: {kind}\r\n{named}{lines(headers)}\r\n".encode()


def refusal(action_id: str, message: str) -> bytes:
    """Return an error response."""
    return answer("Error", action_id, (("Message", message),))


def done(action_id: str, message: str) -> bytes:
    """Return a response that something was done."""
    return answer("Success", action_id, (("Message", message),))


def listing(
    action_id: str, message: str, row: str, rows: Sequence[Headers], end: str, *, totals: Headers = ()
) -> bytes:
    """Return a whole list: its head, one event a row, and the event that completes it."""
    named = (("ActionID", action_id),) if action_id else ()
    head = answer("Success", action_id, (("EventList", "start"), ("Message", message)))
    texts = [lines((("Event", row), *named, *headers)) + "\r\n" for headers in rows]
    complete = (("Event", end), *named, ("EventList", "Complete"), ("ListItems", str(len(rows))), *totals)
    return head + "".join(texts).encode() + lines(complete).encode() + b"\r\n"


def event(name: str, timestamp: float, node: str, headers: Headers) -> bytes:
    """Return one event; `timestamp` is the machine's time in epoch seconds."""
    head = (
        f"Event: {name}\r\nPrivilege: {event_class(name)},all\r\nTimestamp: {timestamp:.6f}\r\nSystemName: {node}\r\n"
    )
    return f"{head}{lines(headers)}\r\n".encode()
