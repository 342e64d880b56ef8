"""Everything that is asked before a campaign is launched: the books, the nodes, the engine if there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns import launch
from campaigns.do_not_call import DoNotCallLists
from campaigns.effective import campaigns_in_force
from campaigns.explain import Explainer
from campaigns.launch import Finding, Level, NodeFacts, Worker
from campaigns.models import Lead, LeadState, Segment
from campaigns.repository import Agents, Campaigns
from campaigns.standing import rulebooks, standing
from dialer.ami.admin import AdminPlane
from dialer.ami.config import load_secrets
from dialer.ami.config.layout import layout
from dialer.app.profiles import open_library
from dialer.app.redis import open_redis
from dialer.config import CampaignConfig, Config, NodeConfig
from dialer.doctor.line import ADMIN
from dialer.doctor.node import UNREACHABLE
from dialer.engine.nodes import SIMULATED, unfit
from dialer.queues.agents import AgentBoard
from dialer.routing import AgentState
from dialer.store import Store
from dialer.types import DialerError

NODE_S = 6.0
"""Deadline for what one node is asked."""

MESSAGE = "abandon.wav"
"""What somebody hears for whom no agent is free."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found: a campaign with a refusal is not launched."""

    campaign: str
    at: datetime
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether the campaign may be launched."""
        return not any(finding.level is Level.REFUSED for finding in self.findings)

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        found = [
            {"level": f.level.value, "rule": f.rule, "detail": f.detail, "remedy": f.remedy} for f in self.findings
        ]
        return {"campaign": self.campaign, "at": self.at.isoformat(), "good": self.good, "findings": found}


async def preflight(config: Config, store: Store, name: str, now: datetime) -> Preflight:
    """Look at everything a launch needs; changes nothing. Raises InputError for an unknown campaign."""
    async with store.snapshot() as session:
        row = await Campaigns(session).get(name)
        agents = list(await Agents(session).list())
        filled = await _filled(session, row.id)
        campaign = (await campaigns_in_force(await session.connection(), [row.id]))[row.id]
    library = open_library(config)
    nodes = await node_facts(config, campaign)
    seated = await _seated(config)
    real = [node.name for node in nodes.values() if not node.simulated and not node.away]
    async with store.snapshot() as session:
        held = await standing(session, row, library, now, real_nodes=real)
        books = await rulebooks(session, row.id, campaign, library, now)
    explainer = Explainer(store, library, ring_s=config.dialing.longest_s)
    counted = await explainer.dialable(name, now, enough=1)
    workers = [
        Worker(agent.name, agent.skills, frozenset(agent.languages or ["es"]), agent.name in seated) for agent in agents
    ]
    trunks = [trunk for trunk in config.trunks if trunk.name in campaign.trunks]
    findings = [
        *launch.of_standing(name, held),
        *launch.of_leads(name, counted, now),
        *launch.of_agents(campaign, filled, workers),
        *launch.of_lines(campaign, config, nodes),
        *launch.of_messages(nodes.values()),
        *launch.of_rules(campaign, config, trunks, books),
        *launch.of_lists(books, await DoNotCallLists(store).editions(), now),
        *launch.of_segments(campaign, filled),
    ]
    return Preflight(name, now, tuple(sorted(findings, key=lambda finding: list(Level).index(finding.level))))


async def _filled(session: AsyncSession, campaign_id: int) -> dict[str, int]:
    """Return how many leads each segment has that are not at their end."""
    query = (
        select(Segment.name, func.count())
        .join(Lead, Lead.segment_id == Segment.id)
        .where(Lead.campaign_id == campaign_id, Lead.state.in_([LeadState.OPEN.value, LeadState.STAGED.value]))
        .group_by(Segment.name)
    )
    return {name: count for name, count in await session.execute(query)}


async def _seated(config: Config) -> frozenset[str]:
    """Return who is logged in; nobody where no engine runs."""
    try:
        async with open_redis(config) as redis:
            board = await AgentBoard(redis).read()
    except DialerError:
        return frozenset()
    return frozenset(name for name, state in board.items() if state.get("state") != AgentState.LOGGED_OUT)


async def node_facts(config: Config, campaign: CampaignConfig) -> Mapping[str, NodeFacts]:
    """Return what the nodes of a campaign's trunks are like, asked at the same time."""
    wanted = {trunk.node for trunk in config.trunks if trunk.name in campaign.trunks}
    nodes = [node for node in config.nodes if node.name in wanted]
    languages = sorted({campaign.language, *(segment.language or campaign.language for segment in campaign.segments)})
    async with asyncio.TaskGroup() as asking:
        tasks = [asking.create_task(_node(config, node, languages)) for node in nodes]
    return {task.result().name: task.result() for task in tasks}


async def _node(config: Config, node: NodeConfig, languages: Sequence[str]) -> NodeFacts:
    try:
        admin = AdminPlane(node, ADMIN, load_secrets(config).node(node.name).admin)
        async with asyncio.timeout(NODE_S):
            version = await admin.version()
            lost = frozenset(name for name, state in (await admin.endpoints()).items() if state == UNREACHABLE)
    except TimeoutError:
        return NodeFacts(node.name, away=f"no answer within {NODE_S:g} s")
    except DialerError as exc:
        return NodeFacts(node.name, away=str(exc))
    away = unfit(version, other_time=config.simulation.on)
    simulated = SIMULATED in version
    silent, unseen = ((), False) if simulated else _messages(node, languages)
    return NodeFacts(
        node.name,
        away=f"runs Asterisk {version}; {away}" if away else "",
        simulated=simulated,
        silent=silent,
        unseen=unseen,
        lost_trunks=lost,
    )


def _messages(node: NodeConfig, languages: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Return the languages without their message, and whether the node's files cannot be seen from this machine."""
    sounds = Path(layout(node).sounds)
    if not sounds.is_dir():
        return (), True
    return tuple(name for name in languages if not (sounds / name / MESSAGE).is_file()), False
