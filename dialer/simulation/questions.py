"""The actions that only ask: the node's identity, its channels, its files, its dialplan."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from dialer.simulation.desk import Caller, Command, Desk
from dialer.simulation.filters import legacy_filter
from dialer.simulation.installation import VERSION
from dialer.simulation.node import ChannelView, Headers, Refused
from dialer.simulation.protocol import Request
from dialer.simulation.replies import answer, listing

STATES: Final = {0: "Down", 1: "Rsrvd", 2: "OffHook", 3: "Dialing", 4: "Ring", 5: "Ringing", 6: "Up", 7: "Busy"}
"""Channel states by number, as Asterisk words them."""


def ping(desk: Desk, _: Caller, request: Request) -> bytes:
    """Tell that the node lives, and its time: the machine's, whatever business time does."""
    return answer("Success", request.action_id, (("Ping", "Pong"), ("Timestamp", f"{desk.now():.6f}")))


def core_status(desk: Desk, _: Caller, request: Request) -> bytes:
    """Tell since when the node runs, and how many calls it has."""
    date, time = _date_and_time(desk.node.started_at)
    return answer(
        "Success",
        request.action_id,
        (
            ("CoreStartupDate", date), ("CoreStartupTime", time), ("CoreReloadDate", date), ("CoreReloadTime", time),
            ("CoreCurrentCalls", str(len(desk.node.channels()))), ("CoreProcessedCalls", str(desk.processed())),
        ),
    )  # fmt: skip


def _date_and_time(at: datetime) -> tuple[str, str]:
    return at.strftime("%Y-%m-%d"), at.strftime("%H:%M:%S")


def core_settings(desk: Desk, _: Caller, request: Request) -> bytes:
    """Tell version and name."""
    told = (
        ("AMIversion", "11.0.0"), ("AsteriskVersion", VERSION), ("SystemName", desk.installation.name),
        ("CoreMaxCalls", "0"), ("CoreMaxLoadAvg", "0.000000"), ("CoreRunUser", ""), ("CoreRunGroup", ""),
        ("CoreMaxFilehandles", "65536"), ("CoreRealTimeEnabled", "No"), ("CoreCDRenabled", "Yes"),
        ("CoreHTTPenabled", "No"), ("SoundsSearchCustomDir", "No"),
    )  # fmt: skip
    return answer("Success", request.action_id, told)


def core_show_channels(desk: Desk, _: Caller, request: Request) -> bytes:
    """List every living channel."""
    now = desk.clock.now()
    rows = [_channel_row(view, now) for view in desk.node.channels()]
    return listing(request.action_id, "Channels will follow", "CoreShowChannel", rows, "CoreShowChannelsComplete")


def _channel_row(view: ChannelView, now: datetime) -> Headers:
    return (
        *_channel(view), ("Application", view.application), ("ApplicationData", view.application_data),
        ("Duration", _duration(max(0, int((now - view.started_at).total_seconds())))), ("BridgeId", view.bridge_id),
    )  # fmt: skip


def _channel(view: ChannelView) -> Headers:
    return (
        ("Channel", view.channel), ("ChannelState", str(view.state)), ("ChannelStateDesc", STATES.get(view.state, "")),
        ("CallerIDNum", view.caller or "<unknown>"), ("CallerIDName", "<unknown>"),
        ("ConnectedLineNum", view.connected or "<unknown>"), ("ConnectedLineName", "<unknown>"),
        ("Language", "en"), ("AccountCode", ""), ("Context", view.context), ("Exten", view.exten),
        ("Priority", str(view.priority)), ("Uniqueid", view.uniqueid), ("Linkedid", view.linkedid),
    )  # fmt: skip


def _duration(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def status(desk: Desk, _: Caller, request: Request) -> bytes:
    """List one channel or all of them, with the variables asked for."""
    wanted = request.get("Channel")
    views = [view for view in desk.node.channels() if not wanted or wanted in (view.channel, view.uniqueid)]
    if wanted and not views:
        raise Refused("No such channel")
    variables = [name for name in request.get("Variables").split(",") if name]
    rows = [_status(desk, view, variables) for view in views]
    totals = (("Items", str(len(rows))),)
    return listing(request.action_id, "Channel status will follow", "Status", rows, "StatusComplete", totals=totals)


def _status(desk: Desk, view: ChannelView, variables: list[str]) -> Headers:
    values = [(name, desk.node.get_variable(view.uniqueid, name)) for name in variables]
    age = int((desk.clock.now() - view.started_at).total_seconds())
    return (
        ("Privilege", "Call"), *_channel(view), ("Type", view.channel.partition("/")[0]), ("BridgeID", view.bridge_id),
        ("Application", view.application), ("Data", view.application_data), ("Seconds", str(age)),
        *(("Variable", f"{name}={value}") for name, value in values),
    )  # fmt: skip


def module_check(desk: Desk, _: Caller, request: Request) -> bytes:
    """Tell whether a module is loaded."""
    if f"{request.get('Module').removesuffix('.so')}.so" not in desk.installation.modules:
        raise Refused("Module not loaded")
    return answer("Success", request.action_id, (("Version", ""),))


def events(_: Desk, caller: Caller, request: Request) -> bytes:
    """Hear events, or some classes of them, or none."""
    mask = request.get("EventMask").lower()
    if not mask:
        raise Refused("Invalid event mask")
    off = mask in {"off", "no", "false", "0"}
    everything = mask in {"on", "yes", "true", "all", "1"}
    caller.listen(frozenset() if off else None if everything else frozenset(mask.split(",")))
    return answer("Success", request.action_id, (("Events", "Off" if off else "On"),))


def filter_(_: Desk, caller: Caller, request: Request) -> bytes:
    """Add a filter to the session."""
    if request.get("Operation").lower() != "add":
        raise Refused("Unknown operation")
    caller.add_filter(legacy_filter(request.get("Filter")))
    return answer("Success", request.action_id, (("Message", "Success"),))


def get_config(desk: Desk, _: Caller, request: Request) -> bytes:
    """Show one configuration file as the node would read it."""
    name = request.get("Filename")
    if name not in desk.installation.files:
        raise Refused("Config file not found")
    told: list[tuple[str, str]] = []
    for number, (section, options) in enumerate(desk.installation.sections(name)):
        told.append((f"Category-{number:06d}", section))
        told += [(f"Line-{number:06d}-{line:06d}", f"{key}={value}") for line, (key, value) in enumerate(options)]
    return answer("Success", request.action_id, told)


QUESTIONS: Final = (
    Command("Ping", "Keepalive command.", (), ping),
    Command("CoreStatus", "Show PBX core status variables.", ("system", "reporting"), core_status),
    Command("CoreSettings", "Show PBX core settings (version etc).", ("system", "reporting"), core_settings),
    Command("CoreShowChannels", "List currently active channels.", ("system", "reporting"), core_show_channels),
    Command("Status", "List channel status.", ("system", "call", "reporting"), status),
    Command("ModuleCheck", "Check if module is loaded.", ("system",), module_check),
    Command("Events", "Control Event Flow.", (), events),
    Command("Filter", "Dynamically add filters for the current manager session.", ("system",), filter_),
    Command("GetConfig", "Retrieve configuration.", ("system", "config"), get_config),
)
