"""The life of an Originate: from the order over the ringing to the answer, the refusal or our own patience's end."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import count
from math import isfinite
from typing import Final

from dialer.simulation.announcer import caller_id
from dialer.simulation.causes import NO_CAUSE, NORMAL, RING_TIMEOUT, cause_of, dial_status
from dialer.simulation.channels import DOWN, OUTGOING, RING, RINGING, UP, Channel
from dialer.simulation.expressions import DialplanError
from dialer.simulation.far_end import ANSWERED, FarEnd, LegReply, Reply
from dialer.simulation.functions import assign
from dialer.simulation.node import OriginateOrder
from dialer.simulation.softphones import Softphones
from dialer.simulation.switch import Switch

TRUNK_CONTEXT: Final = "dialer-inbound"
PHONE_CONTEXT: Final = "dialer-softphone"

_CANCELLED_SILENT: Final = "603"
"""TechCause of a call hung up before anything was heard of it."""

_DECLINED: Final = 603

_UNNOTICED_ZERO: Final = 0.42
"""How often the far end's goodbye outside of a bridge leaves no cause: 111 of 263 measured."""

_FAILED, _TIMED_OUT, _ANSWERED = 0, 3, 4


class Outgoing:
    """Calls being placed, and what their far ends do once they talk to us."""

    def __init__(self, switch: Switch, far_end: FarEnd, softphones: Softphones, trunks: Collection[str]) -> None:
        self._switch = switch
        self._announcer = switch.announcer
        self._scheduler = switch.ports.scheduler
        self._far_end = far_end
        self._softphones = softphones
        self._pending: dict[str, OriginateOrder] = {}
        self._trunks = frozenset(trunks)
        self._refusing: dict[str, int] = {}
        self._missing: set[str] = set()
        self._ids = count(0)
        self._names: dict[str, count[int]] = {}
        switch.joined = self.joined
        switch.unjoined = self.unjoined

    def refuse(self, trunk: str, sip: int | None) -> None:
        """Let a trunk refuse every new call with this status; None makes it work again."""
        if sip is None:
            self._refusing.pop(trunk, None)
        else:
            self._refusing[trunk] = sip

    def miss(self, trunk: str, *, missing: bool) -> None:
        """Let a trunk be unknown to the node, as after a wrong configuration, or known again."""
        if missing:
            self._missing.add(trunk)
        else:
            self._missing.discard(trunk)

    def forget(self) -> None:
        """Asterisk died: nobody is told."""
        self._pending.clear()
        self._names.clear()

    def new_id(self) -> str:
        """Return an id as Asterisk makes them."""
        return f"{self._switch.settings.name}-{int(self._scheduler.now().timestamp())}.{next(self._ids)}"

    def new_name(self, technology: str, endpoint: str) -> str:
        """Return a channel's name as Asterisk makes them."""
        return f"{technology}/{endpoint}-{next(self._names.setdefault(technology, count(0))):08x}"

    def place(self, order: OriginateOrder) -> None:
        """Begin; without a channel there is only an OriginateResponse."""
        if not self._begin(order):
            self._announcer.originate_response(order, None, _FAILED, success=False)

    def _begin(self, order: OriginateOrder) -> bool:
        if order.channel_id and self._switch.channels.id_is_taken(order.channel_id):
            return False
        technology, _, target = order.channel.partition("/")
        number, at, trunk = target.partition("@")
        if technology == "Local":
            return self._place_local(order, number, trunk.partition("/")[0])
        if technology != "PJSIP":
            return False
        return self._place_debtor(order, number, trunk) if at else self._place_leg(order, number)

    def _place_debtor(self, order: OriginateOrder, number: str, trunk: str) -> bool:
        if trunk not in self._trunks or trunk in self._missing:
            return False
        reply = self._far_end.called(number, trunk, self._scheduler.now())
        if trunk in self._refusing:
            reply = Reply(ends_after_s=min(0.05, order.timeout_s), sip=self._refusing[trunk])
        self._ring(order, self._channel(order, trunk, TRUNK_CONTEXT, reply))
        return True

    def _place_leg(self, order: OriginateOrder, extension: str) -> bool:
        taken = self._softphones.takes_calls(extension)
        if taken is None:
            return False
        reply = _reply_of(taken) if self._softphones.answers(extension) else Reply()
        channel = self._channel(order, extension, PHONE_CONTEXT, reply)
        channel.extension, channel.caller, channel.caller_name = extension, extension, f"Agent {extension}"
        self._ring(order, channel)
        return True

    def _channel(self, order: OriginateOrder, endpoint: str, context: str, reply: Reply) -> Channel:
        channel = Channel(
            self.new_name("PJSIP", endpoint),
            order.channel_id or self.new_id(),
            self._scheduler.now(),
            context,
            reply=reply,
        )
        channel.application, channel.application_data = OUTGOING
        self._give_variables(order, channel)
        return channel

    def _give_variables(self, order: OriginateOrder, channel: Channel) -> None:
        for name, value in order.variables.items():
            try:
                assign(self._switch, channel, name, value)
            except DialplanError as exc:
                self._switch.complain("originate: variable not set", channel, exc)

    def _ring(self, order: OriginateOrder, channel: Channel) -> None:
        self._pending[channel.uniqueid] = order
        self._switch.made(channel)
        self._announcer.step(channel)
        self._show_caller(order, channel)
        self._announcer.dial("DialBegin", channel, "DialString", order.channel.partition("/")[2])
        reply, later = channel.reply, self._scheduler.later
        ends_s = min(reply.ends_after_s, order.timeout_s)
        if reply.rings_after_s is not None and reply.rings_after_s < ends_s:
            channel.set_timer("rings", later(reply.rings_after_s, lambda: self._rings(channel)))
        ends = self._ends if reply.ends_after_s <= order.timeout_s else self._times_out
        channel.set_timer("ends", later(ends_s, lambda: ends(channel)))

    def _show_caller(self, order: OriginateOrder, channel: Channel) -> None:
        name, number = caller_id(order.caller_id)
        if not number:
            return
        channel.caller, channel.caller_name = number, name or channel.caller_name
        presentation = (("CID-CallingPres", "0 (Presentation Allowed, Not Screened)"),)
        self._announcer.channel("NewCallerid", channel, presentation)
        channel.connected, channel.connected_name = number, name
        self._announcer.channel("NewConnectedLine", channel)

    def _rings(self, channel: Channel) -> None:
        self._switch.change_state(channel, RINGING)
        self._announcer.dial("DialState", channel, "DialStatus", "RINGING")

    def _ends(self, channel: Channel) -> None:
        if channel.reply.sip == ANSWERED:
            self._answered(channel)
            return
        channel.cause, channel.tech_cause = cause_of(channel.reply.sip), str(channel.reply.sip)
        self._announcer.hangup_request(channel, soft=False, cause=channel.cause)
        self._fails(channel, _FAILED)
        self._announcer.dial("DialEnd", channel, "DialStatus", dial_status(channel.cause))
        self._switch.end(channel)

    def _times_out(self, channel: Channel) -> None:
        channel.cause, channel.tech_cause = RING_TIMEOUT
        self._fails(channel, _TIMED_OUT)
        self._switch.end(channel)

    def cancel(self, channel: Channel, cause: int) -> None:
        """Hang up a call that was not answered yet; any other is ended as it is."""
        if channel.uniqueid in self._pending:
            if channel.state == DOWN:
                channel.tech_cause = _CANCELLED_SILENT
            self._announcer.dial("DialEnd", channel, "DialStatus", "NOANSWER")
            self._fails(channel, _FAILED)
        self._switch.end(channel, cause or channel.cause or NORMAL)

    def taken_over(self, channel: Channel) -> None:
        """A redirect took a call away that was not answered yet: the Originate has failed, the channel goes on."""
        if channel.uniqueid in self._pending:
            channel.silence()
            self._fails(channel, _FAILED)

    def _fails(self, channel: Channel, reason: int) -> None:
        order = self._pending.pop(channel.uniqueid, None)
        if order is not None:
            self._announcer.originate_response(order, channel, reason, success=False)

    def _answered(self, channel: Channel) -> None:
        order = self._pending.pop(channel.uniqueid)
        self._switch.change_state(channel, UP)
        self._announcer.originate_response(order, channel, _ANSWERED, success=True)
        self._announcer.dial("DialEnd", channel, "DialStatus", "ANSWER")
        self.unjoined(channel)
        self._go(order, channel)

    def _go(self, order: OriginateOrder, channel: Channel) -> None:
        if order.application:
            self._switch.run_application(channel, order.application, order.data)
        else:
            self._switch.run(channel, (order.context, order.exten, order.priority))

    def joined(self, channel: Channel) -> None:
        """The far end found somebody to talk to: it stays until it has said what it had to say."""
        channel.stop_timer("far")
        if isfinite(channel.reply.talk_s):
            channel.set_timer("far", self._scheduler.later(channel.reply.talk_s, lambda: self.far_hangs_up(channel)))

    def unjoined(self, channel: Channel) -> None:
        """The far end hears nobody: it stays as long as its patience."""
        channel.stop_timer("far")
        if isfinite(channel.reply.patience_s):
            patience_s = channel.reply.patience_s
            channel.set_timer("far", self._scheduler.later(patience_s, lambda: self.far_hangs_up(channel)))

    def far_hangs_up(self, channel: Channel) -> None:
        """The far end says goodbye, or declines what it has not answered yet."""
        if channel.uniqueid in self._pending:
            channel.reply = replace(channel.reply, sip=_DECLINED)
            self._ends(channel)
            return
        self._announcer.hangup_request(channel, soft=False)
        talking = channel.bridge is not None
        unnoticed = not talking and self._switch.ports.rng.random() < _UNNOTICED_ZERO
        self._switch.end(channel, NO_CAUSE if unnoticed else NORMAL)

    def _place_local(self, order: OriginateOrder, exten: str, context: str) -> bool:
        if self._switch.dialplan.priority(context, exten, "1") is None:
            return False
        one, two = self._halves(order, exten, context)
        for half in (one, two):
            self._give_variables(order, half)
            self._switch.made(half)
        self._announcer.local_bridge(one, two)
        self._announcer.dial("DialBegin", one, "DialString", order.channel.partition("/")[2])
        self._pending[one.uniqueid] = order
        one.set_timer("ends", self._scheduler.later(order.timeout_s, lambda: self._times_out(one)))
        two.on_answer = lambda: self._soon(one, self._local_answered)
        one.on_end.append(lambda: self._soon(two, lambda half: self._follows(half, one)))
        two.on_end.append(lambda: self._soon(one, lambda half: self._follows(half, two)))
        self._switch.run(two, (context, exten, 1))
        return True

    def _halves(self, order: OriginateOrder, exten: str, context: str) -> tuple[Channel, Channel]:
        name, now = self.new_name("Local", f"{exten}@{context}"), self._scheduler.now()
        one = Channel(f"{name};1", order.channel_id or self.new_id(), now, context, exten)
        two = Channel(f"{name};2", order.other_channel_id or self.new_id(), now, context, exten)
        two.state, two.linkedid = RING, one.uniqueid
        one.application, one.application_data = OUTGOING
        return one, two

    def _soon(self, channel: Channel, action: Callable[[Channel], None]) -> None:
        """Not at once: the other half is still in the middle of its own step."""
        self._scheduler.later(0, lambda: None if channel.closing else action(channel))

    def _local_answered(self, one: Channel) -> None:
        one.stop_timer("ends")
        if one.uniqueid in self._pending:
            self._answered(one)

    def _follows(self, half: Channel, other: Channel) -> None:
        self._announcer.hangup_request(half, soft=False, cause=other.cause)
        half.cause = other.cause
        self._fails(half, _FAILED)
        self._switch.end(half)


def _reply_of(taken: LegReply) -> Reply:
    answers_s = taken.answers_after_s
    reply = Reply(rings_after_s=min(0.02, answers_s / 2), ends_after_s=answers_s, sip=taken.sip)
    return reply if taken.sip == ANSWERED else replace(reply, rings_after_s=None)
