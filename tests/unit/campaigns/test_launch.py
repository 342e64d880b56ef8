"""What stops a launch and what is only a warning, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest

from campaigns.compliance import Library, Place, Rulebook
from campaigns.do_not_call import Edition
from campaigns.explanations import Dialable
from campaigns.launch import (
    Finding,
    Level,
    NodeFacts,
    Worker,
    of_agents,
    of_leads,
    of_lines,
    of_lists,
    of_messages,
    of_rules,
    of_segments,
    of_standing,
)
from dialer.config import CampaignConfig, Config, TrunkConfig
from dialer.types import Refused

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)
CAMPAIGN = CampaignConfig.model_validate(
    {
        "name": "spring",
        "country": "ES",
        "trunks": ["main", "spare"],
        "segments": [{"name": "early", "skills": {"mora": 3}}, {"name": "late"}],
    }
)
CONFIG = Config.model_validate(
    {
        "nodes": [{"name": "north", "recordings_dir": "/a", "evidence_file": "/b"}],
        "trunks": [{"name": name, "node": "north", "host": "h", "caller_id": "+34910000000"} for name in ("main", "x")],
    }
)


def told(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    found = list(findings)
    assert all(finding.detail and finding.remedy for finding in found), found
    return [(finding.level.value, finding.rule) for finding in found]


def rulebook(country: str) -> Rulebook:
    book = Library.shipped().rulebook(Place(country=country, phone_country=country), date(2026, 6, 2))
    assert isinstance(book, Rulebook)
    return book


def counted(now: int = 0, moments: tuple[tuple[datetime, int], ...] = (), **refused: int) -> Dialable:
    return Dialable("spring", NOW, now, refused, {}, moments, {})


@pytest.mark.parametrize("rule", ["no_history", "unapproved_profile", "demo_profile"])
def test_what_forbids_the_campaign_stops_it_with_a_remedy(rule: str):
    assert told(of_standing("spring", [Refused(rule, "said so")])) == [("refused", rule)]


def test_an_empty_list_and_one_nobody_may_ever_call_stop_a_launch():
    assert told(of_leads("spring", counted(), NOW)) == [("refused", "no_leads")]
    assert told(of_leads("spring", counted(suppressed=124), NOW)) == [("refused", "no_dialable_lead")]


def test_a_list_that_sleeps_may_be_launched_and_begins_by_itself():
    (finding,) = of_leads("spring", counted(moments=((NOW + timedelta(hours=1), 124),), outside_window=124), NOW)
    assert (finding.level, finding.rule) == (Level.WARNING, "nobody_yet")
    assert "outside_window 124" in finding.detail
    assert "124 from 2026-06-02T16:00" in finding.remedy
    assert told(of_leads("spring", counted(now=1, outside_window=124), NOW)) == []


def test_agents_must_speak_the_language_and_have_every_skill():
    eva = Worker("eva", {"mora": 3}, frozenset({"es"}), logged_in=True)
    leo = Worker("leo", {"mora": 2}, frozenset({"es"}), logged_in=True)
    john = Worker("john", {"mora": 5}, frozenset({"en"}))
    both = {"early": 5, "late": 5}
    assert told(of_agents(CAMPAIGN, both, [eva])) == []
    assert told(of_agents(CAMPAIGN, both, [leo])) == [("warning", "no_agent")]
    assert told(of_agents(CAMPAIGN, {"early": 5}, [leo])) == [("refused", "no_agent")]
    assert told(of_agents(CAMPAIGN, both, [john])) == [("refused", "no_agent")] * 2 + [("warning", "nobody_logged_in")]
    assert told(of_agents(CAMPAIGN, both, [])) == [("refused", "no_agent")] * 2


def test_a_segment_of_the_file_without_leads_is_told():
    assert told(of_segments(CAMPAIGN, {"early": 1})) == [("warning", "empty_segment")]
    assert told(of_segments(CAMPAIGN, {"early": 1, "late": 1})) == []


def test_without_any_line_nobody_is_called_and_with_one_it_is_a_warning():
    north = NodeFacts("north")
    assert told(of_lines(CAMPAIGN, CONFIG, {"north": north})) == [("warning", "trunk_away")]  # `spare` is unknown
    away = NodeFacts("north", away="no answer")
    assert told(of_lines(CAMPAIGN, CONFIG, {"north": away})) == [("refused", "no_trunk")] * 2
    lost = NodeFacts("north", lost_trunks=frozenset({"main"}))
    assert told(of_lines(CAMPAIGN, CONFIG, {"north": lost})) == [("refused", "no_trunk")] * 2


def test_a_language_without_its_message_stops_a_launch():
    assert told(of_messages([NodeFacts("north", silent=("pt",))])) == [("refused", "no_abandonment_message")]
    assert told(of_messages([NodeFacts("north", unseen=True)])) == [("warning", "message_unseen")]
    assert told(of_messages([NodeFacts("north", simulated=True)])) == []


def trunk(caller_id: str) -> TrunkConfig:
    return CONFIG.trunks[0].model_copy(update={"caller_id": caller_id})


def test_what_the_configuration_does_must_be_allowed():
    assert told(of_rules(CAMPAIGN, CONFIG, [trunk("+34910000000")], [rulebook("ES")])) == []
    assert told(of_rules(CAMPAIGN, CONFIG, [trunk("+34600000000")], [rulebook("ES")])) == [
        ("refused", "caller_id_mobile")
    ]
    silent = CAMPAIGN.model_copy(update={"recording_notice": False})
    assert told(of_rules(silent, CONFIG, [trunk("+34910000000")], [rulebook("ES")])) == [
        ("refused", "recording_notice")
    ]


def test_a_number_must_be_declared_where_the_law_wants_it():
    unknown = told(of_rules(CAMPAIGN, CONFIG, [trunk("+525555555555")], [rulebook("MX")]))
    assert unknown == [("refused", "caller_id_list_unknown")]
    compliance = CONFIG.compliance.model_copy(update={"registered_caller_ids": {"redeco": ("+525555555555",)}})
    declared = CONFIG.model_copy(update={"compliance": compliance})
    assert told(of_rules(CAMPAIGN, declared, [trunk("+525555555555")], [rulebook("MX")])) == []


def test_old_and_missing_do_not_call_lists_are_told_and_our_own_words_are_no_list():
    fresh = [Edition(name, NOW, "ana", "f", 1) for name in ("br_sp_nao_me_ligue", "br_pa")]
    assert told(of_lists([rulebook("BR")], fresh, NOW)) == []
    assert told(of_lists([rulebook("BR")], fresh[:1], NOW + timedelta(days=31))) == [
        ("warning", "list_missing"),
        ("warning", "list_old"),
    ]
    assert told(of_lists([rulebook("CO")], [], NOW)) == []
