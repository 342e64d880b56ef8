"""After a connection is made or made again: adopt what lives in Asterisk, close what ended, name what is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from dialer import metrics
from dialer.ami.actions import core_show_channels
from dialer.ami.client import ChannelRow, NodeSnapshot
from dialer.ami.evidence import Evidence, read_evidence
from dialer.ami.session import Response
from dialer.ami.wire import Action
from dialer.call import Call, CallRules, Recording, Stage
from dialer.config import Config
from dialer.engine.book import Book
from dialer.engine.floor import Floor
from dialer.engine.recovery import Adoption, is_leg, judge, legs_by_bridge, partners_by_bridge
from dialer.routing import Agent, AgentState, LegEnded, Want
from dialer.types import AttemptRecord, Clock, Unavailable

log = structlog.get_logger("dialer.reconcile")

MARGIN = timedelta(seconds=5)
"""Evidence is searched from this long before the oldest open intent: clocks differ a little.

Of the machine's time, like all waits here: they are for messages on their way.
"""

LOG_SETTLES_S = 0.5
"""How long Asterisk may take to write the end of a call into its event log."""

LOG_READS = 6

GRACE = timedelta(seconds=10)
"""A call that changed this recently is not audited: its events may be on their way."""


class Lister(Protocol):
    """A node that can be asked for its channels."""

    async def request(
        self, action: Action, action_id: str | None = None, deadline: float | None = None, *, is_list: bool = False
    ) -> Response:
        """Ask one thing."""
        ...


ANSWERED = frozenset({Stage.CLASSIFYING, Stage.WAITING, Stage.TALKING, Stage.MESSAGE})


@dataclass(frozen=True, slots=True)
class Findings:
    """What the event log says, which Asterisk answers now, and whether the log could be read at all."""

    evidence: Mapping[str, Evidence]
    incarnation: str
    readable: bool = True


TOLD_AGAIN = timedelta(seconds=60)
"""A record that has not reached the books for this long was lost on its way."""

OpenAttempts = Callable[[str], Awaitable[list[AttemptRecord]]]
Known = Callable[[AttemptRecord], tuple[Want, Recording]]


class Reconciler:
    """Brings book and floor into line with one node's snapshot."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        *,
        book: Book,
        floor: Floor,
        open_attempts: OpenAttempts,
        known: Known,
        rules: CallRules,
    ) -> None:
        self._config = config
        self._clock = clock
        self._book = book
        self._floor = floor
        self._open_attempts = open_attempts
        self._known = known
        self._rules = rules

    async def reconcile(self, node: str, snapshot: NodeSnapshot, board: Mapping[str, Mapping[str, Any]]) -> None:
        """Settle every open attempt and every leg of a node.

        `board` is what the agents' board said before; it is empty when the engine never went away.
        Raises Unavailable when the database cannot say which attempts are open.
        """
        rows = {row.uniqueid: row for row in snapshot.channels}
        open_records = {record.call_id: record for record in await self._strays(node)}
        for call in self._book.calls():
            if call.record.node == node:
                open_records[call.call_id] = call.record
        self._adopt_legs(node, rows, board)
        findings = await self._findings(node, list(open_records.values()), rows, snapshot.incarnation)
        legs = legs_by_bridge(rows.values())
        for record in open_records.values():
            self._settle(record, rows.get(record.call_id), legs, findings)
        log.info("reconciled", node=node, channels=len(rows), attempts=len(open_records))

    async def audit(self, node: str, link: Lister, incarnation: str) -> None:
        """Slow reconciliation: find calls whose end we never heard of, though the connection was up all along.

        Also settles intents whose commit was not acknowledged: they are open in the books and in nobody's hands.
        """
        limit = self._ago(GRACE)
        known = {call.call_id: call for call in self._book.calls() if call.record.node == node}
        still_open = await self._open_attempts(node)
        for record in still_open:
            # Ended long ago and open in the books: Redis lost what it had taken. Told twice is written once.
            self._book.tell_again(record.call_id, ended_before=self._ago(TOLD_AGAIN))
        strays = [r for r in still_open if r.intent_at < limit and self._book.remembered(r.call_id) is None]
        if not known and not strays:
            return
        answer = await link.request(core_show_channels(), is_list=True)
        if not answer.success:
            return
        alive = {row.get("Uniqueid") for row in answer.rows}
        quiet = [call.record for call in known.values() if call.since is not None and call.since < limit]
        lost = [record for record in (*quiet, *strays) if record.call_id not in alive]
        findings = await self._findings(node, lost, {}, incarnation)
        for record in lost:
            if self._book.get(record.call_id) is known.get(record.call_id):
                self._settle(record, None, {}, findings)

    def _ago(self, machine_time: timedelta) -> datetime:
        return self._clock.now() - machine_time * self._clock.speed

    async def _strays(self, node: str) -> list[AttemptRecord]:
        """Return the attempts that are open in the books and not in our hands.

        One that ended moments ago is still open there until its record arrives: our own memory knows better.
        """
        return [r for r in await self._open_attempts(node) if self._book.remembered(r.call_id) is None]

    async def _findings(
        self, node: str, records: list[AttemptRecord], rows: Mapping[str, ChannelRow], incarnation: str
    ) -> Findings:
        """Read the event log; give it a moment to be complete for calls that are gone but not closed in it."""
        if not records:
            return Findings({}, incarnation)
        path = self._config.node(node).evidence_file
        since = min(record.intent_at for record in records) - MARGIN * self._clock.speed
        ids = frozenset(record.call_id for record in records)
        found: dict[str, Evidence] = {}
        for read in range(LOG_READS):
            try:
                found = await asyncio.to_thread(read_evidence, path, since, ids)
            except Unavailable as exc:
                # Fail closed: what nobody can look up is unknown, it counts, and is not called again soon.
                log.warning("no evidence", node=node, detail=str(exc))
                return Findings({}, incarnation, readable=False)
            started = [e for e in found.values() if e.ended_at is None and e.call_id not in rows]
            fresh = [e for e in started if self._same(records, e.call_id, incarnation)]
            if not fresh or read == LOG_READS - 1:
                break
            await asyncio.sleep(LOG_SETTLES_S)
        return Findings(found, incarnation)

    def _same(self, records: list[AttemptRecord], call_id: str, incarnation: str) -> bool:
        return any(record.call_id == call_id and record.incarnation == incarnation for record in records)

    def _settle(
        self, record: AttemptRecord, row: ChannelRow | None, legs: Mapping[str, str], findings: Findings
    ) -> None:
        evidence = findings.evidence.get(record.call_id)
        verdict = judge(record, row, legs, evidence, findings.incarnation, log_readable=findings.readable)
        known = self._book.get(record.call_id)
        if known is None and self._book.remembered(record.call_id) is not None:
            return  # it ended in our own hands while the log was read
        if isinstance(verdict, Adoption):
            if known is None or known.stage is not verdict.stage:
                self._adopt(record, known, verdict)
            return
        if known is None:
            want, recording = self._known(record)
            self._book.add(Call(record=record, rules=self._rules, stage=Stage.DIALLING, recording=recording), want)
        metrics.RECONCILED.labels(verdict.outcome).inc()
        log.warning("accounted", call_id=record.call_id, outcome=verdict.outcome, flag=verdict.flag, phone=record.phone)
        self._book.apply(record.call_id, verdict)

    def _adopt(self, record: AttemptRecord, known: Call | None, adoption: Adoption) -> None:
        """Enter a living call into the book where Asterisk says it stands."""
        want, recording = self._known(record)
        agent = self._floor.by_leg(adoption.leg_id) if adoption.leg_id else None
        if known is not None and known.agent is not None and (agent is None or agent.name != known.agent):
            self._floor.free(known.agent, known.call_id, talked=known.stage is Stage.TALKING, lost=False)
        if recording is Recording.NOTICE and self._being_recorded(record):
            recording = Recording.NOW
        call = known or Call(record=record, rules=self._rules, recording=recording)
        call = replace(
            call,
            stage=adoption.stage,
            since=self._clock.now(),
            channel=adoption.channel,
            agent=agent.name if agent else None,
            record=self._adopted_record(call.record, adoption, agent),
        )
        metrics.RECONCILED.labels("adopted").inc()
        log.info("adopted", call_id=record.call_id, stage=call.stage, agent=call.agent)
        self._book.adopt(call, want)
        if agent is not None:
            talking = replace(agent, state=AgentState.TALKING, call_id=call.call_id, since=call.since)
            self._floor.seat(replace(talking, talking_since=call.record.bridged_at))

    def _being_recorded(self, record: AttemptRecord) -> bool:
        return (self._config.node(record.node).recordings_dir / f"{record.call_id}.raw").exists()

    def _adopted_record(self, record: AttemptRecord, adoption: Adoption, agent: Agent | None) -> AttemptRecord:
        now = self._clock.now()
        answered = record.answered_at or adoption.answered_at
        if adoption.stage in ANSWERED:
            answered = answered or now
        classified = record.classified_at or (None if adoption.stage is Stage.CLASSIFYING else answered)
        bridged = record.bridged_at or adoption.bridged_at
        if adoption.stage is Stage.TALKING:
            bridged = bridged or now
        ringing = record.ringing_at or (now if adoption.stage is Stage.RINGING else None)
        return replace(
            record.flagged("adopted"),
            seq=record.seq + 1,
            dialled_at=record.dialled_at or record.intent_at,
            ringing_at=ringing,
            answered_at=answered,
            classified_at=classified,
            bridged_at=bridged,
            agent=agent.name if agent else record.agent,
        )

    def _adopt_legs(self, node: str, rows: Mapping[str, ChannelRow], board: Mapping[str, Mapping[str, Any]]) -> None:
        """Agents whose leg is gone are out; legs of a former engine get their agents back."""
        for agent in list(self._floor.agents.values()):
            if agent.node == node and agent.leg_id and agent.leg_id not in rows:
                self._floor.apply(agent.name, LegEnded("the leg was gone after a reconnect"))
        partners = partners_by_bridge(rows.values())
        for row in rows.values():
            if is_leg(row.uniqueid) and self._floor.by_leg(row.uniqueid) is None:
                self._adopt_leg(node, row, board, rows, partners.get(row.bridge_id, ""))

    def _adopt_leg(
        self,
        node: str,
        row: ChannelRow,
        board: Mapping[str, Mapping[str, Any]],
        rows: Mapping[str, ChannelRow],
        partner: str,
    ) -> None:
        """Give a leg back to its agent; who talks to somebody is talking, whatever else is known."""
        extension = row.channel.removeprefix("PJSIP/").rsplit("-", 1)[0]
        agent = self._floor.by_extension(node, extension)
        if agent is None or agent.leg_id in rows:
            log.warning("leg without an agent", node=node, channel=row.channel)
            self._floor.end_leg(node, row.channel)
            return
        kept = board.get(agent.name, {})
        state, reason = (AgentState.TALKING, "") if partner else _state_after_restart(kept)
        since = datetime.fromisoformat(kept["since"]) if kept.get("since") else self._clock.now()
        seated = replace(
            agent,
            node=node,
            campaign=str(kept.get("campaign") or agent.campaign),
            leg_id=row.uniqueid,
            channel=row.channel,
            state=state,
            reason=reason,
            since=since,
            call_id=partner,
            talking_since=since if partner else None,
        )
        log.info("adopted", agent=agent.name, state=state)
        self._floor.seat(seated)


def _state_after_restart(kept: Mapping[str, Any]) -> tuple[AgentState, str]:
    """Return the state an agent returns to: as it was, but a call that is not found again leaves the agent ready."""
    state = AgentState(kept["state"]) if kept.get("state") else AgentState.PAUSED
    if state is AgentState.PAUSED:
        return state, str(kept.get("reason") or "the dialer was restarted")
    if state in (AgentState.CALLING, AgentState.LOGGED_OUT):
        return AgentState.PAUSED, "the dialer was restarted"
    return AgentState.READY, ""
