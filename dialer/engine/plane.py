"""The engine's end of the call plane: orders become AMI actions, AMI events become things that happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from dialer import metrics
from dialer.ami import actions
from dialer.ami.session import Response
from dialer.ami.wire import Action
from dialer.call import Call, Recording
from dialer.config import CampaignConfig, Config, NodeConfig, TrunkConfig
from dialer.routing import Agent
from dialer.types import Clock, DialerError

log = structlog.get_logger("dialer.plane")

JOIN_CONTEXT = "dialer-join"
DEBTOR_CONTEXT = "dialer-debtor"
AGENT_CONTEXT = "dialer-agent"
RECORD_MODES = {Recording.NO: "no", Recording.NOW: "now", Recording.NOTICE: "notice"}


class Link(Protocol):
    """One node's connection, as far as the engine writes to it."""

    @property
    def up(self) -> bool:
        """Whether both sessions are logged in and reconciled."""
        ...

    @property
    def trouble(self) -> str:
        """Why it is not up, in words; empty while nothing is known."""
        ...

    def shed_reason(self) -> str | None:
        """Why no new calls may go to this node now, or None."""
        ...

    def write(self, orders: Sequence[tuple[Action, str | None]]) -> list[asyncio.Future[Response]]:
        """Write several actions at once, in order; raises NotConnected when the node is down."""
        ...


class Plane:
    """Writes orders to the nodes. Nothing is awaited here: answers come back as events or through callbacks."""

    def __init__(self, config: Config, clock: Clock, links: Mapping[str, Link]) -> None:
        self._config = config
        self._clock = clock
        self.links = links
        self._serial = 0
        self.on_not_placed: Callable[[str, str], None] = lambda call_id, detail: None
        self.on_written: Callable[[str], None] = lambda call_id: None
        self.on_join_failed: Callable[[str], None] = lambda call_id: None
        self.on_leg_failed: Callable[[str, str], None] = lambda leg_id, detail: None
        self.refused: dict[str, str] = {}
        self._join_began: dict[str, float] = {}

    def link_down(self, node: str) -> str | None:
        """Return why a node cannot be reached, or None."""
        link = self.links.get(node)
        if link is None:
            return f"node {node} is not configured"
        if link.up:
            return None
        return f"node {node} is not connected" + (f": {link.trouble}" if link.trouble else "")

    def gate(self, node: str) -> str | None:
        """Return why no new calls may go to a node, or None."""
        return self.unusable(node) or self.links[node].shed_reason()

    def unusable(self, node: str) -> str | None:
        """Return why a node cannot take calls at all, or None; being busy is no reason."""
        return self.link_down(node) or self.refused.get(node)

    def originate(self, call: Call, trunk: TrunkConfig, campaign: CampaignConfig, language: str) -> None:
        """Place a call whose intent is committed; `on_written` or `on_not_placed` follows."""
        variables = {
            "DIALER_LANG": language,
            "DIALER_AMD": "1" if campaign.amd else "0",
            "DIALER_RECORD": RECORD_MODES[call.recording],
        }
        if (down := self.unusable(call.record.node)) is not None:
            # Also while a node that came back is being reconciled: what is written after the snapshot was taken would
            # be missing in it, and a ringing phone would be taken for a call that was never placed.
            self.on_not_placed(call.call_id, down)
            return
        action = actions.originate(
            call.call_id,
            trunk.dial_string(call.record.phone),
            context=DEBTOR_CONTEXT,
            timeout_ms=round(self._config.dialing.longest_s * 1000),
            caller_id=f'"{trunk.caller_name}" <{trunk.caller_id}>',
            variables=variables,
        )
        try:
            (reply,) = self.links[call.record.node].write([(action, call.call_id)])
        except DialerError as exc:
            # Nothing was written, so nothing can have been placed.
            self.on_not_placed(call.call_id, str(exc))
            return
        self.on_written(call.call_id)
        reply.add_done_callback(lambda done: self._originate_answered(call.call_id, done))

    def join(self, call: Call, agent: Agent) -> None:
        """Tell the debtor's channel whom to join, and send it there."""
        self.answered(call.call_id)
        self.send_to_agent(call.record.node, call.channel or call.call_id, call.call_id, agent)

    def send_to_agent(
        self, node: str, channel: str, call_id: str, agent: Agent, more: Mapping[str, str] | None = None
    ) -> None:
        """Redirect any waiting channel into the bridge with an agent."""
        variables = {"DIALER_AGENT_CHANNEL": agent.channel, "DIALER_AGENT": agent.name, **(more or {})}
        batch = [(actions.setvar(channel, name, value), self._next(call_id)) for name, value in variables.items()]
        batch.append((actions.redirect(channel, JOIN_CONTEXT), self._next(call_id)))
        replies = self._write(node, batch, call_id=call_id)
        if replies:
            replies[-1].add_done_callback(lambda done: self._redirect_answered(call_id, done))

    def answered(self, call_id: str) -> None:
        """The answer's event arrived: the clock of the join starts."""
        self._join_began.setdefault(call_id, self._clock.monotonic())

    def joined(self, call_id: str) -> None:
        """Measure how long the join took, from the answer's event to the bridge."""
        began = self._join_began.pop(call_id, None)
        if began is not None:
            took_s = self._clock.monotonic() - began
            metrics.JOIN_SECONDS.observe(took_s)
            log.info("joined", call_id=call_id, ms=round(took_s * 1000, 2))

    def forget(self, call_id: str) -> None:
        """The call is over; a join that never came is not measured."""
        self._join_began.pop(call_id, None)

    def hang_up(self, node: str, channel: str) -> None:
        """End a channel."""
        self._write(node, [(actions.hangup(channel), self._next("h"))], channel=channel)

    def call_softphone(self, agent: Agent) -> None:
        """Originate the agent's nailed-up leg."""
        action = actions.originate(
            agent.leg_id,
            f"PJSIP/{agent.extension}",
            context=AGENT_CONTEXT,
            timeout_ms=round(self._config.agents.login_timeout_s * 1000),
            caller_id='"Dialer" <0>',
            variables={"DIALER_AGENT": agent.name},
        )
        replies = self._write(agent.node, [(action, agent.leg_id)], agent=agent.name)
        if replies:
            replies[0].add_done_callback(lambda done: self._leg_answered(agent.leg_id, done))
        else:
            self.on_leg_failed(agent.leg_id, f"node {agent.node} is not connected")

    def play_notice(self, call: Call, language: str) -> None:
        """Play the recording notice into the conversation, by a Local channel that spies on the debtor."""
        action = notice(call, language)
        self._write(call.record.node, [(action, self._next(call.call_id))], call_id=call.call_id)

    def start_recording(self, call: Call) -> None:
        """Record both directions from now on."""
        file = f"{self.node(call.record.node).recordings_inside}/{call.call_id}.raw"
        action = actions.mixmonitor(call.channel or call.call_id, file)
        self._write(call.record.node, [(action, self._next(call.call_id))], call_id=call.call_id)

    def node(self, name: str) -> NodeConfig:
        """Return a node's configuration."""
        return self._config.node(name)

    def _next(self, prefix: str) -> str:
        self._serial += 1
        return f"{prefix}:{self._serial}"

    def _write(self, node: str, batch: list[tuple[Action, str]], **about: str) -> list[asyncio.Future[Response]]:
        try:
            replies = self.links[node].write(batch)
        except DialerError as exc:
            # The loss of the node is handled as a whole; after it returns the snapshot says what is true.
            log.warning("order not written", action=batch[-1][0].name, node=node, detail=str(exc), **about)
            return []
        for reply in replies:
            reply.add_done_callback(_quietly)
        return replies

    def _originate_answered(self, call_id: str, done: asyncio.Future[Response]) -> None:
        if done.cancelled() or done.exception() is not None:
            return  # the outcome is unknown: events or the reconciliation will tell
        response = done.result()
        if not response.success:
            self.on_not_placed(call_id, response.text)

    def _redirect_answered(self, call_id: str, done: asyncio.Future[Response]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        if not done.result().success:
            log.info("join failed", call_id=call_id, detail=done.result().text)
            self.on_join_failed(call_id)

    def _leg_answered(self, leg_id: str, done: asyncio.Future[Response]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        if not done.result().success:
            self.on_leg_failed(leg_id, done.result().text)


def _quietly(done: asyncio.Future[Response]) -> None:
    """Take note of a failed reply; what follows from it comes as an event or from the reconciliation."""
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("no reply", detail=str(error))


def notice(call: Call, language: str) -> Action:
    """Return the Originate that plays the recording notice to the debtor inside the conversation."""
    return Action(
        "Originate",
        (
            ("Channel", "Local/s@dialer-notice/n"),
            ("Application", "ChanSpy"),
            # B: both hear it; E and S: it ends with the debtor, and at once when there is none.
            ("Data", f"{call.call_id},quBES"),
            ("Async", "true"),
            ("Variable", f"DIALER_NOTICE_CALL={call.call_id}"),
            ("Variable", f"DIALER_LANG={language}"),
        ),
    )
