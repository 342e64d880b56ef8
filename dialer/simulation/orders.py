"""The actions that change something on the node."""

from __future__ import annotations

import re
from typing import Final

from dialer.simulation.desk import Caller, Command, Desk, accepted
from dialer.simulation.node import OriginateOrder, Refused
from dialer.simulation.protocol import Request
from dialer.simulation.replies import answer, lines, listing

_DEFAULT_TIMEOUT_MS: Final = "30000"
_TRUE: Final = frozenset({"yes", "true", "y", "t", "1", "on"})
_NUMBER = re.compile(r"\s*[+-]?\d+")


def originate(desk: Desk, _: Caller, request: Request) -> bytes:
    """Place a call."""
    if not request.get("Channel"):
        raise Refused("Channel not specified")
    priority = _integer(request.get("Priority") or "0", "Invalid priority")
    timeout_ms = _integer(request.get("Timeout") or _DEFAULT_TIMEOUT_MS, "Invalid timeout")
    technology, slash, resource = request.get("Channel").partition("/")
    if not (technology and slash and resource):
        raise Refused("Invalid channel")
    if request.get("Async").lower() not in _TRUE:
        # Asterisk would hold the whole session until the call is answered; nobody should want that.
        raise Refused("The simulated node originates with Async: true only")
    if request.get("EarlyMedia").lower() in _TRUE:
        raise Refused("The simulated node has no EarlyMedia")
    desk.node.originate(_order(request, priority, timeout_ms))
    return accepted(request, "Originate successfully queued")


def _order(request: Request, priority: int, timeout_ms: int) -> OriginateOrder:
    return OriginateOrder(
        action_id=request.action_id,
        channel=request.get("Channel"),
        channel_id=request.get("ChannelId"),
        other_channel_id=request.get("OtherChannelId"),
        context=request.get("Context"),
        exten=request.get("Exten") or "s",
        priority=priority or 1,
        application=request.get("Application"),
        data=request.get("Data"),
        timeout_s=timeout_ms / 1000,
        caller_id=request.get("CallerID"),
        variables=_variables(request),
    )


def _variables(request: Request) -> dict[str, str]:
    given = (part for value in request.all("Variable") for part in value.split(","))
    return {name.strip(): value for name, equals, value in (part.partition("=") for part in given) if equals}


def redirect(desk: Desk, _: Caller, request: Request) -> bytes:
    """Send a channel somewhere in the dialplan."""
    channel = request.get("Channel")
    if not channel:
        raise Refused("Channel not specified")
    priority = _integer(request.get("Priority") or "1", "Priority is invalid")
    desk.node.redirect(channel, request.get("Context"), request.get("Exten"), priority)
    return accepted(request, "Redirect successful")


def setvar(desk: Desk, _: Caller, request: Request) -> bytes:
    """Set a variable."""
    if not request.get("Variable"):
        raise Refused("No variable specified")
    channel, name, value = request.get("Channel"), request.get("Variable"), request.get("Value")
    if channel:
        desk.node.set_variable(channel, name, value)
    else:
        desk.globals[name] = value
    return accepted(request, "Variable Set")


def getvar(desk: Desk, _: Caller, request: Request) -> bytes:
    """Read a variable or a function."""
    variable = request.get("Variable")
    if not variable:
        raise Refused("No variable specified")
    channel = request.get("Channel")
    value = desk.node.get_variable(channel, variable) if channel else desk.globals.get(variable, "")
    return answer("Success", request.action_id, (("Variable", variable), ("Value", value)))


def hangup(desk: Desk, _: Caller, request: Request) -> bytes:
    """End a channel, or all whose names match `/pattern/`."""
    channel = request.get("Channel")
    if not channel:
        raise Refused("No channel specified")
    cause = int(request.get("Cause")) if request.get("Cause").isdecimal() else 16
    if channel.startswith("/") and channel.endswith("/") and len(channel) > 1:
        return _hangup_all(desk, request, channel, cause)
    if not desk.node.hang_up(channel, cause):
        raise Refused("No such channel")
    return accepted(request, "Channel Hungup")


def _hangup_all(desk: Desk, request: Request, pattern: str, cause: int) -> bytes:
    found = re.compile(pattern[1:-1])
    named = [view.channel for view in desk.node.channels() if found.search(view.channel)]
    ended = [name for name in named if desk.node.hang_up(name, cause)]
    head = answer("Success", request.action_id, (("EventList", "start"), ("Message", "Channels hung up will follow")))
    named_id = (("ActionID", request.action_id),) if request.action_id else ()
    rows = [lines((("Event", "ChannelHungup"), ("Channel", name), *named_id)) + "\r\n" for name in ended]
    complete = listing(request.action_id, "", "", [], "ChannelsHungupListComplete").partition(b"\r\n\r\n")[2]
    return head + "".join(rows).encode() + complete.replace(b"ListItems: 0", f"ListItems: {len(ended)}".encode())


def bridge(desk: Desk, _: Caller, request: Request) -> bytes:
    """Join two channels."""
    for header in ("Channel1", "Channel2"):
        if not _lives(desk, request.get(header)):
            raise Refused(f"{header} does not exist: {request.get(header)}")
    desk.node.bridge(request.get("Channel1"), request.get("Channel2"), request.get("Tone") or "no")
    return accepted(request, "Channels have been bridged")


def mix_monitor(desk: Desk, _: Caller, request: Request) -> bytes:
    """Begin a recording."""
    if not request.get("Channel"):
        raise Refused("No channel specified")
    desk.node.mix_monitor(request.get("Channel"), request.get("File"), request.get("Options"))
    return answer("Success", request.action_id)


def stop_mix_monitor(desk: Desk, _: Caller, request: Request) -> bytes:
    """End the recordings of a channel."""
    if not request.get("Channel"):
        raise Refused("No channel specified")
    desk.node.stop_mix_monitor(request.get("Channel"))
    return answer("Success", request.action_id)


def user_event(desk: Desk, _: Caller, request: Request) -> bytes:
    """Raise a UserEvent of no channel."""
    known = ("action:", "userevent:")
    rest = [line.partition(":") for line in request.lines if not line.lower().startswith(known)]
    desk.node.user_event(request.get("UserEvent"), [(name, value.strip()) for name, colon, value in rest if colon])
    return accepted(request, "Event Sent")


def reload(desk: Desk, _: Caller, request: Request) -> bytes:
    """Read the files of a module again: the simulated node's never change while it runs."""
    module = request.get("Module")
    if module and f"{module.removesuffix('.so')}.so" not in desk.installation.modules and module not in _BUILT_IN:
        raise Refused("No such module")
    desk.publish("Reload", (("Module", module or "All"), ("Status", "0")))
    return accepted(request, "Module Reloaded")


_BUILT_IN = frozenset({"acl", "cdr", "cel", "dnsmgr", "extconfig", "enum", "http", "logger", "manager", "rtp", "sip"})


def _lives(desk: Desk, channel: str) -> bool:
    return any(channel in (view.channel, view.uniqueid) for view in desk.node.channels())


def _integer(text: str, otherwise: str) -> int:
    match = _NUMBER.match(text)
    if match is None:
        raise Refused(otherwise)
    return int(match[0])


ORDERS: Final = (
    Command("Originate", "Originate a call.", ("originate",), originate),
    Command("Redirect", "Redirect (transfer) a call.", ("call",), redirect),
    Command("Setvar", "Sets a channel variable or function value.", ("call",), setvar),
    Command("Getvar", "Gets a channel variable or function value.", ("call", "reporting"), getvar),
    Command("Hangup", "Hangup channel.", ("system", "call"), hangup),
    Command("Bridge", "Bridge two channels already in the PBX.", ("call",), bridge),
    Command("MixMonitor", "Record a call and mix the audio during the recording.", ("system",), mix_monitor),
    Command("StopMixMonitor", "Stop recording a call through MixMonitor.", ("system", "call"), stop_mix_monitor),
    Command("UserEvent", "Send an arbitrary event.", ("user",), user_event),
    Command("Reload", "Send a reload event.", ("system", "config"), reload),
)
