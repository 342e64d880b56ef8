"""Stories about the books: a campaign on paper, debtors in it, tries and what came of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.journal import Intent, Journal
from campaigns.models import Campaign, Debtor, Lead, Phone
from campaigns.repository import Campaigns, Leads
from dialer.config import parse_campaign
from dialer.store import Store
from dialer.types import AttemptRecord, Outcome, QueuedLead, Verdict

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)
TODAY = date(2026, 6, 2)
CAMPAIGN = """
name = "{name}"
country = "CO"
time_zone = "America/Bogota"
windows = ["mon-sat 08:00-19:00"]
trunks = ["main"]
max_tries = 4
max_tries_per_phone_per_day = 3

[retries.busy]
delay_m = 10
max_tries = 2

[[segments]]
name = "late"
priority = 10

[[segments]]
name = "early"
priority = 900
"""


class OnSqlite:
    """A story told over a fresh SQLite file."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Store]:
        async with Store(f"sqlite:///{tmp_path}/books.db") as store:
            await store.migrate()
            yield store


@dataclass
class Desk:
    """What the stories do with a store, in the engine's words."""

    store: Store
    journal: Journal
    campaign: Campaign

    @classmethod
    async def opened(cls, store: Store, name: str = "spring") -> Desk:
        text = CAMPAIGN.format(name=name)
        async with store.transaction() as session:
            campaign = await Campaigns(session).create(
                parse_campaign(text, "test"), text, key=f"key-of-{name}", now=NOW
            )
        return cls(store, Journal(store), campaign)

    async def list_debtor(self, external_id: str, *phones: str, segment: str = "early") -> None:
        """Put a debtor with these phones on the campaign's list."""
        async with self.store.transaction() as session:
            segments = {each.name: each.id for each in await Campaigns(session).segments(self.campaign.id)}
            debtor = Debtor(external_id=external_id, name=external_id, language="es", time_zone="America/Bogota")
            session.add(debtor)
            await session.flush()
            session.add_all(
                Phone(debtor_id=debtor.id, e164=phone, rank=rank) for rank, phone in enumerate(phones or ["+573001"])
            )
            session.add(Lead(campaign_id=self.campaign.id, segment_id=segments[segment], debtor_id=debtor.id))

    async def due(self, now: datetime = NOW, limit: int = 100) -> list[QueuedLead]:
        async with self.store.snapshot() as session:
            return await Leads(session).due(self.campaign, now, limit)

    def record(self, lead: QueuedLead, now: datetime = NOW) -> AttemptRecord:
        return AttemptRecord(
            call_id=lead.call_id,
            campaign_id=lead.campaign_id,
            campaign=self.campaign.name,
            segment=lead.segment,
            lead_id=lead.lead_id,
            debtor_id=lead.debtor_id,
            debtor=lead.debtor,
            phone_id=lead.phone_id,
            phone=lead.phone,
            try_no=lead.try_no,
            node="north",
            trunk="main",
            time_zone=lead.time_zone,
            intent_at=now,
        )

    def intent(self, lead: QueuedLead, max_per_day: int = 3, day: date = TODAY) -> Intent:
        return Intent(self.record(lead), day, max_per_day)

    async def book(self, *leads: QueuedLead, max_per_day: int = 3) -> list[Verdict]:
        return await self.journal.commit_intents([self.intent(lead, max_per_day) for lead in leads])

    async def call(self, lead: QueuedLead, outcome: Outcome, *, seq: int = 5, **facts: Any) -> AttemptRecord:
        """Book a lead and tell its outcome, one minute later."""
        await self.book(lead)
        told = {"seq": seq, "outcome": outcome, "ended_at": NOW + timedelta(minutes=1), **facts}
        record = replace(self.record(lead), **told)
        await self.journal.apply([record])
        return record

    async def enlist(self, external_id: str, segment: str = "early") -> None:
        """Put a debtor who is known already on this campaign's list too."""
        async with self.store.transaction() as session:
            segments = {each.name: each.id for each in await Campaigns(session).segments(self.campaign.id)}
            debtor_id = await session.scalar(select(Debtor.id).where(Debtor.external_id == external_id))
            session.add(Lead(campaign_id=self.campaign.id, segment_id=segments[segment], debtor_id=debtor_id))

    async def lead(self, external_id: str) -> Lead:
        async with self.store.snapshot() as session:
            query = select(Lead).join(Debtor, Debtor.id == Lead.debtor_id).where(Debtor.external_id == external_id)
            return (await session.scalars(query.where(Lead.campaign_id == self.campaign.id))).one()
