"""A campaign on a simulated node is looked at before it is launched: what is missing is told, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from campaigns.approvals import Approvals
from campaigns.compliance import Library
from campaigns.models import Campaign
from campaigns.repository import Agents
from dialer.doctor.preflight import Preflight, preflight
from dialer.store import Store
from dialer.types import InputError
from tests.books import Desk
from tests.contract.simulation.conftest import Twin

NOON = datetime(2026, 6, 2, 17, tzinfo=UTC)


@pytest.fixture
async def desk(tmp_path: Path, twin: Twin) -> AsyncIterator[Desk]:
    async with Store(f"sqlite:///{tmp_path}/books.db") as store:
        await store.migrate()
        yield await Desk.opened(store)


async def look(desk: Desk, twin: Twin, at: datetime = NOON) -> Preflight:
    trunks = tuple(trunk.model_copy(update={"name": "main"}) for trunk in twin.config.trunks[:1])
    return await preflight(twin.config.model_copy(update={"trunks": trunks}), desk.store, desk.campaign.name, at)


async def ready(desk: Desk) -> None:
    await desk.list_debtor("ana", "+573001234567")
    async with desk.store.transaction() as session:
        await Agents(session).add("eva", 1001, {}, ["es"])
        await session.execute(update(Campaign).values(history_at=NOON, history_by="ana"))
        for name in ("base", "co"):
            await Approvals(session).approve(Library.shipped().profile(name), "ana", NOON)


def refused(found: Preflight) -> set[str]:
    return {finding.rule for finding in found.findings if finding.level.value == "refused"}


async def test_everything_that_is_missing_is_told_at_once(desk: Desk, twin: Twin):
    found = await look(desk, twin)
    assert not found.good
    assert refused(found) >= {"no_history", "unapproved_profile", "no_leads", "no_agent"}
    assert all(finding.remedy for finding in found.findings)


async def test_a_campaign_that_has_all_may_be_launched(desk: Desk, twin: Twin):
    await ready(desk)
    found = await look(desk, twin)
    assert (found.good, refused(found)) == (True, set())
    assert found.plain()["good"] is True


async def test_on_a_sunday_a_campaign_may_be_launched_for_monday_and_says_so(desk: Desk, twin: Twin):
    await ready(desk)
    found = await look(desk, twin, datetime(2026, 6, 7, 17, tzinfo=UTC))
    assert found.good
    assert "nobody_yet" in {finding.rule for finding in found.findings}


async def test_a_node_that_does_not_answer_leads_nowhere(desk: Desk, twin: Twin):
    await ready(desk)
    away = twin.config.nodes[0].model_copy(update={"port": 1})
    config = twin.config.model_copy(update={"nodes": (away,)})
    assert refused(await look(desk, replace(twin, config=config))) == {"no_trunk"}


async def test_a_campaign_nobody_knows_is_an_error(desk: Desk, twin: Twin):
    with pytest.raises(InputError):
        await preflight(twin.config, desk.store, "nobody", NOON)
