"""How the rules see a call: the same for whoever calls and whoever explains."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns.compliance import Library, Terms
from campaigns.standpoint import judged, least_overdue, subject_of, subject_of_call, terms_of
from tests.unit.engine.desk import NOON, a_campaign, a_lead
from tests.unit.script import a_record


def test_all_that_is_known_of_a_lead_reaches_the_rules():
    lead = replace(a_lead(1, place=("CL", "CL-RM", "Santiago", "third")), phone_kind="work", days_overdue=12)
    subject = subject_of(lead, "AR")
    assert (subject.country, subject.subdivision, subject.locality, subject.party) == lead.place
    assert (subject.phone_kind, subject.days_overdue, subject.consent) == ("work", 12, None)


def test_a_debtor_without_an_address_lives_in_the_country_of_the_campaign():
    assert subject_of(a_lead(1), "AR").country == subject_of_call(a_record(), "AR").country == "AR"


def test_a_debtor_who_asked_to_be_called_is_heard_until_it_expires():
    lead = replace(a_lead(1), asked_at=NOON, asked_until_at=NOON + timedelta(days=1))
    consent = subject_of(lead, "AR").consent
    assert consent is not None
    assert (consent.given_at, consent.until, consent.phone) == (NOON, NOON + timedelta(days=1), lead.phone)
    assert subject_of(replace(lead, asked_until_at=None), "AR").consent is None


@pytest.mark.parametrize(
    ("about", "days"), [((), None), ((1,), 30), ((1, 2), 10), ((3,), None), ((1, 3), None), ((9,), None)]
)
def test_the_least_overdue_debt_counts_and_one_unknown_makes_all_unknown(about: tuple[int, ...], days: int | None):
    assert least_overdue([(1, 30), (2, 10), (3, None)], about) == days


def test_a_segment_that_is_gone_brings_nothing_of_its_own():
    assert terms_of(a_campaign(), "gone", NOON).hours == terms_of(a_campaign(), "gone too", None).hours


def test_a_number_that_may_not_hear_the_message_waits_for_an_agent_for_good():
    subject = replace(subject_of(a_lead(1), "US"), phone="+12125550123", subdivision="US-NY", stated_zone="")
    position = Library.shipped().position(subject, Terms(), NOON)
    judgement = judged(position, subject, NOON, 47, ())
    assert "agent_not_reserved" in [refusal.rule for refusal in judgement.refusals]
    assert judgement.until is None
