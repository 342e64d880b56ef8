"""Every decision to dial or not to dial, kept as it was made: the database lets nobody change or delete it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.case_models import DialDecision, RulebookText
from campaigns.compliance import Judgement, Rulebook, library_versions
from dialer.store import Store, upsert
from dialer.types import AttemptRecord, Refused

DIAL_DECISIONS: Table = DialDecision.metadata.tables["dial_decisions"]
RULEBOOKS: Table = RulebookText.metadata.tables["rulebooks"]

ALLOWED = "allowed"
AT_ONCE = 200
"""Decisions written in one transaction, so that nobody waits long for a writer."""

MOST_LAWS = 4096
"""Rulebooks whose text is kept ready: a call must not wait for it to be read."""

_LONGEST_VERDICT = 40
_APPEND = insert(DIAL_DECISIONS)


@dataclass(frozen=True, slots=True)
class Law:
    """A set of rules by its hash, with everything in it; kept once, however many decisions name it."""

    hash: str = ""
    content: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class DialEvidence:
    """What was known when a call was judged: the rules, and zones, counters with values, versions, segment..."""

    law: Law = Law()
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as it is kept; `verdict` is `allowed` or the rule that refused."""

    at: datetime
    call_id: str
    campaign_id: int
    lead_id: int
    debtor_id: int
    phone: str
    verdict: str
    law: Law = Law()
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)


def evidence_of(judgement: Judgement, rulebook: Rulebook | None) -> DialEvidence:
    """Return what a judgement rests on: its zones, counters and versions, and the rulebook it was made by, if any.

    The rulebook is the one that judged, not one asked for later: rules of the house may change in between.
    """
    law = _law(rulebook.hash, rulebook.text) if rulebook is not None else Law()
    return DialEvidence(law, {**judgement.audit(), "versions": dict(library_versions())})


@lru_cache(maxsize=MOST_LAWS)
def _law(name: str, text: str) -> Law:
    return Law(name, json.loads(text))


def _said(refused: Refused) -> dict[str, Any]:
    return {"detail": refused.detail, "until": refused.until.isoformat() if refused.until else None}


def decision_of(record: AttemptRecord, evidence: DialEvidence | None, refused: Refused | None) -> Decision:
    """Return the decision about a call as the audit keeps it."""
    told = evidence or DialEvidence()
    facts: dict[str, Any] = {
        "campaign": record.campaign,
        "segment": record.segment,
        "try": record.try_no,
        "node": record.node,
        "trunk": record.trunk,
        "time_zone": record.time_zone,
        **told.facts,
    }
    if refused is not None:
        facts["refused"] = _said(refused)
    return Decision(
        at=record.intent_at,
        call_id=record.call_id,
        campaign_id=record.campaign_id,
        lead_id=record.lead_id,
        debtor_id=record.debtor_id,
        phone=record.phone,
        verdict=ALLOWED if refused is None else refused.rule,
        law=told.law,
        facts=facts,
    )


async def append(connection: AsyncConnection, decisions: Sequence[Decision], known: frozenset[str]) -> frozenset[str]:
    """Write decisions in the caller's transaction; return the hashes of the laws that are kept when it commits.

    `known` are those kept already: their content is not sent again.
    """
    if not decisions:
        return known
    laws = {decision.law.hash: decision.law for decision in decisions if decision.law.hash not in {*known, ""}}
    if laws:
        # In one order: two engines that keep the same laws wait for each other, never in a circle.
        first = min(decision.at for decision in decisions)
        rows = [{"hash": key, "first_used_at": first, "content": dict(laws[key].content)} for key in sorted(laws)]
        await connection.execute(upsert(connection, RULEBOOKS).on_conflict_do_nothing(), rows)
    await connection.execute(_APPEND, [_row(decision) for decision in decisions])
    return known | laws.keys()


def _row(decision: Decision) -> dict[str, Any]:
    return {
        "at": decision.at,
        "call_id": decision.call_id,
        "campaign_id": decision.campaign_id,
        "lead_id": decision.lead_id,
        "debtor_id": decision.debtor_id,
        "phone": decision.phone,
        "verdict": decision.verdict[:_LONGEST_VERDICT],
        "rulebook": decision.law.hash,
        "facts": dict(decision.facts),
    }


class Audit:
    """Keeps decisions made outside of the transaction that books a call, and reads all of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: frozenset[str] = frozenset()

    async def record(self, decisions: Sequence[Decision]) -> None:
        """Append a group of decisions, in short transactions; raises Unavailable when the database is away."""
        for start in range(0, len(decisions), AT_ONCE):
            async with self._store.transaction() as session:
                connection = await session.connection()
                known = await append(connection, decisions[start : start + AT_ONCE], self._known)
            self._known = known

    async def of_debtor(
        self, debtor_id: int, campaign_id: int | None = None, *, last: int = 20, until: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Return the newest decisions about a person, the newest first, each with the rules it was made by.

        Of one campaign or of all; those made up to and including `until`.
        """
        chosen = DIAL_DECISIONS.c.debtor_id == debtor_id
        if campaign_id is not None:
            chosen &= DIAL_DECISIONS.c.campaign_id == campaign_id
        if until is not None:
            chosen &= DIAL_DECISIONS.c.at <= until
        query = (
            select(DIAL_DECISIONS, RULEBOOKS.c.content.label("law"))
            .outerjoin(RULEBOOKS, RULEBOOKS.c.hash == DIAL_DECISIONS.c.rulebook)
            .where(chosen)
            .order_by(DIAL_DECISIONS.c.at.desc(), DIAL_DECISIONS.c.id.desc())
            .limit(last)
        )
        async with self._store.snapshot() as session:
            return [dict(row) for row in (await session.execute(query)).mappings()]
