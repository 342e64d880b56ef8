"""Dialplan functions and the variables that Asterisk itself provides on a channel."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dialer.simulation.channels import Channel
from dialer.simulation.expressions import DialplanError, truth

if TYPE_CHECKING:
    from dialer.simulation.switch import Switch


class ChannelScope:
    """What names mean on one channel of one node."""

    __slots__ = ("_channel", "_switch")

    def __init__(self, switch: Switch, channel: Channel) -> None:
        self._switch = switch
        self._channel = channel

    def variable(self, name: str) -> str:
        """Return a variable, empty when unset."""
        built_in = _BUILT_IN.get(name)
        if built_in is not None:
            return built_in(self._switch, self._channel)
        return self._channel.variables.get(name, "")

    def function(self, name: str, arguments: str) -> str:
        """Return the value of a function; raise DialplanError for one that this node does not have."""
        read = _FUNCTIONS.get(name.upper())
        if read is None:
            raise DialplanError(f"{name}({arguments}): the simulated node has no such function")
        return read(self._switch, self._channel, arguments)


def assign(switch: Switch, channel: Channel, name: str, value: str) -> None:
    """Set a variable or write to a function, as Set() and Setvar do."""
    function = re.fullmatch(r"(\w+)\((.*)\)", name)
    if function is None:
        # _NAME and __NAME are inherited by channels made from this one; here only their own channel sees them.
        channel.variables[name.lstrip("_") or name] = value
        return
    write = _WRITES.get((function[1].upper(), function[2].lower()))
    if write is None:
        raise DialplanError(f"{name}: the simulated node cannot set this")
    write(switch, channel, value)


def _if(_switch: Switch, _channel: Channel, arguments: str) -> str:
    condition, _, branches = arguments.partition("?")
    yes, _, no = branches.partition(":")
    return yes if truth(condition) else no


def _filter(_switch: Switch, _channel: Channel, arguments: str) -> str:
    allowed, _, text = arguments.partition(",")
    kept = set()
    for piece in re.findall(r".-.|.", allowed):
        kept |= {chr(code) for code in range(ord(piece[0]), ord(piece[-1]) + 1)}
    return "".join(letter for letter in text if letter in kept)


def _stat(switch: Switch, _channel: Channel, arguments: str) -> str:
    flag, _, path = arguments.partition(",")
    size = switch.ports.monitor.size(Path(path))
    match flag:
        case "e":
            return str(int(size is not None))
        case "s":
            return "" if size is None else str(size)
        case other:
            raise DialplanError(f"STAT({other},...): the simulated node knows e and s")


def _caller_id(_switch: Switch, channel: Channel, arguments: str) -> str:
    match arguments.lower():
        case "num" | "number":
            return channel.caller
        case "name":
            return channel.caller_name
        case "all":
            return f'"{channel.caller_name}" <{channel.caller}>'
        case other:
            raise DialplanError(f"CALLERID({other}): the simulated node knows num, name and all")


def _channel_fact(_switch: Switch, channel: Channel, arguments: str) -> str:
    facts = {
        "name": channel.name,
        "channame": channel.name,
        "uniqueid": channel.uniqueid,
        "linkedid": channel.linkedid,
        "context": channel.context,
        "exten": channel.exten,
        "state": str(channel.state),
    }
    if arguments.lower() not in facts:
        raise DialplanError(f"CHANNEL({arguments}): the simulated node knows {', '.join(facts)}")
    return facts[arguments.lower()]


def _push_handler(switch: Switch, channel: Channel, value: str) -> None:
    place = value.split(",")
    channel.handlers.append((place[0], place[1], int(place[2])))
    switch.announcer.channel("HangupHandlerPush", channel, (("Handler", value),))


def _pop_handler(_switch: Switch, channel: Channel, _value: str) -> None:
    if channel.handlers:
        channel.handlers.pop()


def _limit(switch: Switch, channel: Channel, value: str) -> None:
    seconds = float(value or 0)
    channel.stop_timer("absolute")
    if seconds > 0:
        timer = switch.ports.scheduler.later(seconds, lambda: switch.time_is_up(channel))
        channel.set_timer("absolute", timer)


def _set_caller(_switch: Switch, channel: Channel, value: str) -> None:
    channel.caller = value


def _set_caller_name(_switch: Switch, channel: Channel, value: str) -> None:
    channel.caller_name = value


def _epoch(switch: Switch, _channel: Channel) -> str:
    return str(int(switch.ports.scheduler.now().timestamp()))


_BUILT_IN: Final[dict[str, Callable[[Switch, Channel], str]]] = {
    "UNIQUEID": lambda switch, channel: channel.uniqueid,
    "EPOCH": _epoch,
    "CHANNEL": lambda switch, channel: channel.name,
    "CONTEXT": lambda switch, channel: channel.context,
    "EXTEN": lambda switch, channel: channel.exten,
    "PRIORITY": lambda switch, channel: str(channel.priority),
    "HANGUPCAUSE": lambda switch, channel: str(channel.cause),
}

_FUNCTIONS: Final[dict[str, Callable[[Switch, Channel, str], str]]] = {
    "IF": _if,
    "FILTER": _filter,
    "STAT": _stat,
    "CALLERID": _caller_id,
    "CHANNEL": _channel_fact,
    "EXISTS": lambda switch, channel, text: str(int(text != "")),
    "ISNULL": lambda switch, channel, text: str(int(text == "")),
    "LEN": lambda switch, channel, text: str(len(text)),
    "TOUPPER": lambda switch, channel, text: text.upper(),
    "TOLOWER": lambda switch, channel, text: text.lower(),
}

_WRITES: Final[dict[tuple[str, str], Callable[[Switch, Channel, str], None]]] = {
    ("CHANNEL", "hangup_handler_push"): _push_handler,
    ("CHANNEL", "hangup_handler_pop"): _pop_handler,
    ("TIMEOUT", "absolute"): _limit,
    ("CALLERID", "num"): _set_caller,
    ("CALLERID", "name"): _set_caller_name,
}
