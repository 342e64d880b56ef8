"""Every decision to dial is kept with what was known, and nobody can change it: the database itself refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import exc, func, select, text

from campaigns.audit import Audit, Decision, DialEvidence, Law, decision_of, evidence_of
from campaigns.case_models import DialDecision, RulebookText
from campaigns.compliance import Library, Position, Subject, Tally, Terms, judge, limits
from campaigns.journal import Journal
from dialer.store import Store
from dialer.types import Refused, Unavailable
from tests.books import NOW, Desk, OnSqlite

LAW = Law("h" * 64, {"profiles": [["co", "1", "abc"]], "versions": {"tzdata": "2026.1"}})
KNOWN = DialEvidence(LAW, {"zones": ["America/Bogota"], "counters": [{"rule": "house", "count": 1, "most": 2}]})


async def rows(store: Store) -> list[DialDecision]:
    async with store.snapshot() as session:
        return list(await session.scalars(select(DialDecision).order_by(DialDecision.id)))


class AuditContract:
    async def test_a_call_and_why_it_was_allowed_are_written_together(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        await desk.journal.commit_intents([replace(desk.intent(lead), evidence=KNOWN)])
        (row,) = await rows(store)
        assert (row.call_id, row.verdict, row.at, row.rulebook) == (lead.call_id, "allowed", NOW, LAW.hash)
        assert row.facts["zones"] == ["America/Bogota"]
        assert row.facts["counters"] == [{"rule": "house", "count": 1, "most": 2}]
        assert (row.facts["segment"], row.facts["try"]) == ("early", 1)

    async def test_a_refusal_is_kept_with_the_values_that_decided(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea"):
            await desk.list_debtor(name, "+573001234567")
        await desk.book(*await desk.due(), max_per_day=1)
        allowed, refused = await rows(store)
        assert (allowed.verdict, refused.verdict) == ("allowed", "phone_day_limit")
        assert "+573001234567 had 1 tries" in refused.facts["refused"]["detail"]
        assert refused.facts["refused"]["until"] == "2026-06-03T05:00:00+00:00"

    async def test_when_the_calls_are_not_booked_no_decision_is_kept(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()

        async def fails(*_: object) -> None:
            raise Unavailable("gone")

        monkeypatch.setattr("campaigns.audit.append", fails)
        with pytest.raises(Unavailable):
            await desk.book(lead)
        assert (await rows(store), await desk.journal.open_attempts()) == ([], [])

    async def test_a_law_is_kept_once_whoever_uses_it(self, store: Store) -> None:
        desk = await Desk.opened(store)
        for name in ("ana", "bea"):
            await desk.list_debtor(name, f"+57300{name}")
        first, second = await desk.due()
        await desk.journal.commit_intents([replace(desk.intent(first), evidence=KNOWN)])
        await Journal(store).commit_intents([replace(desk.intent(second), evidence=KNOWN)])
        async with store.snapshot() as session:
            (kept,) = (await session.scalars(select(RulebookText))).all()
        assert (kept.hash, kept.content, kept.first_used_at) == (LAW.hash, LAW.content, NOW)

    async def test_refusals_before_the_books_are_kept_in_groups_and_read_by_person(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana")
        (lead,) = await desk.due()
        made = decision_of(desk.record(lead), KNOWN, Refused("outside_window", "Sun 10:00", NOW + timedelta(days=1)))
        audit = Audit(store)
        await audit.record([replace(made, at=NOW + timedelta(seconds=second)) for second in range(450)])
        await audit.record([])
        newest, before = await audit.of_debtor(lead.debtor_id, desk.campaign.id, last=2)
        assert newest["at"] == NOW + timedelta(seconds=449)
        assert before["at"] == NOW + timedelta(seconds=448)
        assert (newest["verdict"], newest["law"]) == ("outside_window", LAW.content)
        (old,) = await audit.of_debtor(lead.debtor_id, until=NOW)
        assert old["at"] == NOW
        assert await audit.of_debtor(lead.debtor_id, desk.campaign.id + 1) == []
        async with store.snapshot() as session:
            assert await session.scalar(select(func.count()).select_from(DialDecision)) == 450

    @pytest.mark.parametrize("change", ["UPDATE dial_decisions SET verdict = 'allowed'", "DELETE FROM dial_decisions"])
    async def test_nobody_changes_or_deletes_a_decision(self, store: Store, change: str) -> None:
        await Audit(store).record([Decision(NOW, "t" * 27, 1, 1, 1, "+573001", "outside_window")])
        with pytest.raises(exc.DBAPIError, match="append-only"):
            async with store.transaction() as session:
                await session.execute(text(change))
        assert [row.verdict for row in await rows(store)] == ["outside_window"]


class EvidenceContract:
    async def test_what_a_judgement_rests_on_is_kept_with_the_text_of_its_rules(self, store: Store) -> None:
        desk = await Desk.opened(store)
        await desk.list_debtor("ana", "+573001234567")
        (lead,) = await desk.due()
        library = Library.shipped()
        subject = Subject(phone=lead.phone, debtor_id=lead.debtor_id, country="CO")
        position = library.position(subject, Terms(), NOW)
        assert isinstance(position, Position)
        tallies = [Tally(limit, 0) for limit in limits(position.rulebook, subject, position.zones, NOW)]
        evidence = evidence_of(judge(position, subject, NOW, 47, tallies), position.rulebook)
        await Audit(store).record([decision_of(desk.record(lead), evidence, Refused("CO-02", "1 of 1", NOW))])
        (kept,) = await Audit(store).of_debtor(lead.debtor_id)
        assert (kept["verdict"], kept["rulebook"]) == ("CO-02", position.rulebook.hash)
        assert kept["facts"]["zones"] == ["America/Bogota"]
        assert len(kept["facts"]["counters"]) == len(tallies)
        assert set(kept["facts"]["versions"]) == {"tzdata", "holidays", "phonenumbers"}
        assert [profile["id"] for profile in kept["law"]["profiles"]] == ["base", "co"]
        assert [days[0] for days in kept["law"]["holidays"]] == ["co"]
        assert "mon-fri 07:00-19:00" in kept["law"]["profiles"][1]["rules"]["windows"]


class TestOnSqlite(OnSqlite, AuditContract, EvidenceContract):
    pass
