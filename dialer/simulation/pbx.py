"""The simulated Asterisk itself: orders in, events out; it walks the dialplan that the real one would be given."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from math import inf

from dialer.ami.messages import WANTED_EVENTS
from dialer.simulation.announcer import Announcer
from dialer.simulation.applications import Table, start_recording, stop_recording
from dialer.simulation.channels import RING, UP, Channel
from dialer.simulation.dialplan import parse_dialplan
from dialer.simulation.expressions import DialplanError, compile_text
from dialer.simulation.far_end import FarEnd, Reply
from dialer.simulation.functions import ChannelScope, assign
from dialer.simulation.node import ChannelView, Emit, Headers, OriginateOrder, Refused
from dialer.simulation.outgoing import TRUNK_CONTEXT, Outgoing
from dialer.simulation.ports import Ports
from dialer.simulation.softphones import Softphones, address
from dialer.simulation.switch import Settings, Switch

_ROUNDTRIP_US = 1500
_WANTED = frozenset(WANTED_EVENTS)


def wanted_by_the_dialer(name: str) -> bool:
    """Tell whether the dialer reads events of this name: what is not wanted costs nothing."""
    return name in _WANTED


class Pbx:
    """A node. It answers orders at once and lets things happen only through the scheduler and `arrive`.

    `extensions` is the text of extensions.conf. Raises DialplanError when it is not understood. `wants` keeps events
    nobody reads from being put together. `on_power` is told False when the node goes down and True when it is up again.
    """

    def __init__(
        self,
        extensions: str,
        *,
        far_end: FarEnd,
        softphones: Softphones,
        trunks: Collection[str],
        ports: Ports,
        emit: Emit,
        wants: Callable[[str], bool] = wanted_by_the_dialer,
        settings: Settings | None = None,
    ) -> None:
        self._scheduler = ports.scheduler
        self._monitor = ports.monitor
        self._settings = settings or Settings()
        self._announcer = Announcer(emit, wants)
        self._switch = Switch(parse_dialplan(extensions), Table(), ports, self._announcer, self._settings)
        self._outgoing = Outgoing(self._switch, far_end, softphones, trunks)
        self._softphones = softphones
        self._started_at = self._scheduler.now()
        self._recordings = 0
        self.booted = True
        self.on_power: Callable[[bool], None] = lambda up: None
        softphones.on_status = self._contact_changed
        softphones.on_lost = self._phone_lost

    @property
    def started_at(self) -> datetime:
        """Business time of the start; changes with every restart."""
        return self._started_at

    @property
    def softphones(self) -> Softphones:
        """The agents' telephones."""
        return self._softphones

    def originate(self, order: OriginateOrder) -> None:
        """Begin a call; its result is an OriginateResponse event. Raises Refused for what is no call at all."""
        if "/" not in order.channel:
            raise Refused("Invalid channel")
        where = (order.context, order.exten, str(order.priority))
        if order.context and not order.application and self._switch.dialplan.priority(*where) is None:
            raise Refused("Extension does not exist.")
        self._soon(lambda: self._outgoing.place(order))

    def redirect(self, channel: str, context: str, exten: str, priority: int) -> None:
        """Send a channel to a place in the dialplan."""
        found = self._switch.channels.find(channel)
        if found is None:
            raise Refused(f"Channel does not exist: {channel}")

        def go() -> None:
            self._outgoing.taken_over(found)
            self._switch.redirect(found, (context, exten, priority))

        self._soon(go)

    def set_variable(self, channel: str, name: str, value: str) -> None:
        """Set a channel variable."""
        found = self._found(channel)
        try:
            assign(self._switch, found, name, value)
        except DialplanError as exc:
            raise Refused(str(exc)) from exc

    def get_variable(self, channel: str, name: str) -> str:
        """Return a channel variable or the value of a function on it; empty when unset."""
        found = self._found(channel)
        try:
            return compile_text(f"${{{name}}}")(ChannelScope(self._switch, found))
        except DialplanError as exc:
            raise Refused(str(exc)) from exc

    def hang_up(self, channel: str, cause: int) -> int:
        """End a channel, or all whose names match `/pattern/`; return how many."""
        if len(channel) > 1 and channel.startswith("/") and channel.endswith("/"):
            ended = self._matching(channel[1:-1])
        else:
            ended = [self._found(channel)]
        for one in ended:
            self._soon(lambda one=one: self._outgoing.cancel(one, cause))  # type: ignore[misc] # mypy sees no default
        return len(ended)

    def bridge(self, first: str, second: str, tone: str) -> None:
        """Join two channels; nobody hears the tone."""
        one, two = (self._switch.channels.find(name) for name in (first, second))
        if one is None or two is None:
            which, name = ("1", first) if one is None else ("2", second)
            raise Refused(f"Channel{which} does not exist: {name}")
        if one is two:
            raise Refused(f"{first} cannot be bridged with itself")
        self._soon(lambda: self._join(one, two))

    def mix_monitor(self, channel: str, file: str, options: str) -> str:
        """Begin a recording; return its id."""
        start_recording(self._switch, self._found(channel), file)
        self._recordings += 1
        return f"0x{self._recordings:x}"

    def stop_mix_monitor(self, channel: str) -> None:
        """End the recordings of a channel."""
        stop_recording(self._switch, self._found(channel))

    def user_event(self, name: str, headers: Headers) -> None:
        """Raise a UserEvent that belongs to no channel."""
        self._announcer.raw("UserEvent", [("UserEvent", name), *headers])

    def channels(self) -> list[ChannelView]:
        """Return every living channel."""
        return [_view(channel) for channel in self._switch.channels]

    def contacts(self) -> Mapping[str, str]:
        """Return the status of every registered endpoint's contact."""
        return self._softphones.contacts()

    def arrive(self, caller: str, dialled: str, trunk: str, reply: Reply | None = None) -> str | None:
        """Let somebody call us; return the channel's id, None when the number is unknown here or the node is down."""
        if not self.booted or self._switch.dialplan.priority(TRUNK_CONTEXT, dialled, "1") is None:
            return None
        name, uniqueid = self._outgoing.new_name("PJSIP", trunk), self._outgoing.new_id()
        channel = Channel(name, uniqueid, self._scheduler.now(), TRUNK_CONTEXT, dialled)
        channel.state, channel.caller, channel.reply = RING, caller, reply or Reply()
        self._switch.made(channel)
        self._outgoing.unjoined(channel)
        self._switch.run(channel, channel.place)
        return uniqueid

    def phone_hangs_up(self, extension: str) -> None:
        """Let a softphone say goodbye on every leg it has."""
        for leg in self._legs(extension):
            self._outgoing.far_hangs_up(leg)

    def refuse(self, trunk: str, sip: int | None) -> None:
        """Let a trunk refuse every new call with this SIP status; None makes it work again."""
        self._outgoing.refuse(trunk, sip)

    def miss(self, trunk: str, *, missing: bool) -> None:
        """Take a trunk away, so that calls on it make no channel; or bring it back."""
        self._outgoing.miss(trunk, missing=missing)

    def restart(self, *, lose_channels: bool) -> None:
        """Go down and come back after `boot_s`: as a crash that tells nobody, or in good order."""
        if lose_channels:
            self._die()
        else:
            self.shut_down(restart=True)
        self._scheduler.later(self._settings.boot_s, self._boot)

    def shut_down(self, *, restart: bool = False) -> None:
        """Hang up everything, say Shutdown and go down."""
        for channel in self._switch.channels:
            self._outgoing.cancel(channel, 0)
        self._announcer.raw("Shutdown", [("Shutdown", "Cleanly"), ("Restart", str(restart))])
        self._go_down()

    def _die(self) -> None:
        for channel in self._switch.channels.clear():
            channel.silence()
            channel.closing = channel.dead = True
        self._monitor.lost()
        self._go_down()

    def _go_down(self) -> None:
        self._outgoing.forget()
        self._switch.bridges.forget()
        self.booted = False
        self.on_power(False)

    def _boot(self) -> None:
        self._started_at = self._scheduler.now()
        self.booted = True
        self.on_power(True)
        uptime = (("Uptime", "0"), ("LastReload", "0"))
        self._announcer.raw("FullyBooted", [*uptime, ("Status", "Fully Booted")])

    def _soon(self, action: Callable[[], None]) -> None:
        """Not at once: an order is acknowledged first, as its events come from another thread of Asterisk."""
        self._scheduler.later(0, lambda: action() if self.booted else None)

    def _join(self, one: Channel, two: Channel) -> None:
        if one.closing or two.closing or one.state != UP or two.state != UP:
            return
        self._switch.bridges.join(one, two, mover_first=True)

    def _found(self, name: str) -> Channel:
        found = self._switch.channels.find(name)
        if found is None:
            raise Refused("No such channel")
        return found

    def _matching(self, pattern: str) -> list[Channel]:
        try:
            wanted = re.compile(pattern)
        except re.error as exc:
            raise Refused(f"Regex compile error: {exc}") from exc
        return [channel for channel in self._switch.channels if wanted.search(channel.name)]

    def _legs(self, extension: str) -> list[Channel]:
        return [channel for channel in self._switch.channels if channel.extension == extension]

    def _contact_changed(self, extension: str, status: str) -> None:
        if self.booted:
            roundtrip_us = _ROUNDTRIP_US if status == "Reachable" else 0
            self._announcer.contact(extension, address(extension), status, roundtrip_us)

    def _phone_lost(self, extension: str) -> None:
        self._scheduler.later(self._settings.notice_loss_s, lambda: self._softphones.asked(extension))
        if self._settings.dead_leg_s < inf:
            self._scheduler.later(self._settings.dead_leg_s, lambda: self._end_dead_legs(extension))

    def _end_dead_legs(self, extension: str) -> None:
        if not self._softphones.answers(extension):
            for leg in self._legs(extension):
                self._switch.end(leg)


def _view(channel: Channel) -> ChannelView:
    return ChannelView(
        uniqueid=channel.uniqueid,
        linkedid=channel.linkedid,
        channel=channel.name,
        state=channel.state,
        context=channel.context,
        exten=channel.exten,
        priority=channel.priority,
        application=channel.application,
        application_data=channel.application_data,
        bridge_id=channel.bridge.uniqueid if channel.bridge is not None else "",
        started_at=channel.created_at,
        caller=channel.caller,
        connected=channel.connected,
    )
