"""Every conversation is kept: debtor left, agent right, sealed by a checksum; a missing one is never a silence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.lab.centre import Centre, centre
from tests.lab.processes import eventually
from tests.lab.service import Service
from tests.lab.sounds import AGENT_HZ, DEBTOR_HZ, PROMPT_HZ, seconds_of, stereo
from tests.lab.witness import Row, Witness, numbers, seconds

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(120)]

TALK_S = 3.0
NOTICE_S = 0.8
"""Length of the lab's own notice."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation, what the books say of its recording, and the sound of both sides."""

    attempt: Row
    recording: Row
    path: Path
    left: NDArray[np.float64]
    right: NDArray[np.float64]


@pytest.fixture(scope="module")
def at(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    work = tmp_path_factory.mktemp("recordings")
    tables = {"agents": {"wrap_up_s": 0.2}}
    with centre(lab_root, work, softphones=5, talk_s=TALK_S, tables=tables) as at:
        yield at


def recorded(witness: Witness, call_id: str) -> Row:
    """Wait until the books know what became of a recording."""
    query = "SELECT * FROM recordings WHERE call_id = ?"
    return eventually(lambda: witness.rows(query, call_id), f"the recording of {call_id}", 15)[0]


def kept(witness: Witness, campaign: str, phone: str) -> Kept:
    """Wait for the end of a conversation and read its recording."""
    witness.ended(campaign, 1)
    attempt = witness.attempt(campaign, phone)
    row = recorded(witness, attempt["call_id"])
    path = Path(row["path"])
    sound: Any = soundfile.read(path, dtype="int16")[0]
    return Kept(attempt, row, path, sound[:, 0].astype(float), sound[:, 1].astype(float))


@pytest.fixture(scope="module")
def talk(at: Centre) -> Kept:
    """A conversation of three seconds, ended by the debtor."""
    (phone,) = numbers(50, [201])
    at.campaign([("corta", phone, "alta")], name="corta")
    at.hire("ana", 0)
    at.seat("ana", "corta")
    return kept(at.witness, "corta", phone)


class TestKept:
    def test_it_is_named_by_the_call_and_kept_by_day(self, talk: Kept) -> None:
        assert talk.path.name == f"{talk.attempt['call_id']}.flac"
        assert talk.path.parent.relative_to(talk.path.parents[3]) == Path(f"{talk.attempt['ended_at']:%Y/%m/%d}")

    def test_the_debtor_is_left_and_only_there(self, talk: Kept) -> None:
        assert seconds_of(talk.left, DEBTOR_HZ) > TALK_S - 0.5
        assert seconds_of(talk.left, AGENT_HZ) < 0.2

    def test_the_agent_is_right_and_only_there(self, talk: Kept) -> None:
        assert seconds_of(talk.right, AGENT_HZ) > TALK_S - 0.5
        assert seconds_of(talk.right, DEBTOR_HZ) < 0.2

    def test_it_holds_the_whole_conversation(self, talk: Kept) -> None:
        talked = seconds(talk.attempt, "bridged_at", "ended_at")
        assert talk.recording["seconds"] == pytest.approx(talked, abs=0.5)
        assert talk.recording["seconds"] == pytest.approx(len(talk.left) / 8000, abs=0.001)

    def test_checksum_and_length_are_those_of_the_file(self, talk: Kept) -> None:
        content = talk.path.read_bytes()
        assert talk.recording["sha256"] == hashlib.sha256(content).hexdigest()
        assert talk.recording["size"] == len(content)

    def test_the_report_names_the_file(self, at: Centre, talk: Kept) -> None:
        (row,) = at.service.report("attempts", "--campaign", "corta")
        assert row["recording"] == str(talk.path)

    def test_nothing_raw_is_left_behind(self, at: Centre, talk: Kept) -> None:
        assert not (at.lab.node.recordings_dir / f"{talk.attempt['call_id']}.raw").exists()


class TestNotice:
    @pytest.fixture
    def echoing(self, lab_root: Path, tmp_path: Path) -> Iterator[Centre]:
        """A centre of its own: where a debtor echoes, no other call can be judged by its sound."""
        with centre(lab_root, tmp_path, softphones=2, echo=True) as at:
            yield at

    def test_it_is_heard_before_the_recording_starts(self, echoing: Centre) -> None:
        at = echoing
        (phone,) = numbers(51, [207])
        at.campaign([("eco", phone, "alta")], name="aviso", recording_notice=True)
        at.hire("berta", 1)
        at.seat("berta", "aviso")
        at.witness.agent("berta", "talking")
        call_id = at.witness.attempts("aviso")[0]["call_id"]
        heard = at.listen(call_id)
        raw = at.lab.node.recordings_dir / f"{call_id}.raw"
        eventually(lambda: raw.exists() and raw.stat().st_size > 64_000, "two seconds are recorded", 15)
        at.witness.order("agent.hangup", agent="berta")
        talk = kept(at.witness, "aviso", phone)
        unrecorded = seconds(talk.attempt, "bridged_at", "ended_at") - talk.recording["seconds"]

        assert seconds_of(stereo(heard)[0], PROMPT_HZ["notice"]) > NOTICE_S - 0.3
        assert unrecorded > NOTICE_S
        assert seconds_of(talk.left, PROMPT_HZ["notice"]) < 0.2

    def test_who_hangs_up_during_the_notice_leaves_no_recording_and_no_alarm(self, at: Centre) -> None:
        (phone,) = numbers(52, [203])
        at.campaign([("breve", phone, "alta")], name="breve", recording_notice=True)
        at.hire("carla", 2)
        at.seat("carla", "breve")
        (row,) = at.witness.ended("breve", 1)
        assert (row["outcome"], row["flags"]) == ("answered", ["ended_before_notice"])
        assert at.witness.said("recording not kept", call_id=row["call_id"]) == []


class TestMissing:
    def test_an_answered_call_without_its_recording_is_an_alarm(self, at: Centre) -> None:
        (phone,) = numbers(53, [201])
        at.campaign([("perdida", phone, "alta")], name="perdida")
        at.hire("dora", 3)
        at.seat("dora", "perdida")
        at.witness.agent("dora", "talking")
        call_id = at.witness.attempts("perdida")[0]["call_id"]
        raw = at.lab.node.recordings_dir / f"{call_id}.raw"
        eventually(raw.exists, "the raw file is there")
        raw.unlink()
        alarm = at.witness.hears("recording not kept", call_id=call_id)
        assert (alarm["level"], alarm["state"]) == ("error", "missing")
        assert recorded(at.witness, call_id)["state"] == "missing"
        eventually(lambda: "recording_missing" in at.witness.attempt("perdida", phone)["flags"], "the flag", 5)


class TestWav:
    def test_a_centre_that_wants_wav_gets_wav(self, at: Centre) -> None:
        (phone,) = numbers(54, [201])
        at.service.engine.stop(timeout_s=30)
        wav = at.service.config.recordings.model_copy(update={"format": "wav"})
        work = at.work / "wav"
        work.mkdir()
        with Service(at.service.config.model_copy(update={"recordings": wav}), work) as service:
            service.start()
            there = Centre(at.lab, at.carrier, at.phones, service, Witness(service), work)
            there.witness.hears("node up")
            there.campaign([("onda", phone, "alta")], name="onda")
            there.hire("eva", 4)
            there.seat("eva", "onda")
            talk = kept(there.witness, "onda", phone)
        assert (talk.path.suffix, talk.recording["format"], soundfile.info(talk.path).format) == (".wav", "wav", "WAV")
        assert seconds_of(talk.left, DEBTOR_HZ) > TALK_S - 0.5 > 0.2 > seconds_of(talk.left, AGENT_HZ)
