"""A counter without a connection: a node that writes down what it is told, and the desk in front of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dialer.ami.config import NodeSecrets, Secrets
from dialer.config import Config
from dialer.simulation.accounts import Account
from dialer.simulation.desk import Desk
from dialer.simulation.filters import Filter
from dialer.simulation.installation import Installation, installed
from dialer.simulation.node import ChannelView, Headers, OriginateOrder

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


class Session:
    """Whoever asks; `heard` is what it was told to listen to."""

    def __init__(self) -> None:
        self.account: Account | None = None
        self.heard: list[object] = []

    def listen(self, classes: frozenset[str] | None) -> None:
        self.heard.append(classes)

    def add_filter(self, rule: Filter) -> None:
        self.heard.append(rule)


NOBODY = Session()


class TellingNode:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.started_at = NOON
        self.originated: list[OriginateOrder] = []
        self.told: list[tuple[Any, ...]] = []
        self.views: list[ChannelView] = []
        self.known: dict[str, str] = {}

    def originate(self, order: OriginateOrder) -> None:
        self.originated.append(order)

    def redirect(self, channel: str, context: str, exten: str, priority: int) -> None:
        self.told.append(("redirect", channel, context, exten, priority))

    def set_variable(self, channel: str, name: str, value: str) -> None:
        self.told.append(("set", channel, name, value))

    def get_variable(self, channel: str, name: str) -> str:
        return f"of {channel}"

    def hang_up(self, channel: str, cause: int) -> int:
        self.told.append(("hangup", channel, cause))
        return 1

    def bridge(self, first: str, second: str, tone: str) -> None:
        self.told.append(("bridge", first, second, tone))

    def mix_monitor(self, channel: str, file: str, options: str) -> str:
        self.told.append(("record", channel, file, options))
        return ""

    def stop_mix_monitor(self, channel: str) -> None:
        self.told.append(("stop", channel))

    def user_event(self, name: str, headers: Headers) -> None:
        self.told.append(("event", name, list(headers)))

    def channels(self) -> list[ChannelView]:
        return self.views

    def contacts(self) -> Mapping[str, str]:
        return self.known


class Clock:
    """Ninety seconds after noon."""

    speed = 1.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=90)

    def monotonic(self) -> float:
        return 90.0


def installation() -> Installation:
    """Return a node with one trunk that registers and two softphones."""
    trunk = {"name": "carrier", "node": "lab", "host": "192.0.2.7", "caller_id": "+541150000000"}
    config = Config.model_validate(
        {"nodes": [{"name": "lab"}], "trunks": [trunk], "agents": {"extensions": 2, "first_extension": 1001}}
    )
    secrets = Secrets({"lab": NodeSecrets("e", "a", "d")}, {1001: "x", 1002: "y"})
    return installed(config, config.nodes[0], secrets)


@dataclass
class Counter:
    """The desk, its node, and what it published."""

    node: TellingNode = field(default_factory=TellingNode)
    published: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(
            node=self.node,
            installation=installation(),
            clock=Clock(),
            now=lambda: 1_800_000_000.0,
            processed=lambda: 3,
            logins=lambda: ["dialer-ev", "dialer-act"],
            publish=lambda name, headers: self.published.append((name, headers)),
        )


def view(uniqueid: str, channel: str, **changes: Any) -> ChannelView:
    """Return a living channel that began at noon."""
    given: dict[str, Any] = {
        "uniqueid": uniqueid, "linkedid": uniqueid, "channel": channel, "state": 6, "context": "dialer-debtor",
        "exten": "s", "priority": 3, "application": "Wait", "application_data": "2", "bridge_id": "",
        "started_at": NOON, "caller": "", "connected": "",
    }  # fmt: skip
    return ChannelView(**{**given, **changes})
