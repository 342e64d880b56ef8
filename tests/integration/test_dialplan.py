"""The rendered dialplan on a real Asterisk, with sipp as carrier and softphones: every context by its behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.agi.menu import MenuProcess
from dialer.ami.evidence import fold
from tests.lab.asterisk import CALLER_ID, AsteriskLab
from tests.lab.callers import Caller
from tests.lab.carrier import Carrier
from tests.lab.floor import Floor
from tests.lab.processes import eventually
from tests.lab.softphones import Softphones
from tests.lab.sounds import AGENT_HZ, DEBTOR_HZ, PROMPT_HZ, own_prompts, seconds_of, stereo

pytestmark = pytest.mark.asterisk


@pytest.fixture(scope="module")
def lab(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskLab]:
    work = tmp_path_factory.mktemp("dialplan")
    prompts = own_prompts(work / "prompts")
    with (
        AsteriskLab(lab_root, work / "home", softphones=3, prompts={"dir": prompts}) as lab,
        Carrier(work, lab.carrier_port),
        Softphones(lab, work),
    ):
        yield lab


@pytest.fixture
def floor(lab: AsteriskLab) -> Iterator[Floor]:
    with Floor(lab) as floor:
        yield floor


@pytest.fixture
def echoing(lab_root: Path, tmp_path: Path) -> Iterator[Floor]:
    """A floor whose debtors echo: a recording of a channel does not hold what is whispered to it, an echo does."""
    with (
        AsteriskLab(lab_root, tmp_path / "home", prompts={"dir": own_prompts(tmp_path / "prompts")}) as lab,
        Carrier(tmp_path, lab.carrier_port, echo=True),
        Softphones(lab, tmp_path),
        Floor(lab) as floor,
    ):
        yield floor


@pytest.fixture
def menu(lab: AsteriskLab) -> Iterator[None]:
    with MenuProcess(lab.config.menu):
        yield


@pytest.fixture
def no_menu(floor: Floor) -> None:
    """Nobody serves the menu, and Asterisk says so in its log."""
    floor.noise += ["res_agi.c"]


def debtor_hears(file: Path, prompt: str) -> bool:
    """The right channel of a recording is what Asterisk sent to the debtor."""
    return seconds_of(stereo(file)[1], PROMPT_HZ[prompt]) > 0.3


class TestDebtor:
    def test_nobody_comes_within_two_seconds_and_the_message_is_heard(self, floor: Floor, menu: None) -> None:
        call = floor.answered()
        heard = floor.listen(call, "abandoned")
        answered = floor.events.events("DialerAnswered", CallId=call)[0]
        abandoned = floor.events.wait("DialerAbandoned", CallId=call)
        floor.heard(heard, lambda file: debtor_hears(file, "abandon"), "the abandonment message")
        waited = float(abandoned["Timestamp"]) - float(answered["Timestamp"])
        assert 1.9 < waited < 2.5

    def test_the_debtor_who_hangs_up_first_leaves_nothing_behind(self, floor: Floor) -> None:
        call = floor.answered("203")
        assert floor.gone(call)["Cause"] in {"0", "16"}
        assert floor.events.events("DialerAbandoned", CallId=call) == []

    def test_an_answering_machine_is_hung_up_within_the_cap(self, floor: Floor) -> None:
        call = floor.answered("202", DIALER_AMD="1")
        verdict = floor.events.wait("DialerClassified", CallId=call)
        answered = floor.events.events("DialerAnswered", CallId=call)[0]
        floor.gone(call)
        assert verdict["Status"] == "MACHINE", verdict["Reason"]
        assert answered["Amd"] == "1"
        assert float(verdict["Timestamp"]) - float(answered["Timestamp"]) < 1.35

    def test_a_silent_answer_is_not_taken_for_a_machine(self, floor: Floor, no_menu: None) -> None:
        call = floor.answered("206", DIALER_AMD="1")
        verdict = floor.events.wait("DialerClassified", CallId=call)
        assert verdict["Status"] in {"NOTSURE", "HUMAN"}, verdict["Reason"]
        floor.events.wait("DialerAbandoned", CallId=call)


class TestAbandonment:
    def test_a_join_that_comes_too_late_is_refused(self, floor: Floor, no_menu: None) -> None:
        _, channel = floor.agent(1001)
        call = floor.answered()
        heard = floor.listen(call, "refused")
        floor.events.wait("DialerAbandoned", CallId=call)
        floor.join(call, channel)
        refused = floor.events.wait("DialerJoinRefused", CallId=call)
        floor.heard(heard, lambda file: debtor_hears(file, "abandon"), "the message again")
        assert refused["Agent"] == "ann"
        assert len(floor.events.events("DialerAbandoned", CallId=call)) == 1
        assert floor.events.events("BridgeEnter", Uniqueid=call) == []

    @pytest.mark.parametrize(("digits", "choice"), [("204", "callback"), ("205", "optout")])
    def test_a_key_in_the_menu_is_the_debtors_choice(self, floor: Floor, menu: None, digits: str, choice: str) -> None:
        call = floor.answered(digits)
        assert floor.events.wait("DialerMenu", 15, CallId=call)["Choice"] == choice
        assert floor.gone(call)["Cause"] == "16"

    def test_nothing_pressed_is_no_choice(self, floor: Floor, menu: None) -> None:
        call = floor.answered()
        assert floor.events.wait("DialerMenu", 25, CallId=call)["Choice"] == "none"

    def test_without_the_menus_server_the_call_ends_politely(self, floor: Floor, no_menu: None) -> None:
        call = floor.answered()
        heard = floor.listen(call, "menuless")
        ended = floor.events.wait("DialerMenu", CallId=call)
        assert ended["Choice"] == "none"
        assert floor.gone(call)["Cause"] == "16"
        assert debtor_hears(heard, "abandon")


class TestConversation:
    def test_debtor_and_agent_are_joined_and_the_agent_waits_again_afterwards(self, floor: Floor) -> None:
        leg = floor.agent(1001)
        call = floor.answered()
        floor.joined(call, leg)
        floor.hang_up(call)
        floor.gone(call)
        assert floor.events.wait("BridgeEnter", Uniqueid=leg[0], BridgeTechnology="holding_bridge")

    def test_one_agent_talks_to_three_debtors_in_a_row(self, floor: Floor) -> None:
        leg = floor.agent(1002)
        for _ in range(3):
            call = floor.answered()
            floor.joined(call, leg)
            floor.hang_up(call)
            back = floor.events.wait("BridgeEnter", Uniqueid=leg[0], BridgeTechnology="holding_bridge")
        assert back["BridgeNumChannels"] == "1"

    def test_the_recording_has_the_debtor_left_and_the_agent_right_and_its_size_is_exact(self, floor: Floor) -> None:
        leg = floor.agent(1001)
        call = floor.answered(DIALER_RECORD="now")
        floor.joined(call, leg)
        raw = floor.lab.directory / "rec" / f"{call}.raw"
        eventually(lambda: raw.exists() and raw.stat().st_size > 100_000, "three seconds are recorded", 15)
        floor.hang_up(call)
        size = int(floor.events.wait("DialerRecorded", CallId=call)["Size"])
        left, right = stereo(raw)
        assert size == raw.stat().st_size
        assert seconds_of(left, DEBTOR_HZ) > 2
        assert seconds_of(right, AGENT_HZ) > 2
        assert seconds_of(left, AGENT_HZ) + seconds_of(right, DEBTOR_HZ) < 0.2

    def test_without_recording_nothing_is_written(self, floor: Floor) -> None:
        leg = floor.agent(1001)
        call = floor.answered(DIALER_RECORD="no")
        floor.joined(call, leg)
        floor.hang_up(call)
        floor.gone(call)
        assert floor.events.events("DialerRecorded", CallId=call) == []
        assert not (floor.lab.directory / "rec" / f"{call}.raw").exists()

    def test_a_lost_agent_leaves_the_debtor_time_for_another(self, floor: Floor) -> None:
        first, second = floor.agent(1001), floor.agent(1002, "bob")
        call = floor.answered(DIALER_RECORD="now")
        floor.joined(call, first)
        floor.hang_up(first[0])
        unjoined = floor.events.wait("DialerUnjoined", CallId=call)
        floor.join(call, second[1], "bob")
        floor.events.wait("BridgeEnter", Uniqueid=call)
        floor.hang_up(call)
        floor.events.wait("DialerRecorded", CallId=call)
        assert unjoined["Agent"] == "ann"
        assert len(floor.events.events("DialerRecorded", CallId=call)) == 1

    def test_a_lost_agent_and_nobody_else_ends_in_the_message(self, floor: Floor, no_menu: None) -> None:
        leg = floor.agent(1001)
        call = floor.answered()
        floor.joined(call, leg)
        floor.hang_up(leg[0])
        floor.events.wait("DialerUnjoined", CallId=call)
        floor.events.wait("DialerAbandoned", CallId=call)

    def test_an_agent_channel_that_does_not_exist_is_told_at_once(self, floor: Floor, no_menu: None) -> None:
        floor.noise += ["Bridge failed"]
        call = floor.answered()
        floor.join(call, "PJSIP/1001-deadbeef")
        assert floor.events.wait("DialerUnjoined", 1.5, CallId=call)["Result"] == "NONEXISTENT"


class TestNotice:
    def test_the_notice_is_heard_in_the_conversation_and_recording_starts_after_it(self, echoing: Floor) -> None:
        leg = echoing.agent(1001)
        call = echoing.answered("207", DIALER_RECORD="notice")
        echoing.joined(call, leg)
        heard = echoing.listen(call, "noticed")
        speak_notice(echoing, call)
        echoing.events.wait("DialerNoticed", CallId=call)
        echoing.heard(heard, lambda file: seconds_of(stereo(file)[0], PROMPT_HZ["notice"]) > 0.6, "the whole notice")
        raw = echoing.listen(call, call)
        eventually(lambda: raw.exists() and raw.stat().st_size > 64_000, "two seconds are recorded", 15)
        echoing.hang_up(call)
        assert int(echoing.events.wait("DialerRecorded", CallId=call)["Size"]) == raw.stat().st_size
        assert seconds_of(stereo(raw)[0], PROMPT_HZ["notice"]) < 0.2

    def test_the_notice_ends_with_the_debtor(self, floor: Floor) -> None:
        leg = floor.agent(1001)
        call = floor.answered(DIALER_RECORD="notice")
        floor.joined(call, leg)
        speak_notice(floor, call)
        floor.events.wait("Newchannel", Context="dialer-notice")
        floor.hang_up(call)
        floor.gone(call)
        eventually(lambda: floor.channels() == 1, "only the agent's leg is left", 5)
        assert floor.events.events("DialerNoticed", CallId=call) == []

    def test_a_notice_for_nobody_ends_by_itself(self, floor: Floor) -> None:
        speak_notice(floor, "t" + "9" * 26)
        floor.events.wait("Newchannel", Context="dialer-notice")
        eventually(lambda: floor.channels() == 0, "the notice's channels are gone", 5)


def speak_notice(floor: Floor, call: str) -> None:
    """Exactly what the engine sends."""
    floor.actions.action(
        "Originate",
        {"DIALER_NOTICE_CALL": call, "DIALER_LANG": "es"},
        Channel="Local/s@dialer-notice/n",
        Application="ChanSpy",
        Data=f"{call},quBES",
        Async="true",
    )


class TestInbound:
    @pytest.mark.parametrize("dialled", [CALLER_ID, CALLER_ID.removeprefix("+")])
    def test_a_call_to_our_caller_id_reaches_an_agent(self, floor: Floor, tmp_path: Path, dialled: str) -> None:
        leg = floor.agent(1001)
        with Caller(floor.lab, tmp_path, dialled, stay_s=2) as caller:
            arrived = floor.events.wait("DialerInbound")
            floor.join(arrived["CallId"], leg[1], DIALER_RECORD="now")
            floor.events.wait("BridgeEnter", Uniqueid=arrived["CallId"])
            assert caller.ended() == ["ANSWERED", "BYE", "END"]
        assert (arrived["Caller"], arrived["Dialled"]) == ("+5491155556666", CALLER_ID)
        assert int(floor.events.wait("DialerRecorded", CallId=arrived["CallId"])["Size"]) > 0

    def test_no_agent_within_ten_seconds_is_the_message_with_the_hours(self, floor: Floor, tmp_path: Path) -> None:
        with Caller(floor.lab, tmp_path, CALLER_ID) as caller:
            arrived = floor.events.wait("DialerInbound")
            heard = floor.listen(arrived["CallId"], "inbound")
            floor.events.wait("DialerInboundMessage", 15, CallId=arrived["CallId"])
            assert caller.ended() == ["ANSWERED", "BYED", "END"]
        assert debtor_hears(heard, "inbound")
        assert floor.events.events("DialerAbandoned", CallId=arrived["CallId"]) == []

    def test_any_other_number_is_unknown_here(self, floor: Floor, tmp_path: Path) -> None:
        with Caller(floor.lab, tmp_path, "+541199999999") as caller:
            assert caller.ended() == ["404", "END"]

    def test_a_caller_cannot_write_into_our_events(self, floor: Floor, tmp_path: Path) -> None:
        with Caller(floor.lab, tmp_path, CALLER_ID, caller="1;x=y%2CChoice:%20optout", stay_s=1):
            assert set(floor.events.wait("DialerInbound")["Caller"]) <= set("+0123456789")


class TestEvidence:
    def test_every_line_of_the_call_log_is_understood(self, floor: Floor) -> None:
        leg = floor.agent(1001)
        call = floor.answered()
        floor.joined(call, leg)
        floor.hang_up(call)
        floor.gone(call)
        log = floor.lab.node.evidence_file
        eventually(lambda: '"CHAN_END"' in log.read_text() and call in log.read_text(), "the call is in the log", 5)
        lines = [line for line in log.read_text().splitlines(keepends=True) if call in line]
        evidence = fold(lines, frozenset({call}))[call]
        assert evidence.answered_at is not None
        assert evidence.bridged_at is not None
        assert evidence.ended_at is not None
        assert not evidence.abandoned

    def test_an_abandonment_and_a_machine_are_in_the_call_log(self, floor: Floor, no_menu: None) -> None:
        abandoned, machine = floor.answered(), floor.answered("202", DIALER_AMD="1")
        floor.gone(machine)
        floor.gone(abandoned)
        log = floor.lab.node.evidence_file.read_text().splitlines(keepends=True)
        found = fold(log, frozenset({abandoned, machine}))
        assert found[abandoned].abandoned
        assert found[machine].machine


def test_nothing_of_our_files_makes_asterisk_complain(lab: AsteriskLab) -> None:
    boot = lab.logs().split("Asterisk 22", 1)[1].splitlines()[:40]
    assert [line for line in boot if "loader.c" in line and "ERROR" in line] == []
