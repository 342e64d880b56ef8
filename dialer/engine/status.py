"""How the engine is, in plain data: for the heartbeat, /healthz and `campaign status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dialer import metrics
from dialer.call import Call, Stage
from dialer.engine.lane import Lane
from dialer.exposition import PartHealth
from dialer.routing import Agent, AgentState

if TYPE_CHECKING:
    from dialer.engine.engine import Engine


class StatusReport:
    """Reads the engine; changes nothing but gauges."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def status(self) -> dict[str, Any]:
        """Return how the engine is, and set the gauges that say the same."""
        engine = self._engine
        calls = list(engine.book.calls())
        for stage in Stage:
            metrics.CALLS.labels(stage.value).set(sum(1 for call in calls if call.stage is stage))
        lanes = list(engine.lanes.values())
        return {
            "stopping": engine.dialling.closed,
            "parts": {part.name: part.detail for part in engine.parts.values()},
            "nodes": {name: engine.plane.gate(name) for name in engine.links},
            "calls": len(calls),
            "inbound": len(engine.inbound),
            "backlog": engine.keeper.backlog,
            "recordings_waiting": engine.recorder.waiting,
            "campaigns": {name: self._campaign(name, lanes, calls) for name in sorted({lane.name for lane in lanes})},
            "unserved": dict(engine.campaigns.unserved),
        }

    def health(self) -> dict[str, PartHealth]:
        """Return the state of every part for /healthz; called from another thread, so it only reads."""
        engine = self._engine
        found = {part.name: PartHealth(part.ok, part.detail or "") for part in list(engine.parts.values())}
        for name in list(engine.links):
            why = engine.plane.unusable(name)
            found[f"node {name}"] = PartHealth(why is None, why or "")
        found["outbox"] = PartHealth(not engine.keeper.full, f"{engine.keeper.backlog} records")
        return found

    def _campaign(self, name: str, lanes: list[Lane], calls: list[Call]) -> dict[str, Any]:
        """Return a campaign over all its nodes; a gate is shown only when no node may dial."""
        mine = [lane for lane in lanes if lane.name == name]
        stages = [call.stage.value for call in calls if call.record.campaign == name]
        people = [agent for lane in mine for agent in self._engine.floor.of(name, lane.node)]
        agents = [agent.state for agent in people]
        for state in AgentState:
            metrics.AGENTS.labels(name, state.value).set(agents.count(state))
        gates = [self._engine.dialling.gate(lane) for lane in mine]
        first = mine[0]
        return {
            "state": first.state,
            "node": ", ".join(lane.node for lane in mine),
            "gate": "; ".join(str(gate) for gate in gates) if all(gates) else None,
            "pacing": " | ".join(lane.decision.reason for lane in mine),
            "waiting_leads": self._engine.filler.waiting.get(name, 0),
            "refused": dict(self._engine.filler.refused[first.campaign_id]),
            "calls": {stage: stages.count(stage) for stage in sorted(set(stages))},
            "agents": {state.value: agents.count(state) for state in AgentState if state in agents},
            "hours": self._hours(name, people),
            "abandonment": {
                window: {"live": tally.live, "abandoned": tally.abandoned, "limit": first.campaign.pacing.abandon_limit}
                for window, tally in first.tallies.items()
            },
        }

    def _hours(self, name: str, people: list[Agent]) -> dict[str, Any]:
        """Return what a campaign's agents spent their time on since the engine started, in business seconds."""
        found = self._engine.floor.hours.figures(name, people, self._engine.clock.now())
        for state, seconds in found.seconds.items():
            metrics.AGENT_SECONDS.labels(name, state.value).set(seconds)
        if found.utilisation is not None:
            metrics.UTILISATION.labels(name).set(found.utilisation)
        if found.mean_idle_wait_s is not None:
            metrics.IDLE_WAIT.labels(name).set(found.mean_idle_wait_s)
        return {
            "utilisation": _rounded(found.utilisation, 4),
            "mean_idle_wait_s": _rounded(found.mean_idle_wait_s, 2),
            "conversations": found.conversations,
            "seconds": {state.value: round(seconds, 1) for state, seconds in found.seconds.items()},
        }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
