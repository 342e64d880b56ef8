"""Who is called now, and who waits for the agent who promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from campaigns.cadence.promised import CallbackDue
from campaigns.callbacks import LOOK_AGAIN, Standing, promised_to
from dialer.types import QueuedLead

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)
FALLBACK = NOW + timedelta(minutes=30)


def a_lead(lead_id: int) -> QueuedLead:
    return QueuedLead(
        lead_id=lead_id,
        debtor_id=lead_id,
        debtor=f"d{lead_id}",
        campaign_id=1,
        segment="s",
        phone_id=lead_id,
        phone=f"+57300{lead_id}",
        time_zone="America/Bogota",
        language="es",
        try_no=2,
        call_id=f"t{lead_id}",
        due_at=NOW,
        last_agent="bob",
    )


ORDINARY, ROSAS, ANYONES = a_lead(1), a_lead(2), a_lead(3)
DUE = {
    ROSAS.lead_id: Standing(1, None, CallbackDue(NOW, "rosa", FALLBACK)),
    ANYONES.lead_id: Standing(2, None, CallbackDue(NOW)),
}


def wanted(now: datetime, *at_work: str) -> tuple[dict[int, str | None], dict[int, datetime]]:
    ready, waiting = promised_to([ORDINARY, ROSAS, ANYONES], DUE, now, at_work)
    return {lead.lead_id: lead.last_agent for lead in ready}, waiting


def test_a_promised_call_wants_its_agent():
    assert wanted(NOW, "bob", "rosa") == ({1: "bob", 2: "rosa", 3: "bob"}, {})


def test_an_agent_who_is_not_there_is_looked_for_again_soon():
    assert wanted(NOW, "bob") == ({1: "bob", 3: "bob"}, {2: NOW + LOOK_AGAIN})
    late = FALLBACK - timedelta(seconds=10)
    assert wanted(late, "bob") == ({1: "bob", 3: "bob"}, {2: FALLBACK})


def test_from_the_fallback_on_anyone_takes_it():
    assert wanted(FALLBACK, "bob") == ({1: "bob", 2: "bob", 3: "bob"}, {})
