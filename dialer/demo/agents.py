"""The people at the softphones: what they do after a conversation, as orders they would give. Pure: time is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from dialer.routing import AgentState
from dialer.simulation.agents import PAUSE_REASON, WrapUp, wrap_up


@dataclass(frozen=True, slots=True)
class Order:
    """Something an agent asks of the engine; `more` is what comes with it."""

    kind: str
    agent: str
    more: tuple[tuple[str, str], ...] = ()

    @property
    def payload(self) -> dict[str, str]:
        """What goes over the command bus."""
        return {"agent": self.agent, **dict(self.more)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What an agent will do at the end of this wrap-up."""

    call_id: str
    due_at: datetime
    then: WrapUp
    done: bool = False


class Crew:
    """Looks at the agents' board as often as it is asked, and says who orders what now, in order."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._talking_since: dict[str, datetime] = {}
        self._plans: dict[str, Plan] = {}
        self._back_at: dict[str, datetime] = {}

    def look(self, board: Mapping[str, Mapping[str, Any]], now: datetime, *, hurry: bool = False) -> list[list[Order]]:
        """Return what each agent with something to do orders now; `hurry` ends every wrap-up at once."""
        orders = [self._one(name, said, now, hurry=hurry) for name, said in board.items()]
        return [mine for mine in orders if mine]

    def _one(self, name: str, said: Mapping[str, Any], now: datetime, *, hurry: bool) -> list[Order]:
        since = datetime.fromisoformat(said["since"]) if said.get("since") else now
        match said["state"]:
            case AgentState.TALKING:
                self._talking_since[name] = since
            case AgentState.WRAP_UP:
                plan = self._plan(name, str(said["call_id"]), since)
                if not plan.done and (hurry or now >= plan.due_at):
                    return self._finished(name, plan, now, pausing=not hurry)
            case AgentState.PAUSED if name in self._back_at and now >= self._back_at[name]:
                del self._back_at[name]
                return [Order("agent.ready", name)]
        return []

    def _plan(self, name: str, call_id: str, since: datetime) -> Plan:
        known = self._plans.get(name)
        if known is not None and known.call_id == call_id:
            return known
        talked = since - self._talking_since.get(name, since)
        then = wrap_up(talked.total_seconds(), self._rng)
        plan = self._plans[name] = Plan(call_id, since + timedelta(seconds=then.wrap_s), then)
        return plan

    def _finished(self, name: str, plan: Plan, now: datetime, *, pausing: bool) -> list[Order]:
        self._plans[name] = Plan(plan.call_id, plan.due_at, plan.then, done=True)
        orders = [Order("agent.dispose", name, (("code", plan.then.disposition),))]
        if pausing and plan.then.pause_s:
            self._back_at[name] = now + timedelta(seconds=plan.then.pause_s)
            orders.append(Order("agent.pause", name, (("reason", PAUSE_REASON),)))
        return orders
