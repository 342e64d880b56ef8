"""The lawyer: whoever may not be called is refused with a reason, and every call finds its room counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from campaigns.compliance import Judgement, Kind, Library, Limit, phone_key
from campaigns.standpoint import subject_of
from dialer.engine.counsel import Cleared, Client, Counsel, rule_label
from dialer.engine.keeper import Part
from dialer.types import InboundRecord, Outcome, QueuedLead, Unavailable
from tests.unit.engine.counter import PaperLedger, a_counsel
from tests.unit.engine.desk import NOON, a_campaign, a_lead
from tests.unit.script import a_record

DEMO = Client(a_campaign())


class Bar:
    """A lawyer, his ledger, and what he says of the ledger's health."""

    def __init__(self, *, complete: bool = True) -> None:
        self.ledger = PaperLedger(complete=complete)
        self.part = Part("ledger")
        self.counsel: Counsel = a_counsel(self.ledger, self.part)


async def answer(counsel: Counsel, client: Client, lead: QueuedLead, at: datetime) -> Cleared:
    (found,) = await counsel.clear([(client, lead)], at)
    return found


async def cleared(bar: Bar, client: Client, lead: QueuedLead, at: datetime) -> Judgement:
    return (await answer(bar.counsel, client, lead, at)).judgement


@pytest.fixture
def bar() -> Bar:
    return Bar()


async def test_a_cleared_call_has_its_room_at_phone_person_and_debts(bar: Bar):
    lead = a_lead(1, accounts=(7, 8))
    judgement = await cleared(bar, DEMO, lead, NOON)
    assert judgement.allowed
    assert bar.ledger.reserved[lead.call_id] == (phone_key(lead.phone), "person:1", "debt:7", "debt:8")


async def test_the_eleventh_try_of_a_day_is_refused_until_the_next(bar: Bar):
    for number in range(10):
        lead = replace(a_lead(1), call_id=f"t{number}")
        assert (await cleared(bar, DEMO, lead, NOON + timedelta(minutes=number))).allowed
    judgement = await cleared(bar, DEMO, a_lead(1), NOON + timedelta(hours=1))
    assert [refusal.rule for refusal in judgement.refusals] == ["demo.attempt.phone.calendar:1d"]
    assert judgement.until == (NOON + timedelta(days=1)).replace(hour=11)  # eight in Buenos Aires
    assert a_lead(1).call_id not in bar.ledger.reserved


async def test_whoever_sleeps_is_not_counted(bar: Bar):
    judgement = await cleared(bar, DEMO, a_lead(1), NOON - timedelta(hours=3))
    assert [refusal.rule for refusal in judgement.refusals] == ["outside_window"]
    assert bar.ledger.reserved == {}


async def test_a_ledger_that_does_not_know_the_past_stops_all_calls():
    bar = Bar(complete=False)
    with pytest.raises(Unavailable, match="counters"):
        await answer(bar.counsel, DEMO, a_lead(1), NOON)
    assert not bar.part.ok


async def test_leads_are_judged_in_their_order_and_reserve_nothing(bar: Bar):
    for number in range(10):
        await answer(bar.counsel, DEMO, replace(a_lead(2), call_id=f"t{number}"), NOON)
    leads = [a_lead(1), a_lead(2), a_lead(3, time_zone="Nowhere/At_All"), a_lead(4)]
    judged = await bar.counsel.sift(DEMO, leads, NOON)
    assert [j.allowed for j in judged] == [True, False, False, True]
    assert [j.refusals[0].rule for j in judged if not j.allowed] == ["demo.attempt.phone.calendar:1d", "unknown_zone"]
    assert len(bar.ledger.reserved) == 10


async def test_the_real_rules_hold_without_the_demo(bar: Bar):
    client = Client(a_campaign(profile="", windows=()))
    judgement = await cleared(bar, client, a_lead(1), NOON - timedelta(hours=1))
    assert judgement.refusals[0].rule == "outside_window"
    assert {bound.id for bound in judgement.bound} >= {"base", "ar"}


async def test_the_hours_of_a_segment_bind_its_leads_only(bar: Bar):
    segments = ({"name": "s1", "windows": ("mon-fri 15:00-16:00",)}, {"name": "s2"})
    client = Client(a_campaign(segments=segments))
    judged = await bar.counsel.sift(client, [a_lead(1), a_lead(2, segment="s2")], NOON)
    assert [j.allowed for j in judged] == [False, True]


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        (Outcome.ANSWERED, True),
        (Outcome.NO_ANSWER, True),
        (Outcome.UNKNOWN, True),
        (Outcome.INVALID, False),
        (Outcome.FAILED, False),
        (Outcome.BUSY, False),
    ],
)
async def test_room_is_given_back_for_excluded_outcomes_only(bar: Bar, outcome: Outcome, kept: bool):
    lead = a_lead(1)
    await answer(bar.counsel, DEMO, lead, NOON)
    ended = a_record(call_id=lead.call_id, phone=lead.phone, debtor_id=1, outcome=outcome)
    await bar.counsel.settle([(lead.call_id, ended)])
    assert (lead.call_id in bar.ledger.events[Kind.ATTEMPT, phone_key(lead.phone)]) is kept


async def test_calls_of_one_moment_count_each_other_and_each_is_answered_in_its_place(bar: Bar):
    same = [replace(a_lead(2), call_id=f"t{number}") for number in range(11)]
    asleep = a_lead(3, time_zone="Nowhere/At_All")
    answers = await bar.counsel.clear([(DEMO, lead) for lead in (a_lead(1), asleep, *same)], NOON)
    assert [found.judgement.allowed for found in answers] == [True, False, *[True] * 10, False]
    assert [found.evidence.facts["counters"][0][3] for found in answers[2:]] == list(range(11))
    assert answers[-1].judgement.refusals[0].rule == "demo.attempt.phone.calendar:1d"


async def test_an_abandoned_person_is_left_in_peace_for_three_days(bar: Bar):
    lead = a_lead(1)
    heard = {"phone": lead.phone, "debtor_id": 1, "answered_at": NOON, "ended_at": NOON}
    await bar.counsel.settle([("t0", a_record(call_id="t0", outcome=Outcome.ABANDONED, **heard))])
    judgement = await cleared(bar, DEMO, lead, NOON + timedelta(hours=71))
    assert judgement.refusals[0].rule == "demo.abandoned.phone.rolling:72h"
    assert judgement.until == NOON + timedelta(hours=72)
    assert (await cleared(bar, DEMO, lead, NOON + timedelta(hours=72, seconds=1))).allowed


async def test_a_debtor_without_an_address_lives_in_the_country_of_the_campaign():
    assert subject_of(a_lead(1), "AR").country == "AR"
    assert subject_of(a_lead(1, place=("CL", "CL-RM", "Santiago", "third")), "AR").party == "third"


def test_rules_of_a_house_share_one_label():
    labels = [rule_label(rule) for rule in ("base.attempt.phone.rolling:1h", "CO-02", "in_call", "our-own-7")]
    assert labels == ["base.attempt.phone.rolling:1h", "CO-02", "in_call", "other"]


async def test_the_audit_finds_rules_counters_and_versions(bar: Bar):
    cleared = await answer(bar.counsel, DEMO, a_lead(1), NOON)
    facts = cleared.evidence.facts
    assert cleared.evidence.law.hash == cleared.judgement.rulebook
    assert {"zones", "counters", "profiles", "versions"} <= facts.keys()
    assert {"tzdata", "holidays", "phonenumbers"} == set(facts["versions"])
    assert "wrong_number" in cleared.lists


async def test_a_number_that_may_not_hear_the_message_is_not_called_by_a_dialer_that_may_abandon(bar: Bar):
    client = Client(a_campaign(profile="", windows=(), country="US"))
    place = ("US", "US-TX", "Dallas", "first")
    lead = a_lead(1, phone="+12145550123", time_zone="America/Chicago", place=place)
    judgement = await cleared(bar, client, lead, NOON + timedelta(hours=4))
    assert [refusal.rule for refusal in judgement.refusals] == ["agent_not_reserved"]


async def test_who_called_us_and_spoke_is_not_called_about_that_debt_soon(bar: Bar):
    rang = InboundRecord(call_id="i2", node="a1", phone="+12145550123", dialled="+1", arrived_at=NOON)
    unheard = replace(rang, debtor_id=1, accounts=(8,), ended_at=NOON)
    spoke = replace(unheard, call_id="i1", accounts=(9,), bridged_at=NOON)
    await bar.counsel.heard([spoke, unheard])
    await bar.counsel.heard([spoke])
    assert list(bar.ledger.events[Kind.CONVERSATION, "debt:9"]) == ["i1"]
    assert not bar.ledger.events[Kind.CONVERSATION, "debt:8"]


async def test_the_audit_keeps_the_rules_that_judged_though_the_house_changes_them_meanwhile():
    shipped = Library.shipped()
    text = "schema = 1\n[demo]\nversion = 'house'\nwindows = ['mon-fri 07:15-20:45']\ntz = {evidence = ['address']}"
    books = [shipped.with_house({"house.toml": text}), shipped]

    class SlowLedger(PaperLedger):
        async def reserve(self, call_id: str, at: datetime, keys: Sequence[str], limits: Sequence[Limit]):
            books.reverse()
            return await super().reserve(call_id, at, keys, limits)

    counsel = Counsel(lambda: books[-1], SlowLedger(), Part("ledger"), 47.0)
    kept = [(await answer(counsel, DEMO, a_lead(number), NOON)).evidence for number in (1, 2)]
    before, after = (evidence.law.content["profiles"] for evidence in kept)
    assert [evidence.facts["profiles"] for evidence in kept] == [
        [[rules["id"], rules["version"], rules["hash"]] for rules in law] for law in (before, after)
    ]
    assert [rules["version"] for rules in after if rules["id"] == "demo"] == ["house"]
    assert "07:15-20:45" in str(after)
    assert "07:15-20:45" not in str(before)
