"""A lead comes back from its record as it went in, whatever is in it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.queues.record import leads_of, rank, record
from dialer.types import InputError, QueuedLead

from .conftest import a_lead

words = st.text(max_size=12)
plain = st.text(st.characters(exclude_characters="\t\n", exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(0, 2**53)
leads = st.builds(
    QueuedLead,
    lead_id=numbers,
    debtor_id=numbers,
    debtor=words,
    campaign_id=numbers,
    segment=plain,
    phone_id=numbers,
    phone=plain,
    time_zone=words,
    language=words,
    try_no=numbers,
    call_id=plain,
    due_at=st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    last_agent=st.none() | words,
    priority=st.integers(-40_000, 40_000),
    accounts=st.lists(numbers, max_size=3).map(tuple),
    place=st.lists(words, max_size=4).map(tuple),
)


@given(st.lists(leads, max_size=4))
def test_every_lead_comes_back_as_it_went_in(several: list[QueuedLead]) -> None:
    assert leads_of([record("march", lead) for lead in several]) == several


def test_a_record_is_one_line() -> None:
    assert "\n" not in record("march", a_lead(1, debtor="two\nlines\tand a tab"))


def test_a_lead_that_an_older_version_kept_comes_back() -> None:
    lead = a_lead(1, due_at=datetime(2026, 3, 3, 9, tzinfo=timezone(timedelta(hours=-3))))
    assert leads_of([f"early\t1.0\t1\t{lead.phone}\t{lead.call_id}\tmarch\t{lead.to_json()}"]) == [lead]


def test_a_part_that_would_break_the_line_is_refused() -> None:
    with pytest.raises(InputError, match="tab"):
        record("mar\tch", a_lead(1))


def test_a_step_of_priority_outweighs_any_due_time() -> None:
    late = a_lead(1, due_at=datetime(2200, 1, 1, tzinfo=UTC), priority=1)
    assert rank(late) < rank(a_lead(2, due_at=datetime(1971, 1, 1, tzinfo=UTC)))
