"""Every row of docs/outcomes.md that a carrier can say, on a real Asterisk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.outcomes import outcome_of_refusal
from dialer.types import Outcome
from tests.lab.asterisk import CALLER_ID, AsteriskLab
from tests.lab.carrier import REFUSALS, Carrier
from tests.lab.floor import Floor
from tests.lab.sounds import own_prompts

pytestmark = pytest.mark.asterisk

ROWS = {
    **dict.fromkeys((486, 600), Outcome.BUSY),
    **dict.fromkeys((408, 480), Outcome.NO_ANSWER),
    603: Outcome.REJECTED,
    **dict.fromkeys((401, 403), Outcome.FAILED),
    **dict.fromkeys((404, 604, 485, 410, 484, 420), Outcome.INVALID),
    **dict.fromkeys((503, 599, 500, 502, 504), Outcome.CONGESTION),
    **dict.fromkeys((487, 405, 481, 488, 606, 501, 505), Outcome.FAILED),
}


@pytest.fixture(scope="module")
def carrier(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AsteriskLab, Carrier]]:
    work = tmp_path_factory.mktemp("rows")
    prompts = {"dir": own_prompts(work / "prompts")}
    with (
        AsteriskLab(lab_root, work / "home", softphones=0, prompts=prompts) as lab,
        Carrier(work, lab.carrier_port, media=False) as carrier,
    ):
        yield lab, carrier


@pytest.fixture
def floor(carrier: tuple[AsteriskLab, Carrier]) -> Iterator[Floor]:
    with Floor(carrier[0]) as floor:
        # A 401 without credentials of ours is told in the log.
        floor.noise += ["res_pjsip_outbound_authenticator_digest", "no auth ids", "outbound authentication"]
        yield floor


def test_every_status_the_carrier_knows_has_its_row() -> None:
    assert set(REFUSALS) == set(ROWS)


@pytest.mark.parametrize("status", sorted(ROWS))
def test_a_refusal_becomes_the_outcome_of_its_row(floor: Floor, status: int) -> None:
    call = floor.call(str(status))
    end = floor.gone(call)
    assert outcome_of_refusal(int(end["Cause"]), end.get("TechCause")) is ROWS[status], (end["Cause"], end)


def test_a_phone_that_rings_until_our_time_is_over_was_not_answered(floor: Floor) -> None:
    call = floor.call("180", timeout_ms=1500)
    end = floor.gone(call)
    assert outcome_of_refusal(int(end["Cause"]), end.get("TechCause")) is Outcome.NO_ANSWER


def test_a_carrier_that_says_nothing_was_not_answered(floor: Floor) -> None:
    call = floor.call("000", timeout_ms=1500)
    end = floor.gone(call)
    assert outcome_of_refusal(int(end["Cause"]), end.get("TechCause")) is Outcome.NO_ANSWER


def test_the_caller_id_is_shown_and_each_call_is_one_invite(floor: Floor, carrier: tuple[AsteriskLab, Carrier]) -> None:
    call = floor.call("486")
    floor.gone(call)
    calls = [call for call in carrier[1].calls() if call.what == "INVITE"]
    assert {call.caller for call in calls} == {CALLER_ID}
    assert len(calls) == len({call.sip_call_id for call in calls})
