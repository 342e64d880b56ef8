"""A simulated node under a virtual time: what it was told, what it said, and what its log and recordings got."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from random import Random

from dialer.ami.config.dialplan import extensions_conf
from dialer.ami.config.layout import layout
from dialer.config import Config
from dialer.simulation.far_end import LegReply, Reply
from dialer.simulation.node import Headers, OriginateOrder
from dialer.simulation.pbx import Pbx
from dialer.simulation.ports import LoggedChannel, Ports, Voices
from dialer.simulation.schedule import VirtualScheduler
from dialer.simulation.softphones import Softphones
from dialer.simulation.switch import Settings

CALL, OTHER_CALL, LEG, OTHER_LEG = ("t" + "a" * 26, "t" + "b" * 26, "g" + "a" * 26, "g" + "b" * 26)
CALLER_ID = "+541150000000"
CONFIG = Config.model_validate(
    {
        "nodes": [{"name": "ast1"}],
        "trunks": [{"name": "carrier", "node": "ast1", "host": "192.0.2.7", "caller_id": CALLER_ID}],
    }
)
RENDERED = extensions_conf(CONFIG, CONFIG.nodes[0], layout(CONFIG.nodes[0]))

STAYS = Reply(rings_after_s=1.0, ends_after_s=5.0, speech_seed=7)
"""A person who answers after 5 s and never hangs up."""


class Book:
    """The call log as words."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def chan_start(self, at: datetime, channel: LoggedChannel) -> None:
        self.lines.append(f"CHAN_START {channel.uniqueid}")

    def answer(self, at: datetime, channel: LoggedChannel) -> None:
        self.lines.append(f"ANSWER {channel.uniqueid}")

    def bridge_enter(self, at: datetime, channel: LoggedChannel, bridge_id: str) -> None:
        self.lines.append(f"BRIDGE_ENTER {channel.uniqueid}")

    def user_defined(self, at: datetime, channel: LoggedChannel, name: str, extra: str) -> None:
        self.lines.append(f"{name} {channel.uniqueid}" + (f" {extra}" if extra else ""))

    def hangup(self, at: datetime, channel: LoggedChannel, cause: int) -> None:
        self.lines.append(f"HANGUP {channel.uniqueid} {cause}")

    def chan_end(self, at: datetime, channel: LoggedChannel) -> None:
        self.lines.append(f"CHAN_END {channel.uniqueid}")


class Recorder:
    """Recordings that are as long as they were told: 1000 bytes each."""

    def __init__(self) -> None:
        self.running: dict[str, Path] = {}
        self.voices: list[Voices] = []
        self.files: dict[Path, int] = {}

    def start(self, uniqueid: str, path: Path, voices: Voices) -> None:
        self.running[uniqueid] = path
        self.voices.append(voices)
        self.files[path] = 0

    def stop(self, uniqueid: str) -> int:
        path = self.running.pop(uniqueid, None)
        if path is None:
            return 0
        self.files[path] = 1000
        return 1000

    def size(self, path: Path) -> int | None:
        return self.files.get(path)

    def lost(self) -> None:
        self.running.clear()


class World:
    """Debtors by their number; any other number stays."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.called_numbers: list[str] = []

    def called(self, number: str, trunk: str, at: datetime) -> Reply:
        self.called_numbers.append(number)
        return self.replies.get(number, STAYS)


class Workbench:
    """The node, its orders in the words of the engine, and what came out of it."""

    def __init__(
        self, extensions: str = RENDERED, *, everything: bool = False, settings: Settings | None = None
    ) -> None:
        self.time = VirtualScheduler()
        self.world, self.book, self.recorder = World(), Book(), Recorder()
        self.phones = Softphones(["1001", "1002"], LegReply(answers_after_s=0.5))
        self.events: list[tuple[str, Mapping[str, str]]] = []
        self.orders: list[tuple[str, Headers]] = []
        more = {"wants": lambda name: True} if everything else {}
        self.node = Pbx(
            extensions,
            far_end=self.world,
            softphones=self.phones,
            trunks=["carrier"],
            ports=Ports(self.time, Random(1), self.book, self.recorder),
            emit=self._heard,
            settings=settings or Settings(name="ast1"),
            **more,
        )

    def _heard(self, name: str, headers: Headers) -> None:
        self.events.append((name, dict(headers)))
        self.orders.append((name, headers))

    def forward(self, seconds: float = 0.0) -> None:
        self.time.forward(seconds)

    def call(
        self, call_id: str = CALL, number: str = "+5491155500299", reply: Reply | None = None, **given: str
    ) -> None:
        """Call a debtor as the engine does; `reply` is how that number behaves."""
        if reply is not None:
            self.world.replies[number] = reply
        variables = {"DIALER_LANG": "es", "DIALER_AMD": "0", "DIALER_RECORD": "no", **given}
        self.originate(call_id, f"PJSIP/{number}@carrier", "dialer-debtor", variables)

    def originate(self, call_id: str, channel: str, context: str, variables: Mapping[str, str], **more: float) -> None:
        self.node.originate(
            OriginateOrder(
                action_id=call_id, channel=channel, channel_id=call_id, context=context, variables=variables,
                caller_id=CALLER_ID, **more,  # type: ignore[arg-type]
            )
        )  # fmt: skip
        self.forward()

    def agent(self, extension: str = "1001", leg_id: str = LEG, name: str = "ann") -> str:
        """Nail up an agent's leg; return its channel."""
        self.phones.register(extension)
        self.originate(leg_id, f"PJSIP/{extension}", "dialer-agent", {"DIALER_AGENT": name})
        self.forward(1)
        return self.last("UserEvent")["Channel"]

    def join(self, leg: str, call_id: str = CALL, name: str = "ann", **given: str) -> None:
        """Send a debtor to an agent as the engine does."""
        for variable, value in {"DIALER_AGENT_CHANNEL": leg, "DIALER_AGENT": name, **given}.items():
            self.node.set_variable(call_id, variable, value)
        self.node.redirect(call_id, "dialer-join", "s", 1)
        self.forward()

    def conversation(self, reply: Reply = STAYS, **given: str) -> str:
        """Bring a debtor and an agent together; return the agent's channel."""
        leg = self.agent()
        self.call(reply=reply, **given)
        self.forward(reply.ends_after_s)
        self.join(leg)
        return leg

    def named(self, name: str, uniqueid: str = "") -> list[Mapping[str, str]]:
        """Return the events of this name (a UserEvent goes by its own), of one channel when it is given."""
        return [
            headers
            for event, headers in self.events
            if name in (event, headers.get("UserEvent")) and uniqueid in ("", headers.get("Uniqueid"))
        ]

    def last(self, name: str, uniqueid: str = "") -> Mapping[str, str]:
        return self.named(name, uniqueid)[-1]

    def story(self, uniqueid: str = CALL) -> list[str]:
        """Return the names of a channel's events in order; UserEvents by their own name."""
        return [
            headers.get("UserEvent", event) for event, headers in self.events if headers.get("Uniqueid") == uniqueid
        ]

    def place(self, uniqueid: str) -> tuple[str, str]:
        """Return context and application of a living channel."""
        (found,) = [row for row in self.node.channels() if row.uniqueid == uniqueid]
        return found.context, found.application
