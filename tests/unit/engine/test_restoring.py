"""A Redis that forgot: nobody is called before the books have told it everything again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pytest

from campaigns.compliance import Happening, Kind, phone_key
from dialer.engine.keeper import Part
from dialer.engine.restoring import Restorer
from dialer.types import AttemptRecord, InboundRecord, Outcome, Unavailable
from tests.unit.engine.counter import PaperLedger, a_counsel
from tests.unit.engine.desk import NOON, HandClock, a_lead
from tests.unit.script import a_record


class PaperPast:
    """Books with a past."""

    def __init__(self) -> None:
        self.records: list[AttemptRecord] = []
        self.inbound: list[InboundRecord] = []
        self.prior: list[tuple[int, Happening]] = []
        self.away = False

    async def attempts(self, call_ids: Collection[str]) -> list[AttemptRecord]:
        return [record for record in self.records if record.call_id in call_ids]

    async def past_attempts(self, after: str, since: datetime, limit: int) -> list[AttemptRecord]:
        if self.away:
            raise Unavailable("away")
        found = sorted((r for r in self.records if r.call_id > after), key=lambda r: r.call_id)
        return found[:1]  # so short a page that paging is seen to work

    async def past_inbound(self, after: str, since: datetime, limit: int) -> list[InboundRecord]:
        return [record for record in self.inbound if record.call_id > after][:1]

    async def prior_events(self, after: int, limit: int) -> list[tuple[int, Happening]]:
        return [event for event in self.prior if event[0] > after][:1]


class Archive:
    def __init__(self) -> None:
        self.past = PaperPast()
        self.ledger = PaperLedger(complete=False)
        self.part = Part("ledger")
        self.restorer = Restorer(HandClock(), self.ledger, self.past, self.part, a_counsel(self.ledger))

    def count(self, kind: Kind, key: str) -> int:
        return len(self.ledger.events[kind, key])


@pytest.fixture
def archive() -> Archive:
    return Archive()


def ended(call_id: str, outcome: Outcome | None, phone: str = "+5491155500001") -> AttemptRecord:
    return a_record(call_id=call_id, phone=phone, debtor_id=1, outcome=outcome, ended_at=NOON)


async def test_a_lost_ledger_is_written_again_from_the_books(archive: Archive):
    archive.past.records = [ended("t1", Outcome.NO_ANSWER), ended("t2", None), ended("t3", Outcome.INVALID)]
    archive.past.inbound = [
        InboundRecord(
            call_id="i1",
            node="a1",
            phone="+5491155500001",
            dialled="+54",
            debtor_id=1,
            accounts=(9,),
            arrived_at=NOON,
            bridged_at=NOON,
            ended_at=NOON,
        )
    ]
    await archive.restorer.look_after()
    assert archive.count(Kind.ATTEMPT, phone_key("+5491155500001")) == 2
    assert archive.count(Kind.CONVERSATION, "debt:9") == 1
    assert archive.ledger.complete
    assert archive.part.ok


async def test_while_the_books_are_away_nobody_may_be_called(archive: Archive):
    archive.past.away = True
    with pytest.raises(Unavailable):
        await archive.restorer.look_after()
    assert not archive.part.ok


async def test_a_complete_ledger_is_left_alone(archive: Archive):
    archive.ledger.complete = True
    await archive.restorer.look_after()
    assert archive.ledger.rebuilds == 0


async def test_what_others_did_is_counted_once_and_as_it_comes(archive: Archive):
    archive.past.prior = [(1, Happening(Kind.CONTACT, "person:1", NOON, "prior-1"))]
    await archive.restorer.look_after()
    archive.past.prior.append((2, Happening(Kind.CONTACT, "person:1", NOON, "prior-2")))
    await archive.restorer.look_after()
    assert (archive.count(Kind.CONTACT, "person:1"), archive.ledger.prior) == (2, 2)


async def test_a_redis_lost_during_the_rebuild_is_rebuilt_again(archive: Archive):
    async def lost(generation: str) -> bool:
        return False

    kept, archive.ledger.mark_ready = archive.ledger.mark_ready, lost  # type: ignore[method-assign]
    await archive.restorer.look_after()
    assert not archive.part.ok
    archive.ledger.mark_ready = kept  # type: ignore[method-assign]
    await archive.restorer.look_after()
    assert archive.part.ok


async def test_a_lease_that_ran_out_is_counted_as_the_books_say(archive: Archive):
    archive.past.records = [ended(a_lead(1).call_id, Outcome.ANSWERED), ended(a_lead(2).call_id, None)]
    await archive.restorer.account_for([a_lead(number).call_id for number in (1, 2, 3)])
    assert archive.ledger.settled == [a_lead(1).call_id]
    assert archive.ledger.withdrawn == [a_lead(3).call_id]
