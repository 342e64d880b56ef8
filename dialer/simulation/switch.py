"""Channels walking through the dialplan: the steps, the waiting in between, redirects and the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf
from typing import Final, Protocol

import structlog

from dialer.simulation.announcer import Announcer
from dialer.simulation.bridges import Bridge, Bridges
from dialer.simulation.channels import UP, Channel, Channels, Place
from dialer.simulation.dialplan import Dialplan, Step
from dialer.simulation.expressions import DialplanError
from dialer.simulation.functions import ChannelScope
from dialer.simulation.ports import Ports

log = structlog.get_logger("dialer.simulation")

_MOST_STEPS: Final = 10_000
"""More steps without a wait are a loop that would hold the whole node."""


class Then(Enum):
    """What an application asks for when it returns."""

    NEXT = auto()
    JUMPED = auto()
    WAITING = auto()
    END = auto()


class Applications(Protocol):
    """The applications a dialplan may call."""

    def __call__(self, switch: Switch, channel: Channel, key: str, data: str) -> Then:
        """Carry one out; raise DialplanError when there is none of this name."""
        ...

    def blocks(self, key: str) -> bool:
        """Tell whether an application may wait, which a channel that is gone cannot."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """What the node is set up with; durations are business seconds.

    `prompts_s` are the lengths of prompts by their last name. The menu takes `menu_s` until a key is pressed, and
    `menu_none_s` when none is. `notice_loss_s` passes before the node knows of a phone gone silent, and `dead_leg_s`
    before that phone's legs end (never, as no RTP timeout is set for softphones).
    """

    name: str = "node"
    prompts_s: Mapping[str, float] = field(default_factory=dict)
    prompt_s: float = 4.0
    menu_s: float = 6.0
    menu_none_s: float = 20.0
    notice_loss_s: float = 1.8
    boot_s: float = 2.0
    dead_leg_s: float = inf


class Switch:
    """Runs the dialplan on channels; who makes the channels and what is behind them is not its business.

    `joined` is told of both sides when a conversation begins, `unjoined` of a channel whose conversation ended
    under it.
    """

    def __init__(
        self, dialplan: Dialplan, applications: Applications, ports: Ports, announcer: Announcer, settings: Settings
    ) -> None:
        self.dialplan = dialplan
        self.ports = ports
        self.announcer = announcer
        self.settings = settings
        self.channels = Channels()
        self.bridges = Bridges(
            announcer, ports.rng, entered=self._entered, joined=self._both_joined, left=self._left_alone
        )
        self.joined: Callable[[Channel], None] = lambda channel: None
        self.unjoined: Callable[[Channel], None] = lambda channel: None
        self._applications = applications

    def made(self, channel: Channel) -> None:
        """Let a channel live and say so."""
        self.channels.add(channel)
        self.ports.call_log.chan_start(channel.created_at, channel)
        self.announcer.channel("Newchannel", channel)

    def change_state(self, channel: Channel, state: int) -> None:
        """Let a channel ring or be up; saying the same twice is no change."""
        if channel.state == state:
            return
        channel.state = state
        if state == UP:
            channel.answered_at = self.ports.scheduler.now()
            self.ports.call_log.answer(channel.answered_at, channel)
        self.announcer.channel("Newstate", channel)
        if state == UP and channel.on_answer is not None:
            channel.on_answer()

    def run(self, channel: Channel, place: Place) -> None:
        """Walk from a place until something waits or the channel ends."""
        channel.go(place)
        channel.only_application = False
        self._walk(channel)

    def run_application(self, channel: Channel, name: str, data: str) -> None:
        """Let a channel run one application, and end it after that."""
        channel.only_application = True
        channel.application, channel.application_data = name, data
        try:
            then = self._applications(self, channel, name.lower(), data)
        except DialplanError as exc:
            self._broken(channel, exc)
            return
        if then is not Then.WAITING:
            self.end(channel)

    def wait(self, channel: Channel, seconds: float, done: Callable[[], None] | None = None) -> Then:
        """Let the running application take so long; then `done`, and the next step."""

        def over() -> None:
            if done is not None:
                done()
            self.proceed(channel)

        channel.waiting = self.ports.scheduler.later(seconds, over)
        return Then.WAITING

    def proceed(self, channel: Channel) -> None:
        """The application that held the channel is over."""
        channel.stop_waiting()
        if channel.dead or channel.closing:
            return
        if channel.only_application:
            self.end(channel)
            return
        channel.priority += 1
        self._walk(channel)

    def redirect(self, channel: Channel, place: Place) -> None:
        """Take a channel out of whatever it does, to a place in the dialplan."""
        if channel.dead or channel.closing:
            return
        channel.stop_waiting()
        self.bridges.leave(channel)
        self.run(channel, place)

    def time_is_up(self, channel: Channel) -> None:
        """The absolute timeout struck: extension T of the context, or the end."""
        channel.stop_waiting()
        self.bridges.leave(channel)
        if self.dialplan.priority(channel.context, "T", "1") is None:
            self.end(channel)
        else:
            self.run(channel, (channel.context, "T", 1))

    def end(self, channel: Channel, cause: int | None = None) -> None:
        """End a channel: out of its bridge, its handlers, its recording, and the words about it."""
        if channel.closing:
            return
        channel.closing = True
        channel.cause = channel.cause if cause is None else cause
        channel.silence()
        self.bridges.leave(channel)
        if channel.state == UP:
            self.announcer.hangup_request(channel, soft=True, cause=channel.cause)
        self._run_handlers(channel)
        if channel.recording:
            self.ports.monitor.stop(channel.uniqueid)
        self._bury(channel)

    def _bury(self, channel: Channel) -> None:
        now = self.ports.scheduler.now()
        self.ports.call_log.hangup(now, channel, channel.cause)
        self.announcer.hangup(channel)
        self.ports.call_log.chan_end(now, channel)
        self.channels.remove(channel)
        channel.dead = True
        for tell in channel.on_end:
            tell()

    def _walk(self, channel: Channel) -> None:
        scope = ChannelScope(self, channel)
        try:
            for _ in range(_MOST_STEPS):
                if not self._goes_on(channel, scope):
                    return
        except DialplanError as exc:
            self._broken(channel, exc)
            return
        self._broken(channel, DialplanError(f"{_MOST_STEPS} steps without a wait"))

    def _goes_on(self, channel: Channel, scope: ChannelScope) -> bool:
        """Take one step; tell whether the next one may follow at once."""
        step = self._step(channel)
        then = Then.END if step is None else self._take(channel, step, scope)
        if then is Then.END:
            self.end(channel)
        return not channel.closing and then is not Then.WAITING

    def _step(self, channel: Channel) -> Step | None:
        extension = self.dialplan.extension(channel.context, channel.exten)
        return extension.steps.get(channel.priority) if extension is not None else None

    def _take(self, channel: Channel, step: Step, scope: ChannelScope) -> Then:
        data = step.data(scope)
        channel.application, channel.application_data = step.application, data
        self.announcer.step(channel)
        then = self._applications(self, channel, step.key, data)
        if then is Then.NEXT:
            channel.priority += 1
        return then

    def _run_handlers(self, channel: Channel) -> None:
        place, scope = channel.place, ChannelScope(self, channel)
        while channel.handlers:
            handler = channel.handlers.pop()
            words = ",".join(map(str, handler))
            self.announcer.channel("HangupHandlerRun", channel, (("Handler", words),))
            channel.frames.clear()
            channel.go(handler)
            try:
                self._walk_handler(channel, scope)
            except DialplanError as exc:
                self.complain("hangup handler failed", channel, exc)
        channel.go(place)

    def _walk_handler(self, channel: Channel, scope: ChannelScope) -> None:
        while (step := self._step(channel)) is not None and not self._applications.blocks(step.key):
            if self._take(channel, step, scope) is Then.END:
                return

    def complain(self, what: str, channel: Channel, error: DialplanError) -> None:
        """Write into the log what Asterisk would have written into its own."""
        place = ",".join(map(str, channel.place))
        log.error(what, channel=channel.name, place=place, detail=str(error))

    def _broken(self, channel: Channel, error: DialplanError) -> None:
        self.complain("dialplan failed; the channel ends", channel, error)
        self.end(channel)

    def _entered(self, channel: Channel, bridge: Bridge) -> None:
        self.ports.call_log.bridge_enter(self.ports.scheduler.now(), channel, bridge.uniqueid)

    def _both_joined(self, one: Channel, two: Channel) -> None:
        for channel in (one, two):
            self.joined(channel)

    def _left_alone(self, channel: Channel) -> None:
        """Goes on at the next step, but only after the other side has finished leaving."""
        if channel.application == "Bridge":
            channel.variables["BRIDGERESULT"] = "SUCCESS"
        self.unjoined(channel)
        channel.waiting = self.ports.scheduler.later(0, lambda: self.proceed(channel))
