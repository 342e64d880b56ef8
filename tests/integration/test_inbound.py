"""The debtor calls back: a known number reaches a familiar voice, a stranger the message; never an attempt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.asterisk import CALLER_ID
from tests.lab.callers import Caller
from tests.lab.centre import Centre, centre
from tests.lab.processes import eventually
from tests.lab.witness import Line, Row, numbers

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(120)]

DEBTOR, NEGLECTED = numbers(60, [201, 486])
"""One who spoke with an agent; one on the list of a campaign where nobody is ready."""

STRANGER = "+5491155557777"


@dataclass(frozen=True, slots=True)
class CallsBack:
    """Three calls to our caller id, each as the caller and the books saw it, and the reports before and after."""

    at: Centre
    seen: dict[str, list[str]]
    told: dict[str, Row]
    routed: Line
    spoke_first: str
    attempts_before: list[Row]
    attempts_after: list[Row]


@pytest.fixture(scope="module")
def back(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CallsBack]:
    work = tmp_path_factory.mktemp("inbound")
    with centre(lab_root, work, softphones=2, talk_s=1.5, tables={"agents": {"wrap_up_s": 0.2}}) as at:
        yield _call_back(at)


def _call_back(at: Centre) -> CallsBack:
    """Ana has been idle for longer, but it was Berta who spoke with the debtor."""
    at.campaign([("deudora", DEBTOR, "alta")], name="mora")
    at.campaign([("olvidado", NEGLECTED, "alta")], name="vacia")
    for place, name in enumerate(("ana", "berta")):
        at.hire(name, place)
    at.seat("berta", "mora")
    at.witness.ended("mora", 1)
    eventually(lambda: _settled(at), "wrap-up and recording are in the books", 10)
    at.seat("ana", "mora")
    before = at.witness.attempts("mora") + at.witness.attempts("vacia")
    at.witness.order("agent.pause", agent="berta", reason="un momento")
    at.witness.order("agent.ready", agent="berta")  # so that Ana has been idle for longer
    callers = {name: Caller(at.lab, at.work / name, CALLER_ID, name, stay_s=stay) for name, stay in CALLERS.items()}
    seen = {name: caller.ended(40) for name, caller in callers.items()}
    told = {name: _told(at, name) for name in CALLERS}
    after = at.witness.attempts("mora") + at.witness.attempts("vacia")
    return CallsBack(at, seen, told, at.witness.hears("routed", inbound=True), "berta", before, after)


def _settled(at: Centre) -> bool:
    row = at.witness.attempt("mora", DEBTOR)
    return bool(row["wrap_ended_at"] and row["recording"])


CALLERS = {DEBTOR: 3.0, NEGLECTED: 40.0, STRANGER: 40.0}


def _told(at: Centre, phone: str) -> Row:
    query = "SELECT * FROM inbound_calls WHERE phone = ? AND ended_at IS NOT NULL"
    return eventually(lambda: at.witness.rows(query, phone), f"the call of {phone} in the books", 10)[0]


class TestKnownDebtor:
    def test_the_call_reaches_the_agent_who_last_spoke(self, back: CallsBack) -> None:
        call = back.told[DEBTOR]
        assert (call["result"], call["agent"]) == ("joined", back.spoke_first)
        assert (back.routed["call_id"], back.routed["agent"]) == (call["call_id"], back.spoke_first)

    def test_the_debtor_and_the_campaign_are_known(self, back: CallsBack) -> None:
        (known,) = back.at.witness.rows(
            "SELECT d.external_id, c.name FROM inbound_calls i JOIN debtors d ON d.id = i.debtor_id "
            "JOIN campaigns c ON c.id = i.campaign_id WHERE i.call_id = ?",
            back.told[DEBTOR]["call_id"],
        )
        assert known == {"external_id": "deudora", "name": "mora"}

    def test_the_conversation_lasts_until_the_debtor_hangs_up(self, back: CallsBack) -> None:
        assert back.seen[DEBTOR] == ["ANSWERED", "BYE", "END"]

    def test_the_agent_writes_up_and_is_ready_again(self, back: CallsBack) -> None:
        states = [line["state"] for line in back.at.witness.said("agent", agent="berta")]
        assert states[-5:] == ["ready", "reserved", "talking", "wrap_up", "ready"]

    def test_the_conversation_is_recorded(self, back: CallsBack) -> None:
        query = "SELECT state, path FROM recordings WHERE call_id = ?"
        call_id = back.told[DEBTOR]["call_id"]
        (kept,) = eventually(lambda: back.at.witness.rows(query, call_id), "the recording is kept", 10)
        assert kept["state"] == "stored"
        assert Path(kept["path"]).stem == call_id


class TestNobodyForThem:
    @pytest.mark.parametrize("phone", [STRANGER, NEGLECTED])
    def test_they_hear_the_message_and_we_hang_up(self, back: CallsBack, phone: str) -> None:
        assert back.told[phone]["result"] == "message"
        assert back.seen[phone] == ["ANSWERED", "BYED", "END"]

    def test_a_stranger_stays_a_stranger(self, back: CallsBack) -> None:
        call = back.told[STRANGER]
        assert (call["debtor_id"], call["campaign_id"], call["agent"]) == (None, None, None)


class TestNeverAnAttempt:
    def test_calls_to_us_leave_the_attempts_as_they_were(self, back: CallsBack) -> None:
        assert back.attempts_after == back.attempts_before

    def test_they_use_up_no_try_of_the_day(self, back: CallsBack) -> None:
        rows = back.at.witness.rows("SELECT phone, tries FROM phone_days ORDER BY phone")
        assert rows == [{"phone": DEBTOR, "tries": 1}]

    def test_they_are_no_abandoned_calls(self, back: CallsBack) -> None:
        report = back.at.service.report("abandonment")
        assert [(row["campaign"], row["live_answers"], row["abandoned"]) for row in report] == [("mora", 1, 0)]
