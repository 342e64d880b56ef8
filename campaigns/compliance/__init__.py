"""Who may be called when, by which rule, and when next: pure, every instant an argument; whatever is unknown means no.

A `Library` of profiles says where a debtor stands (`position`), `limits` what the ledger must count, `judge` the
answer with every reason, `happenings` what an ended call leaves. docs/compliance.md tells it in words.
"""

from __future__ import annotations

from campaigns.compliance.counting import keys, limits
from campaigns.compliance.fitness import Setup, caller_id_refusals, misfits, needs_reserved_agent
from campaigns.compliance.happenings import Ended, counts_as_attempt, happenings, inbound_happenings
from campaigns.compliance.judgement import Judgement, judge
from campaigns.compliance.library import Library, Position
from campaigns.compliance.limits import (
    Happening,
    Kind,
    Limit,
    Tally,
    debt_key,
    other_channels_key,
    person_key,
    phone_key,
)
from campaigns.compliance.matching import Place
from campaigns.compliance.number_blocks import alike
from campaigns.compliance.periods import ends, frees_at, since
from campaigns.compliance.rulebook import Bound, Facts, Rulebook
from campaigns.compliance.schema import Profile, parse_profiles
from campaigns.compliance.subject import Consent, Subject, Terms
from campaigns.compliance.timetable import Timetable
from campaigns.compliance.versions import library_versions
from campaigns.compliance.windows import GUARD_S, day_ends, local_day, may_dial, zone_of
from campaigns.compliance.zones import candidate_zones, phone_country, phone_zones

__all__ = [
    "GUARD_S",
    "Bound",
    "Consent",
    "Ended",
    "Facts",
    "Happening",
    "Judgement",
    "Kind",
    "Library",
    "Limit",
    "Place",
    "Position",
    "Profile",
    "Rulebook",
    "Setup",
    "Subject",
    "Tally",
    "Terms",
    "Timetable",
    "alike",
    "caller_id_refusals",
    "candidate_zones",
    "counts_as_attempt",
    "day_ends",
    "debt_key",
    "ends",
    "frees_at",
    "happenings",
    "inbound_happenings",
    "judge",
    "keys",
    "library_versions",
    "limits",
    "local_day",
    "may_dial",
    "misfits",
    "needs_reserved_agent",
    "other_channels_key",
    "parse_profiles",
    "person_key",
    "phone_country",
    "phone_key",
    "phone_zones",
    "since",
    "zone_of",
]
