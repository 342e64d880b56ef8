"""A whole engine without servers: every part is real but Asterisk, Redis and the database."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

from campaigns.approvals import Standing, State
from campaigns.audit import Decision
from campaigns.callbacks import Standing as CallbackStanding
from campaigns.compliance import Happening, Library, Profile
from campaigns.decisions import Minute
from campaigns.history import History
from campaigns.journal import Applied, Intent, Journal
from campaigns.models import CampaignState
from campaigns.repository import KnownCaller
from dialer.ami.client import AmiSecrets, NodeClient
from dialer.config import CampaignConfig
from dialer.engine import Engine
from dialer.engine.books import Books, Running, Tally
from dialer.engine.keeper import StreamRecord
from dialer.queues.agents import AgentBoard
from dialer.queues.beat import EngineBeat
from dialer.queues.bus import CommandBus
from dialer.queues.hopper import Hopper
from dialer.queues.ledger import Ledger
from dialer.queues.outcomes import OutcomeStream
from dialer.routing import Agent, AgentState
from dialer.types import Allowed, AttemptRecord, InboundRecord, QueuedLead, Refused, Unavailable, Verdict
from recordings.models import Recording
from tests.unit.engine.counter import PaperLedger, PaperRules
from tests.unit.engine.desk import Door, FakeLink, FakeRedis, HandClock, a_campaign, a_config, an_agent


class PaperJournal(Door):
    """Intents and outcomes in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[AttemptRecord] = []
        self.applied: list[AttemptRecord] = []
        self.inbound: list[InboundRecord] = []

    async def commit_intents(self, intents: Sequence[Intent]) -> list[Verdict]:
        await self.pass_()
        return [Allowed() for _ in intents]

    async def apply(self, records: Iterable[AttemptRecord]) -> Applied:
        await self.pass_()
        self.applied += records
        return Applied(1, 0)

    async def apply_inbound(self, records: Iterable[InboundRecord]) -> None:
        await self.pass_()
        self.inbound += records

    async def open_attempts(self, node: str | None = None) -> list[AttemptRecord]:
        await self.pass_()
        return list(self.open)


class PaperBooks(Books):
    """The database in memory."""

    def __init__(self) -> None:
        self.paper = PaperJournal()
        self.journal = cast(Journal, self.paper)
        self.served: list[Running] = []
        self.staff: list[Agent] = []
        self.states: list[tuple[str, str]] = []
        self.callers: list[InboundRecord] = []
        self.known: KnownCaller | None = None
        self.asked: list[str] = []
        self.minutes: list[Minute] = []
        self.forbidden: tuple[Refused, ...] = ()
        self.decisions: list[Decision] = []
        self.past = History()
        self.past_away = False

    async def campaigns(self) -> tuple[list[Running], dict[str, str]]:
        await self.paper.pass_()
        return list(self.served), {}

    async def set_state(self, name: str, state: CampaignState, now: datetime) -> None:
        await self.paper.pass_()
        self.states.append((name, state.value))

    async def set_pacing(self, name: str, knobs: Mapping[str, Any]) -> CampaignConfig:
        await self.paper.pass_()
        (running,) = (each for each in self.served if each.config.name == name)
        tuned = running.config.tuned(knobs)
        self.served = [replace(each, config=tuned) if each is running else each for each in self.served]
        return tuned

    async def history(self, campaign_id: int) -> History:
        await self.paper.pass_()
        if self.past_away:
            raise Unavailable("away")
        return self.past

    async def approvals(self, profiles: Iterable[Profile]) -> Mapping[str, Standing]:
        await self.paper.pass_()
        return {profile.id: Standing(State.APPROVED) for profile in profiles}

    async def standing(
        self, campaign_id: int, library: Library, now: datetime, real_nodes: Collection[str]
    ) -> tuple[Refused, ...]:
        await self.paper.pass_()
        return self.forbidden

    async def record_decisions(self, decisions: Sequence[Decision]) -> None:
        await self.paper.pass_()
        self.decisions += decisions

    async def keep_decisions(self, minutes: Sequence[Minute]) -> None:
        await self.paper.pass_()
        self.minutes += minutes

    async def due_leads(
        self, campaign: str, now: datetime, limit: int, *, only: Collection[str] | None = None, each: int | None = None
    ) -> list[QueuedLead]:
        await self.paper.pass_()
        return []

    async def attempts(self, call_ids: Collection[str]) -> list[AttemptRecord]:
        await self.paper.pass_()
        return []

    async def past_attempts(self, after: str, since: datetime, limit: int) -> list[AttemptRecord]:
        await self.paper.pass_()
        return []

    async def past_inbound(self, after: str, since: datetime, limit: int) -> list[InboundRecord]:
        await self.paper.pass_()
        return []

    async def prior_events(self, after: int, limit: int) -> list[tuple[int, Happening]]:
        await self.paper.pass_()
        return []

    async def callbacks_due(self, lead_ids: Collection[int]) -> Mapping[int, CallbackStanding]:
        await self.paper.pass_()
        return {}

    async def promised_debts(self, account_ids: Collection[int]) -> Mapping[int, date]:
        await self.paper.pass_()
        return {}

    async def review_promises(self, now: datetime) -> None:
        await self.paper.pass_()

    async def postpone(self, until: Mapping[int, datetime]) -> None:
        await self.paper.pass_()

    async def agents(self, wrap_up_s: float) -> list[Agent]:
        await self.paper.pass_()
        return list(self.staff)

    async def tally(self, campaign_id: int, since: datetime) -> Tally:
        await self.paper.pass_()
        return Tally(100, 2)

    async def caller(self, phone: str) -> KnownCaller | None:
        await self.paper.pass_()
        self.asked.append(phone)
        return self.known

    async def open_inbound(self, node: str) -> list[InboundRecord]:
        await self.paper.pass_()
        return [record for record in self.callers if record.node == node]

    async def keep_recordings(self, recordings: Sequence[Recording]) -> None:
        await self.paper.pass_()


class PaperRedis(FakeRedis):
    """All of Redis that the engine uses."""

    def __init__(self) -> None:
        super().__init__()
        self.cleared: list[str] = []
        self.renewed: list[str] = []
        self.board: dict[str, Mapping[str, Any]] = {}

    async def clear(self, campaign: str) -> int:
        await self.pass_()
        self.cleared.append(campaign)
        return 0

    async def renew(self, call_ids: Iterable[str], until: datetime) -> list[str]:
        await self.pass_()
        self.renewed += call_ids
        return []

    async def read(self) -> Mapping[str, Mapping[str, Any]]:
        await self.pass_()
        return self.board

    async def publish(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        await self.pass_()
        self.board |= states

    async def step(
        self, apply: Callable[[list[StreamRecord]], Awaitable[None]], batch: int = 500, *, block_s: float = 0.0
    ) -> int:
        await self.pass_()
        taken, self.stream = self.stream, []
        if taken:
            await apply(taken)
        return len(taken)

    async def stop(self) -> None:
        await self.pass_()


class Plant:
    """An engine and everything it stands on."""

    def __init__(self, folder: Path, **tables: Any) -> None:
        node = {"name": "a1", "recordings_dir": folder, "evidence_file": folder / "cel.csv"}
        (folder / "cel.csv").touch()
        recordings = {"dir": folder / "kept", "min_free_mb": 0}
        self.config = a_config(**{"nodes": (node,), "recordings": recordings, **tables})
        self.clock = HandClock()
        self.books = PaperBooks()
        self.redis = PaperRedis()
        self.ledger = PaperLedger()
        self.link = FakeLink()
        secrets = {each.name: AmiSecrets("ev", "ev", "act", "act") for each in self.config.nodes}
        self.engine = Engine(
            self.config,
            self.clock,
            books=self.books,
            hopper=cast(Hopper, self.redis),
            stream=cast(OutcomeStream, self.redis),
            board=cast(AgentBoard, self.redis),
            beat=cast(EngineBeat, self.redis),
            commands=cast(CommandBus, self.redis),
            ledger=cast(Ledger, self.ledger),
            rules=PaperRules(),
            secrets=secrets,
            rng=random.Random(7),
        )
        for each in self.config.nodes:
            self.engine.links[each.name] = cast(NodeClient, self.link)
        self.engine.incarnation("a1", "a1/today")

    def serves(self, state: str = "running", campaign: CampaignConfig | None = None) -> None:
        self.books.served = [Running(1, "key", state, campaign or a_campaign())]

    def hires(self, *names: str) -> None:
        self.books.staff = [
            an_agent(name, state=AgentState.LOGGED_OUT, leg_id="", channel="", node="", campaign="") for name in names
        ]
