"""Calls and agent legs on a lab Asterisk by bare manager actions: what the engine does, without the engine."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import TracebackType

from tests.lab.ami import Ami, Message
from tests.lab.asterisk import CALLER_ID, TRUNK, AsteriskLab
from tests.lab.processes import LabError, eventually


class Floor:
    """One test's calls. `noise` lists the warnings of Asterisk's log that the test provokes on purpose."""

    _serial = count(1)

    def __init__(self, lab: AsteriskLab) -> None:
        self.lab = lab
        self.events = self._login("events")
        self.actions = self._login("actions", events=False)
        self.noise: list[str] = []
        self._complaints = len(lab.complaints())

    def _login(self, role: str, *, events: bool = True) -> Ami:
        """Log in; Asterisk frees the only place some milliseconds after the test before left it."""

        def attempt() -> Ami | None:
            try:
                return self.lab.ami(role, events=events)
            except LabError:
                return None

        return eventually(attempt, f"the manager lets {role} in", 5)

    def __enter__(self) -> Floor:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        try:
            self.clear()
        finally:
            self.events.close()
            self.actions.close()
        if kind is None:
            assert self.unexpected() == []

    def unexpected(self) -> list[str]:
        """Return the warnings and errors Asterisk logged since the test began, but for the provoked ones."""
        lines = self.lab.complaints()[self._complaints :]
        return [line for line in lines if not any(noise in line for noise in self.noise)]

    def clear(self) -> None:
        """Hang up everything and return when no channel is left."""
        self.actions.action("Hangup", Channel="/^.*$/")
        eventually(lambda: self.channels() == 0, "every channel is gone", 10)

    def channels(self) -> int:
        """Return how many channels are up."""
        answer = self.actions.action("CoreStatus")
        return int(answer["CoreCurrentCalls"])

    def call(self, digits: str, timeout_ms: int = 30_000, **variables: str) -> str:
        """Call a debtor whose number ends in these digits; return the call id."""
        call_id = f"t{next(self._serial):026d}"
        given = {"DIALER_LANG": "es", "DIALER_AMD": "0", "DIALER_RECORD": "no", **variables}
        self.originate(call_id, f"PJSIP/+5491155500{digits}@{TRUNK}", "dialer-debtor", given, timeout_ms)
        return call_id

    def answered(self, digits: str = "299", **variables: str) -> str:
        """Call a debtor and return the call id when the dialplan says that somebody answered."""
        call_id = self.call(digits, 30_000, **variables)
        self.events.wait("DialerAnswered", CallId=call_id)
        return call_id

    def agent(self, extension: int, name: str = "ann") -> tuple[str, str]:
        """Nail up an agent's leg; return its id and channel name once it is in the waiting bridge."""
        leg = f"g{next(self._serial):026d}"
        self.originate(leg, f"PJSIP/{extension}", "dialer-agent", {"DIALER_AGENT": name})
        channel = self.events.wait("DialerAgentUp", CallId=leg)["Channel"]
        self.events.wait("BridgeEnter", Uniqueid=leg)
        return leg, channel

    def originate(
        self, call_id: str, channel: str, context: str, variables: dict[str, str], timeout_ms: int = 30_000
    ) -> None:
        """Place a call as the engine does."""
        where = {"Context": context, "Exten": "s", "Priority": 1}
        self.actions.action(
            "Originate", variables, Channel=channel, ChannelId=call_id, Timeout=timeout_ms, Async="true",
            CallerID=CALLER_ID, **where,
        )  # fmt: skip

    def join(self, call_id: str, agent_channel: str, name: str = "ann", **variables: str) -> None:
        """Send a debtor to an agent as the engine does: Setvar, Setvar, Redirect."""
        given = {"DIALER_AGENT_CHANNEL": agent_channel, "DIALER_AGENT": name, **variables}
        for variable, value in given.items():
            self.actions.action("Setvar", Channel=call_id, Variable=variable, Value=value)
        self.actions.action("Redirect", Channel=call_id, Context="dialer-join", Exten="s", Priority=1)

    def joined(self, call_id: str, leg: tuple[str, str], **variables: str) -> None:
        """Join and return when the debtor is in the bridge with the agent."""
        self.join(call_id, leg[1], **variables)
        self.events.wait("BridgeEnter", Uniqueid=call_id)

    def listen(self, call_id: str, name: str) -> Path:
        """Record a debtor's channel from now on, to hear what was played; return the file on the host."""
        file = f"{self.lab.inside}/rec/{name}.raw"
        self.actions.action("MixMonitor", Channel=call_id, File=file, options="D")
        return self.lab.directory / "rec" / f"{name}.raw"

    def hang_up(self, channel: str) -> None:
        """End one channel."""
        self.actions.action("Hangup", Channel=channel, Cause=16)

    def gone(self, call_id: str, timeout_s: float = 20) -> Message:
        """Wait for the end of a channel."""
        return self.events.wait("Hangup", timeout_s, Uniqueid=call_id)

    def heard(self, file: Path, loud_enough: Callable[[Path], bool], what: str) -> None:
        """Wait until a growing recording holds what it must."""
        eventually(lambda: file.exists() and loud_enough(file), what, 10)
