"""The dialplan's applications, as far as a telephone exchange without sound can have them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final
from zlib import crc32

from dialer.simulation.bridges import NATIVE, SIMPLE
from dialer.simulation.channels import UP, Channel
from dialer.simulation.expressions import DialplanError, truth
from dialer.simulation.functions import assign
from dialer.simulation.ports import Voices
from dialer.simulation.switch import Switch, Then

_CALL = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*(?:\((?P<data>.*)\))?\s*", re.DOTALL)

_NO_KEY: Final = "none"

Application = Callable[[Switch, Channel, str], Then]


def _nothing(_switch: Switch, _channel: Channel, _data: str) -> Then:
    return Then.NEXT


def _answer(switch: Switch, channel: Channel, _data: str) -> Then:
    switch.change_state(channel, UP)
    return Then.NEXT


def _hangup(_switch: Switch, channel: Channel, data: str) -> Then:
    channel.cause = int(data) if data.isdigit() else channel.cause
    return Then.END


def _wait(switch: Switch, channel: Channel, data: str) -> Then:
    try:
        seconds = float(data)
    except ValueError as exc:
        raise DialplanError(f"Wait({data}): no number of seconds") from exc
    return switch.wait(channel, seconds) if seconds > 0 else Then.NEXT


def _set(switch: Switch, channel: Channel, data: str) -> Then:
    name, _, value = data.partition("=")
    assign(switch, channel, name.strip(), value)
    return Then.NEXT


def _goto(switch: Switch, channel: Channel, data: str) -> Then:
    place = [part.strip() for part in data.split(",")]
    where = place[-1]
    exten = place[-2] if len(place) > 1 else channel.exten
    context = place[-3] if len(place) > 2 else channel.context
    priority = switch.dialplan.priority(context, exten, where)
    if priority is None:
        raise DialplanError(f"{context},{exten},{where}: there is no such place in the dialplan")
    channel.go((context, exten, priority))
    return Then.JUMPED


def _goto_if(switch: Switch, channel: Channel, data: str) -> Then:
    target = _branch(data)
    return _goto(switch, channel, target) if target else Then.NEXT


def _exec_if(switch: Switch, channel: Channel, data: str) -> Then:
    call = _branch(data)
    if not call:
        return Then.NEXT
    parts = _CALL.fullmatch(call)
    if parts is None:
        raise DialplanError(f"ExecIf: {call!r} is no application")
    return Table()(switch, channel, parts["name"].lower(), parts["data"] or "")


def _branch(data: str) -> str:
    condition, _, branches = data.partition("?")
    # The colon of `CallId: x` inside a call does not end the branch.
    depth = 0
    for position, letter in enumerate(branches):
        depth += (letter == "(") - (letter == ")")
        if letter == ":" and depth == 0:
            return branches[:position] if truth(condition) else branches[position + 1 :]
    return branches if truth(condition) else ""


def _gosub(switch: Switch, channel: Channel, data: str) -> Then:
    context, exten, priority = channel.place
    frame = (context, exten, priority + 1)
    then = _goto(switch, channel, data.partition("(")[0])
    channel.frames.append(frame)
    return then


def _return(_switch: Switch, channel: Channel, _data: str) -> Then:
    if not channel.frames:
        return Then.END
    channel.go(channel.frames.pop())
    return Then.JUMPED


def _user_event(switch: Switch, channel: Channel, data: str) -> Then:
    if switch.announcer.wants("UserEvent"):
        name, *fields = data.split(",")
        pairs = [field.partition(":") for field in fields]
        body = [(key.strip(), value.strip()) for key, colon, value in pairs if colon]
        switch.announcer.channel("UserEvent", channel, [("UserEvent", name), *body])
    return Then.NEXT


def _cel_user_event(switch: Switch, channel: Channel, data: str) -> Then:
    name, _, extra = data.partition(",")
    switch.ports.call_log.user_defined(switch.ports.scheduler.now(), channel, name, extra)
    return Then.NEXT


def _amd(switch: Switch, channel: Channel, _data: str) -> Then:
    reply = channel.reply

    def verdict() -> None:
        channel.variables["AMDSTATUS"] = reply.amd_status
        channel.variables["AMDCAUSE"] = reply.amd_cause

    return switch.wait(channel, reply.amd_s, verdict)


def _playback(switch: Switch, channel: Channel, data: str) -> Then:
    names = [PurePosixPath(file).name for file in data.partition(",")[0].split("&")]
    known = switch.settings.prompts_s
    seconds = sum(known.get(name, switch.settings.prompt_s) for name in names)

    def played() -> None:
        channel.variables["PLAYBACKSTATUS"] = "SUCCESS"

    return switch.wait(channel, seconds, played)


def _agi(switch: Switch, channel: Channel, _data: str) -> Then:
    def chosen() -> None:
        channel.variables["DIALER_CHOICE"] = channel.reply.menu_choice
        channel.variables["AGISTATUS"] = "SUCCESS"

    pressed = channel.reply.menu_choice != _NO_KEY
    return switch.wait(channel, switch.settings.menu_s if pressed else switch.settings.menu_none_s, chosen)


def _bridge(switch: Switch, channel: Channel, data: str) -> Then:
    name = data.partition(",")[0]
    other = switch.channels.find(name)
    if other is channel:
        channel.variables["BRIDGERESULT"] = "LOOP"
    elif other is None or other.closing:
        channel.variables["BRIDGERESULT"] = "NONEXISTENT"
    elif other.state != UP:
        channel.variables["BRIDGERESULT"] = "INCOMPATIBLE"
    else:
        switch.bridges.join(channel, other)
        return Then.WAITING
    return Then.NEXT


def _bridge_wait(switch: Switch, channel: Channel, data: str) -> Then:
    switch.bridges.hold(channel, data.partition(",")[0] or "default")
    return Then.WAITING


def _mix_monitor(switch: Switch, channel: Channel, data: str) -> Then:
    start_recording(switch, channel, data.partition(",")[0])
    return Then.NEXT


def _stop_mix_monitor(switch: Switch, channel: Channel, _data: str) -> Then:
    stop_recording(switch, channel)
    return Then.NEXT


def start_recording(switch: Switch, channel: Channel, file: str) -> None:
    """Record a channel: left what it says, right what it hears."""
    agent = channel.variables.get("DIALER_AGENT", "")
    voices = Voices(channel.reply.speech_seed, crc32(agent.encode()))
    switch.ports.monitor.start(channel.uniqueid, Path(file), voices)
    channel.recording = True
    if channel.bridge is not None and channel.bridge.technology == NATIVE:
        channel.bridge.technology = SIMPLE
    switch.announcer.channel("MixMonitorStart", channel)


def stop_recording(switch: Switch, channel: Channel) -> None:
    """End every recording of a channel."""
    if channel.recording:
        switch.ports.monitor.stop(channel.uniqueid)
        channel.recording = False
        switch.announcer.channel("MixMonitorStop", channel)


def _chan_spy(switch: Switch, channel: Channel, data: str) -> Then:
    wanted, _, options = data.partition(",")
    spied = switch.channels.find(wanted)
    if spied is None or spied.closing:
        return Then.NEXT if set(options) & set("ES") else Then.WAITING

    def over() -> None:
        if not channel.closing:
            channel.waiting = switch.ports.scheduler.later(0, lambda: switch.proceed(channel))

    switch.announcer.spying("ChanSpyStart", channel, spied)
    spied.on_end.append(over)
    channel.on_end.append(lambda: switch.announcer.spying("ChanSpyStop", channel, spied))
    return Then.WAITING


_BLOCKING: Final[dict[str, Application]] = {
    "agi": _agi,
    "amd": _amd,
    "bridge": _bridge,
    "bridgewait": _bridge_wait,
    "chanspy": _chan_spy,
    "playback": _playback,
    "wait": _wait,
}

_PLAIN: Final[dict[str, Application]] = {
    "answer": _answer,
    "celgenuserevent": _cel_user_event,
    "execif": _exec_if,
    "gosub": _gosub,
    "goto": _goto,
    "gotoif": _goto_if,
    "hangup": _hangup,
    "mixmonitor": _mix_monitor,
    "noop": _nothing,
    "playtones": _nothing,
    "return": _return,
    "set": _set,
    "stopmixmonitor": _stop_mix_monitor,
    "stopplaytones": _nothing,
    "userevent": _user_event,
    "verbose": _nothing,
}

_ALL: Final = {**_BLOCKING, **_PLAIN}


class Table:
    """Every application this node has."""

    def __call__(self, switch: Switch, channel: Channel, key: str, data: str) -> Then:
        """Carry one out; raise DialplanError when there is none of this name."""
        application = _ALL.get(key)
        if application is None:
            raise DialplanError(f"{key}({data}): the simulated node has no such application")
        return application(switch, channel, data)

    def blocks(self, key: str) -> bool:
        """Tell whether an application may wait, which a channel that is gone cannot."""
        return key in _BLOCKING
