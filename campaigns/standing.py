"""Whether a campaign may call anybody at all: history known, rules approved, and `demo` with a simulated Asterisk."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.approvals import Approvals, unapproved
from campaigns.compliance import Bound, Library, Place, Rulebook
from campaigns.models import Campaign, Debtor, Lead
from dialer.config import CampaignConfig, parse_campaign
from dialer.types import Refused

DEMO = "demo"

MOST_PLACES = 5000
"""Different places of a campaign's debtors that are looked at; each call is judged by its own all the same."""


async def standing(
    session: AsyncSession, campaign: Campaign, library: Library, now: datetime, *, real_nodes: Collection[str] = ()
) -> tuple[Refused, ...]:
    """Return what forbids the whole campaign: `no_history`, `demo_profile`, `unapproved_profile`; empty when nothing.

    `real_nodes` are the campaign's nodes that are no simulated Asterisk: real people answer there.
    """
    config = parse_campaign(campaign.definition, f"campaign {campaign.name}")
    found: list[Refused] = []
    if campaign.history_at is None:
        found.append(Refused("no_history", "nobody has loaded the calls made before, or declared that there were none"))
    if config.profile == DEMO and real_nodes:
        names = ", ".join(sorted(real_nodes))
        found.append(Refused("demo_profile", f"the profile 'demo' is for a simulated Asterisk; real: {names}"))
    bound = bound_by(await rulebooks(session, campaign.id, config, library, now))
    return (*found, *unapproved(bound, await Approvals(session).standings(bound)))


def bound_by(books: Iterable[Rulebook]) -> tuple[Bound, ...]:
    """Return every profile of these rulebooks once."""
    return tuple(dict.fromkeys(bound for book in books for bound in book.bound))


async def rulebooks(
    session: AsyncSession, campaign_id: int, config: CampaignConfig, library: Library, now: datetime
) -> list[Rulebook]:
    """Return the rulebooks that bind where a campaign's debtors live; the campaign's own country where nobody does."""
    columns = (Debtor.country, Debtor.subdivision, Debtor.locality, Debtor.party)
    query = select(*columns).join(Lead, Lead.debtor_id == Debtor.id).where(Lead.campaign_id == campaign_id).distinct()
    rows = [tuple(row) for row in await session.execute(query.limit(MOST_PLACES))] or [("", "", "", "first")]
    found: dict[str, Rulebook] = {}
    for country, subdivision, locality, party in rows:
        place = Place(
            country=country or config.country,
            subdivision=subdivision,
            locality=locality,
            phone_country=country or config.country,
            party=party or "first",
            creditor=config.creditor,
            agent_in=config.agent_in,
        )
        book = library.rulebook(place, now.date(), config.profile)
        if isinstance(book, Rulebook):
            found[book.hash] = book
    return list(found.values())
