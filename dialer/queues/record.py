"""How a queued lead is kept in Redis: what the scripts read in front, tab-separated, then the rest as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from dialer.types import InputError, QueuedLead

MOST_PRIORITY = 32_767
"""Beyond this priorities are alike: rank and due time share one number of 53 bits, to 1/32 s."""

_PRIORITY_STEP = 2.0**33
"""Seconds between two priorities: more than any due time since 1970 has."""

_HEAD = 7
"""Parts in front: segment, due, debtor, phone, call id, campaign, rank."""


def record(campaign: str, lead: QueuedLead) -> str:
    """Return one line for Redis; raise InputError where a part would break it."""
    head = (lead.segment, seconds(lead.due_at), lead.debtor_id, lead.phone, lead.call_id, campaign, rank(lead))
    line = "\t".join(map(str, head))
    if line.count("\t") != _HEAD - 1 or "\n" in line:
        raise InputError(f"lead {lead.lead_id}: a tab or line end in segment, phone, call id or campaign; remove it")
    rest = (lead.lead_id, lead.debtor, lead.campaign_id, lead.phone_id, lead.time_zone, lead.language, lead.try_no)
    return f"{line}\t{json.dumps((*rest, lead.last_agent, lead.priority, lead.accounts, lead.place))}"


def leads_of(lines: Iterable[str]) -> list[QueuedLead]:
    """Return the leads of records, in their order; of an older version's too, which kept a lead as one JSON object."""
    parts = [line.split("\t") for line in lines]
    # Together: one call of the decoder costs more than the few values of a lead.
    rests = json.loads(f"[{','.join(part[-1] for part in parts)}]")
    return [_lead(part, rest) for part, rest in zip(parts, rests, strict=True)]


def _lead(head: list[str], rest: object) -> QueuedLead:
    if not isinstance(rest, list):
        return QueuedLead.from_json(head[-1])
    lead_id, debtor, campaign_id, phone_id, time_zone, language, try_no, last_agent, priority, accounts, place = rest
    segment, due, debtor_id, phone, call_id, *_ = head
    return QueuedLead(
        lead_id,
        int(debtor_id),
        debtor,
        campaign_id,
        segment,
        phone_id,
        phone,
        time_zone,
        language,
        try_no,
        call_id,
        datetime.fromtimestamp(float(due), UTC),
        last_agent,
        priority,
        tuple(accounts),
        tuple(place),
    )


def rank(lead: QueuedLead) -> float:
    """Return the place among due leads, small is first: a step of priority outweighs any due time."""
    priority = max(-MOST_PRIORITY, min(lead.priority, MOST_PRIORITY))
    due = max(0.0, min(seconds(lead.due_at), _PRIORITY_STEP - 1))
    return due - priority * _PRIORITY_STEP


def seconds(moment: datetime) -> float:
    """Return an instant as Redis keeps it."""
    return moment.timestamp()
