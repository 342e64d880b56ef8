"""A limit counts up to a number, and no further."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.compliance import Kind, Limit, Tally, debt_key, person_key, phone_key

SEVEN = Limit("US-03", Kind.ATTEMPT, debt_key(4), datetime(2026, 6, 1, tzinfo=UTC), 7, "days:7")


@pytest.mark.parametrize(("count", "full"), [(0, False), (6, False), (7, True), (8, True)])
def test_the_eighth_call_is_one_too_many(count: int, full: bool) -> None:
    assert Tally(SEVEN, count).full is full


def test_keys_say_what_they_are_of() -> None:
    assert (phone_key("+573001234567"), person_key(7), debt_key(9)) == ("phone:+573001234567", "person:7", "debt:9")
