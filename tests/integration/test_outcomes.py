"""Every row of the cause table, dialled by a campaign: what the report says is what the carrier did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.carrier import REFUSALS
from tests.lab.centre import Centre, centre
from tests.lab.processes import eventually
from tests.lab.witness import Row, numbers, seconds

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(150)]

RING_S = 15.0
"""Ring timeout of these stories: the least that the configuration allows, and the legal minimum."""

LATE_S = 3.0
"""After so long the carrier says 180 to a number ending in 181."""

AMD_CAP_S = 1.2
AUDIO_FRAME_S = 0.15
"""What the last frame, the event and two clocks may add to the cap."""

ROWS = {
    **dict.fromkeys((486, 600), "busy"),
    **dict.fromkeys((408, 480, 0, 180, 181), "no_answer"),
    603: "rejected",
    **dict.fromkeys((404, 604, 485, 410, 484, 420), "invalid"),
    **dict.fromkeys((500, 502, 503, 504, 599), "congestion"),
    **dict.fromkeys((401, 403, 405, 481, 487, 488, 501, 505, 606), "failed"),
    201: "answered",
}
DETECTED = {202: "machine", 206: "answered", 209: "answered"}
RETRY_M = {"busy": 7, "no_answer": 30, "congestion": 10, "failed": 5, "rejected": 24 * 60}
"""Minutes to the next try: the first two by the campaign file, the others by default."""

TABLE = dict(zip(ROWS, numbers(1, list(ROWS)), strict=True))
MACHINES = dict(zip(DETECTED, numbers(2, list(DETECTED)), strict=True))
SECOND_PHONE = "+541163000486"
"""Of the debtor whose first number, ending in 404, does not exist."""

GHOST = "+541164000201"
FAST = {"mode": "ratio", "lines_per_agent": 10, "max_lines_per_agent": 50}


@dataclass(frozen=True, slots=True)
class Day:
    """What came of a day's dialling: the attempts of three campaigns, by number."""

    at: Centre
    attempts: dict[str, Row]
    invites: Counter[str]


@pytest.fixture(scope="module")
def day(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    work = tmp_path_factory.mktemp("outcomes")
    tables = {"agents": {"wrap_up_s": 0.3}, "dialing": {"ring_timeout_s": RING_S}}
    with centre(lab_root, work, softphones=5, talk_s=1.5, unknown_trunk="ghost", tables=tables) as at:
        expected = _dial(at)
        rows = [row for name, count in expected.items() for row in at.witness.ended(name, count)]
        yield Day(at, {row["phone"]: row for row in rows}, at.carrier.invites())


def _dial(at: Centre) -> dict[str, int]:
    """Dial everything at once; return how many attempts each campaign must come to."""
    leads = [(f"t{tail}", phone, "alta") for tail, phone in TABLE.items()]
    retries = {"busy": {"delay_m": 7}, "no_answer": {"delay_m": 30}}
    at.service.campaign([*leads, ("t404", SECOND_PHONE, "alta")], name="tabla", pacing=FAST, retries=retries)
    at.service.campaign(
        [(f"m{tail}", phone, "alta") for tail, phone in MACHINES.items()], name="contestador", amd=True, pacing=FAST
    )
    at.service.campaign([("g", GHOST, "alta")], name="fantasma", trunks=["ghost"])
    for place, (name, campaign) in enumerate(
        [("ana", "tabla"), ("berta", "tabla"), ("carla", "contestador"), ("dora", "contestador"), ("eva", "fantasma")]
    ):
        at.hire(name, place)
        at.start(campaign)
        at.seat(name, campaign)
    for name in ("carla", "dora"):
        at.witness.agent(name, "talking")
        at.witness.order("agent.hangup", agent=name)
    return {"tabla": len(TABLE) + 1, "contestador": len(MACHINES), "fantasma": 1}


def lead(day: Day, phone: str) -> Row:
    """Return the lead of a number, with its attempt's end."""
    query = """SELECT leads.*, attempts.ended_at, phones.retired_at, phones.retired_reason FROM attempts
        JOIN leads ON leads.id = attempts.lead_id JOIN phones ON phones.id = attempts.phone_id
        WHERE attempts.phone = ?"""
    (found,) = day.at.witness.rows(query, phone)
    return found


def test_the_stories_cover_every_status_the_carrier_knows() -> None:
    assert set(REFUSALS) <= set(ROWS)


class TestTable:
    @pytest.mark.parametrize(("digits", "outcome"), ROWS.items())
    def test_what_the_carrier_did_is_the_outcome(self, day: Day, digits: int, outcome: str) -> None:
        row = day.attempts[TABLE[digits]]
        assert row["outcome"] == outcome, (row["cause"], row["tech_cause"], row["flags"])

    def test_the_report_is_what_the_carrier_logged_number_by_number(self, day: Day) -> None:
        reported = Counter(row["phone"] for row in day.at.service.report("attempts") if row["trunk"] == "carrier")
        assert reported == day.invites

    def test_the_outcomes_report_adds_up(self, day: Day) -> None:
        counted = {row["outcome"]: row["attempts"] for row in day.at.service.report("outcomes", "--campaign", "tabla")}
        expected = Counter(ROWS.values())
        expected["busy"] += 1  # the second phone of the debtor whose first does not exist
        assert counted == expected

    def test_only_the_answered_call_reached_an_agent(self, day: Day) -> None:
        joined = {row["phone"] for row in day.attempts.values() if row["agent"] or row["bridged_at"]}
        assert joined == {TABLE[201], MACHINES[206], MACHINES[209]}

    def test_every_attempt_shows_the_trunks_caller_id(self, day: Day) -> None:
        assert {call.caller for call in day.at.carrier.calls()} == {day.at.service.config.trunks[0].caller_id}


class TestRing:
    def test_an_unanswered_phone_rings_the_legal_minimum(self, day: Day) -> None:
        rang = {call.what: call.at for call in day.at.carrier.calls() if call.number == TABLE[180]}
        assert rang["CANCEL"] - rang["INVITE"] >= RING_S
        assert seconds(day.attempts[TABLE[180]], "ringing_at", "ended_at") == pytest.approx(RING_S, abs=0.7)

    def test_the_ring_is_counted_from_the_180_not_from_the_dialling(self, day: Day) -> None:
        rang = {call.what: call.at for call in day.at.carrier.calls() if call.number == TABLE[181]}
        assert rang["CANCEL"] - rang["INVITE"] >= RING_S + LATE_S
        assert seconds(day.attempts[TABLE[181]], "dialled_at", "ringing_at") == pytest.approx(LATE_S, abs=0.7)

    def test_a_call_that_never_rings_ends_by_the_time_of_setting_up_and_ringing(self, day: Day) -> None:
        silent = day.attempts[TABLE[0]]
        setup_s = day.at.service.config.dialing.setup_s
        assert silent["ringing_at"] is None
        assert seconds(silent, "dialled_at", "ended_at") == pytest.approx(RING_S + setup_s, abs=1.0)

    def test_nobody_was_cut_below_the_minimum(self, day: Day) -> None:
        assert [row["phone"] for row in day.attempts.values() if "cut_below_minimum_ring" in row["flags"]] == []


class TestWhatFollows:
    @pytest.mark.parametrize(
        ("digits", "outcome"), [(tail, name) for tail, name in ROWS.items() if name in RETRY_M], ids=str
    )
    def test_a_row_without_an_agent_is_called_again_by_its_outcomes_rule(
        self, day: Day, digits: int, outcome: str
    ) -> None:
        (found,) = day.at.witness.rows(
            """SELECT leads.state, (julianday(leads.next_try_at) - julianday(attempts.ended_at)) * 1440 AS wait_m
            FROM attempts JOIN leads ON leads.id = attempts.lead_id WHERE attempts.phone = ?""",
            TABLE[digits],
        )
        assert (found["state"], round(found["wait_m"], 2)) == ("open", RETRY_M[outcome])

    @pytest.mark.parametrize("digits", [tail for tail, name in ROWS.items() if name == "invalid"])
    def test_a_number_that_does_not_exist_is_retired(self, day: Day, digits: int) -> None:
        assert lead(day, TABLE[digits])["retired_reason"] == "invalid"

    def test_a_debtor_without_another_number_is_done(self, day: Day) -> None:
        closed = lead(day, TABLE[410])
        assert (closed["state"], closed["reason"]) == ("done", "no_phone")

    def test_a_debtor_with_another_number_is_called_there_at_once(self, day: Day) -> None:
        first, second = day.attempts[TABLE[404]], day.attempts[SECOND_PHONE]
        assert (first["debtor"], first["try_no"], second["try_no"]) == (second["debtor"], 1, 2)
        assert second["outcome"] == "busy"

    def test_a_trunk_that_refuses_us_gives_the_try_back(self, day: Day) -> None:
        (count,) = day.at.witness.rows("SELECT tries FROM phone_days WHERE phone = ?", TABLE[403])
        assert count["tries"] == 0

    def test_a_conversation_ends_the_debtors_part(self, day: Day) -> None:
        assert lead(day, TABLE[201])["state"] == "done"


class TestUnknownTrunk:
    def test_a_trunk_asterisk_does_not_know_is_a_failure_of_ours(self, day: Day) -> None:
        row = day.attempts[GHOST]
        assert (row["outcome"], row["cause"], row["trunk"]) == ("failed", None, "ghost")

    def test_nobody_was_called_and_the_try_is_given_back(self, day: Day) -> None:
        assert day.invites[GHOST] == 0
        assert day.at.witness.rows("SELECT tries FROM phone_days WHERE phone = ?", GHOST) == [{"tries": 0}]

    def test_it_is_tried_again_by_the_rule_of_failures(self, day: Day) -> None:
        assert lead(day, GHOST)["state"] == "open"


class TestDetection:
    def test_a_machine_is_dropped(self, day: Day) -> None:
        machine = day.attempts[MACHINES[202]]
        assert (machine["outcome"], machine["agent"], machine["recording"]) == ("machine", None, None)

    @pytest.mark.parametrize("digits", [206, 209])
    def test_a_person_who_is_silent_or_says_hello_is_joined(self, day: Day, digits: int) -> None:
        person = day.attempts[MACHINES[digits]]
        assert (person["outcome"], person["agent"] in {"carla", "dora"}) == ("answered", True), person["flags"]

    @pytest.mark.parametrize("digits", DETECTED)
    def test_the_verdict_comes_within_its_cap(self, day: Day, digits: int) -> None:
        assert 0 < seconds(day.attempts[MACHINES[digits]], "answered_at", "classified_at") < AMD_CAP_S + AUDIO_FRAME_S

    def test_without_detection_the_answer_is_the_verdict(self, day: Day) -> None:
        person = day.attempts[TABLE[201]]
        assert person["classified_at"] == person["answered_at"]

    def test_a_machine_is_called_again_a_day_later(self, day: Day) -> None:
        assert lead(day, MACHINES[202])["state"] == "open"


def test_asterisk_had_nothing_to_complain_of_but_what_the_stories_asked_for(day: Day) -> None:
    asked_for = ("ghost", "outbound_authenticator", "authentication credentials", "no auth")
    eventually(lambda: day.at.lab.logs() != "", "Asterisk logs")
    assert [line for line in day.at.lab.complaints() if not any(word in line for word in asked_for)] == []
