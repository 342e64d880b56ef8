"""Counts of an import go on where an earlier try of it ended."""

from __future__ import annotations

from collections import Counter

from campaigns.imports.planning import Chunk
from campaigns.imports.tally import Tally

CHUNK = Chunk(
    new=Counter(leads=2, debtors=0),
    changed=Counter(accounts=1),
    segments=Counter(late=2, early=-1),
    repairs=Counter({"00 for +": 1}),
    imported=3,
)


def test_a_chunk_is_added_to_what_was_counted_before():
    tally = Tally({"new": {"leads": 5}, "segments": {"early": 5}, "imported": 6}).add(CHUNK)
    assert tally.counts() == {
        "new": {"leads": 7},
        "changed": {"accounts": 1},
        "segments": {"early": 4, "late": 2},
        "repairs": {"00 for +": 1},
        "imported": 9,
    }


def test_who_is_taken_from_a_segment_before_anybody_was_counted_there_is_owed_to_it():
    tally = Tally({}).add(CHUNK)
    assert Tally(tally.counts()).add(Chunk(segments=Counter(early=1))).segments == {"early": 0, "late": 2}


def test_counts_are_the_tally_s_own():
    tally = Tally({"new": {"leads": 1}})
    Tally(tally.counts()).add(CHUNK)
    assert tally.counts()["new"] == {"leads": 1}
