"""A lane: one campaign on one node. Its pacer says how many calls; the lane knows who may carry them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from math import isfinite, nan

import numpy as np

from dialer.call import UNJOINED, Call, Stage
from dialer.config import CampaignConfig
from dialer.engine.books import Tally
from dialer.engine.counsel import Client
from dialer.engine.diary import Diary, entry
from dialer.engine.odds import AnswerOdds
from dialer.events import Event
from dialer.pacing import (
    Abandoned,
    Answered,
    Budget,
    Cancelled,
    Classified,
    Connected,
    Decision,
    Dialled,
    Ended,
    Pacer,
    PacingPolicy,
    Snapshot,
    TalkEnded,
    WrapEnded,
)
from dialer.pacing import Stage as PacingStage
from dialer.routing import Agent, AgentState
from dialer.types import LIVE_OUTCOMES, AttemptRecord, Outcome

_PACING_STAGE = {
    Stage.INTENT: PacingStage.DIALLING,
    Stage.DIALLING: PacingStage.DIALLING,
    Stage.RINGING: PacingStage.RINGING,
    Stage.CLASSIFYING: PacingStage.CLASSIFYING,
    Stage.WAITING: PacingStage.WAITING,
}
LOOK_AHEAD = 64
"""Leads dialled next of which the pacer is told."""

NO_DECISION = Decision(dial=0, cancel=np.empty(0, dtype=np.int64), reason="not decided yet", risk=0.0)


def policy_of(campaign: CampaignConfig, ring_timeout_s: float, min_ring_s: float) -> PacingPolicy:
    """Return the pacing policy a campaign file asks for."""
    pacing = campaign.pacing
    return PacingPolicy(
        mode=pacing.mode,
        abandon_target=pacing.abandon_target,
        abandon_limit=pacing.abandon_limit,
        expected_live_answers=pacing.expected_live_answers,
        lines_per_agent=pacing.lines_per_agent,
        max_lines_per_agent=pacing.max_lines_per_agent,
        max_calls_per_s=pacing.max_calls_per_s,
        ring_timeout_s=ring_timeout_s,
        min_ring_s=min_ring_s,
    )


@dataclass
class Lane:
    """One campaign on one node; `wanted` is how many calls its pacer still wants before the next decision.

    `barred` says why the law forbids the whole campaign to call: a profile nobody approved, an unknown past.
    """

    campaign_id: int
    campaign_key: str
    campaign: CampaignConfig
    node: str
    pacer: Pacer
    started_at: datetime | None = None
    barred: str | None = None
    state: str = "running"
    wanted: int = 0
    decision: Decision = NO_DECISION
    decided_at: float = float("-inf")
    gate: str | None = None
    tallies: dict[str, Tally] = field(default_factory=dict)
    odds: AnswerOdds = field(default_factory=AnswerOdds)
    next_odds: float = nan
    to_cancel: list[str] = field(default_factory=list)
    diary: Diary = field(init=False)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        """Begin a diary, and open a file with the lawyer."""
        self.diary = Diary(self.campaign_id, self.node)
        self.client = Client(self.campaign, self.started_at)

    @property
    def name(self) -> str:
        """The campaign's name."""
        return self.campaign.name

    @property
    def shut(self) -> str | None:
        """Why the campaign itself may not call now."""
        return self.barred if self.state == "running" else f"campaign is {self.state}"

    def decide(self, now: float, calls: Iterable[Call], agents: Iterable[Agent]) -> Decision:
        """Ask the pacer; `now` is seconds on the engine's axis (the epoch)."""
        limit = self.campaign.pacing.abandon_limit
        budgets = tuple(Budget(window, tally.live, tally.abandoned, limit) for window, tally in self.tallies.items())
        flying = in_flight(calls)
        seen = replace(
            snapshot(now, flying, agents),
            call_answer_odds=np.array([self._odds_of(call) for call in flying]),
            next_answer_odds=np.full(LOOK_AHEAD, self.next_odds) if isfinite(self.next_odds) else np.empty(0),
            budgets=budgets,
        )
        self.decision = self.pacer.decide(seen)
        self.to_cancel = [flying[place].call_id for place in self.decision.cancel]
        at = datetime.fromtimestamp(now, UTC)
        figures = asdict(self.pacer.gauges)
        self.diary.write(entry(at, self.pacer.policy.mode, seen, self.decision, figures))
        self.wanted = self.decision.dial
        self.decided_at = now
        return self.decision

    def retune(self, campaign: CampaignConfig, policy: PacingPolicy) -> None:
        """Put other knobs in force with the next turn; raises PolicyError and keeps the old ones."""
        self.pacer.apply(policy)
        self.campaign, self.client = campaign, Client(campaign, self.started_at)
        self.decided_at = float("-inf")

    def dials(self, record: AttemptRecord) -> None:
        """Note who is dialled now: those dialled next are much like them."""
        self.next_odds = self.odds.at(record.segment, record.time_zone, record.intent_at)

    def _odds_of(self, call: Call) -> float:
        return self.odds.at(call.record.segment, call.record.time_zone, call.record.intent_at)

    def watch(self, before: Call, after: Call, event: Event) -> None:
        """Tell the pacer what a call's step means to it."""
        for fact in facts(before, after, self._odds_of(after)):
            self.pacer.observe(fact)
        if after.stage is Stage.ENDED and after.record.outcome in LIVE_OUTCOMES:
            lost = after.record.outcome is Outcome.ABANDONED or "late_join" in after.record.flags
            for window, tally in self.tallies.items():
                self.tallies[window] = Tally(tally.live + 1, tally.abandoned + lost)

    def wrap_ended(self, at: datetime, wrap_s: float, talked_s: float) -> None:
        """Tell the pacer that an agent's wrap-up ended."""
        self.pacer.observe(WrapEnded(at.timestamp(), wrap_s, talked_s))


Fact = Dialled | Answered | Classified | Ended | Connected | Abandoned | TalkEnded | WrapEnded | Cancelled


def facts(before: Call, after: Call, odds: float = nan) -> list[Fact]:  # noqa: C901 - an exhaustive match
    """Return what a step of a call means to pacing, in the pacer's grammar; `odds` of an answer, as far as known."""
    if after.stage is before.stage or after.since is None:
        return []
    at = after.since.timestamp()
    record = after.record
    dialled = (record.dialled_at or record.intent_at).timestamp()
    match after.stage:
        case Stage.DIALLING:
            return [Dialled(at, odds)]
        case Stage.CLASSIFYING if before.stage is not Stage.CLASSIFYING:
            return [Answered(at, dialled)]
        case Stage.WAITING if before.stage is Stage.CLASSIFYING and record.answered_at:
            return [Classified(at, dialled, record.answered_at.timestamp(), live=True)]
        case Stage.WAITING if before.stage in (Stage.INTENT, Stage.DIALLING, Stage.RINGING):
            return [Answered(at, dialled), Classified(at, dialled, at, live=True)]
        case Stage.TALKING if before.record.bridged_at is None:
            return [Connected(at, at - (record.classified_at or record.answered_at or after.since).timestamp())]
        case Stage.MESSAGE if record.bridged_at is None:
            return [Abandoned(at)]
        case Stage.ENDED:
            return _end_facts(before, after, at, dialled)
        case _:
            return []


def _end_facts(before: Call, after: Call, at: float, dialled: float) -> list[Fact]:
    record = after.record
    if before.record.bridged_at is not None:
        return [TalkEnded(at, at - before.record.bridged_at.timestamp())]
    if before.stage is Stage.MESSAGE:
        return []
    if record.outcome is Outcome.ABANDONED:
        return [Abandoned(at)]
    if record.outcome is Outcome.CANCELLED:
        return [Cancelled(at, dialled)]
    return [Ended(at, dialled, str(record.outcome))]


def in_flight(calls: Iterable[Call]) -> list[Call]:
    """Return the calls that have no agent yet and none on the way to them."""
    return [call for call in calls if call.stage in UNJOINED and call.stage is not Stage.JOINING]


def snapshot(now: float, flying: Sequence[Call], agents: Iterable[Agent]) -> Snapshot:
    """Return the pacer's view of a lane: agents by state, and these calls, none of them joined, by stage."""
    since: dict[AgentState, list[float]] = {state: [] for state in AgentState}
    talked: list[float] = []
    for agent in agents:
        since[agent.state].append(agent.since.timestamp() if agent.since else now)
        if agent.state is AgentState.WRAP_UP:
            talked.append(agent.talked_s)
    return Snapshot(
        now=now,
        ready_since=np.array(since[AgentState.READY]),
        talking_since=np.array(since[AgentState.TALKING] + since[AgentState.RESERVED]),
        wrapping_since=np.array(since[AgentState.WRAP_UP]),
        wrapping_talk_s=np.array(talked),
        call_dialled_at=np.array([(call.record.dialled_at or call.record.intent_at).timestamp() for call in flying]),
        call_stage=np.array([_PACING_STAGE[call.stage] for call in flying], dtype=np.int8),
        call_stage_since=np.array([(call.since or call.record.intent_at).timestamp() for call in flying]),
        call_answer_odds=np.full(len(flying), np.nan),
    )
