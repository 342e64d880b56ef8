"""The demo's list: valid numbers, nobody twice, three segments, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import phonenumbers

from campaigns.lists.columns import understood
from campaigns.lists.mapping import Mapping
from dialer.demo.people import SEGMENTS, as_list, debtors

FIVE_HUNDRED = list(debtors(500, seed=7))


def test_every_number_is_a_valid_argentine_one():
    parsed = [phonenumbers.parse(person.phone) for person in FIVE_HUNDRED]
    assert all(phonenumbers.is_valid_number(number) and number.country_code == 54 for number in parsed)


def test_nobody_is_there_twice():
    assert len({person.phone for person in FIVE_HUNDRED}) == len({person.debtor for person in FIVE_HUNDRED}) == 500


def test_the_segments_have_their_shares():
    counts = Counter(person.segment for person in FIVE_HUNDRED)
    assert set(counts) == set(SEGMENTS)
    assert all(abs(counts[name] / 500 - share) < 0.1 for name, (share, _, _) in SEGMENTS.items())


def test_the_same_seed_gives_the_same_people():
    assert list(debtors(20, seed=7)) == FIVE_HUNDRED[:20]
    assert list(debtors(20, seed=8)) != FIVE_HUNDRED[:20]


def test_the_list_is_one_the_importer_reads():
    header, *rows = as_list(FIVE_HUNDRED).splitlines()
    columns = understood(header.split(","), Mapping(), "AR")
    assert {"debtor", "name", "segment"} <= set(columns.at)
    assert columns.phones
    assert len(rows) == 500
