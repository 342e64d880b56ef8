"""The simulated call log, read by the very code that reads Asterisk's."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialer.ami.evidence import Evidence, read_evidence
from dialer.simulation.evidence import CallLogFiles

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
CALL = "t" + "1" * 26


@dataclass(frozen=True, slots=True)
class Leg:
    """A channel as the log sees it."""

    uniqueid: str = CALL
    linkedid: str = CALL
    name: str = "PJSIP/carrier-0000000a"
    context: str = "dialer-debtor"
    exten: str = "s"
    caller: str = "+541150000000"
    application: str = "Wait"
    application_data: str = 'a "quoted" one'
    created_at: datetime = NOON
    answered_at: datetime | None = None


@pytest.fixture
def files(tmp_path: Path) -> Iterator[CallLogFiles]:
    made = CallLogFiles(tmp_path / "cel" / "dialer.csv", tmp_path / "cdr" / "Master.csv")
    yield made
    made.close()


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(tmp_path: Path) -> Evidence:
    return read_evidence(tmp_path / "cel" / "dialer.csv", NOON, frozenset({CALL}))[CALL]


def test_a_conversation_is_read_as_it_went(files, tmp_path):
    files.chan_start(NOON, Leg())
    files.answer(after(5), Leg())
    files.bridge_enter(after(6), Leg(), "some-bridge")
    files.hangup(after(60.25), Leg(), 16)
    files.chan_end(after(60.25), Leg())
    assert told(tmp_path) == Evidence(CALL, NOON, after(5), after(6), ended_at=after(60.25), cause=16)


def test_what_the_dialplan_says_is_kept(files, tmp_path):
    files.chan_start(NOON, Leg())
    files.user_defined(after(3), Leg(), "DIALER_MACHINE", "LONGGREETING-750-750")
    files.user_defined(after(4), Leg(), "DIALER_ABANDONED", "")
    assert (told(tmp_path).machine, told(tmp_path).abandoned) == (True, True)


def test_every_line_is_there_at_once(files, tmp_path):
    files.chan_start(NOON, Leg())
    assert told(tmp_path) == Evidence(CALL, NOON)


@pytest.mark.parametrize(
    ("answered", "cause", "disposition"),
    [
        (after(2), 16, "ANSWERED"),
        (None, 17, "BUSY"),
        (None, 34, "CONGESTION"),
        (None, 19, "NO ANSWER"),
        (None, 38, "FAILED"),
    ],
)
def test_every_finished_channel_has_a_line_of_its_own(files, tmp_path, answered, cause, disposition):
    files.hangup(after(12), Leg(answered_at=answered), cause)
    files.chan_end(after(12), Leg(answered_at=answered))
    (row,) = csv.reader((tmp_path / "cdr" / "Master.csv").read_text().splitlines())
    assert (row[8], row[12], row[14], row[16]) == ('a "quoted" one', "12", disposition, CALL)
    assert row[13] == ("10" if answered else "0")


def test_a_disk_that_refuses_does_not_stop_the_node(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    files = CallLogFiles(blocked / "cel.csv", tmp_path / "Master.csv")
    files.chan_start(NOON, Leg())
    files.chan_end(after(1), Leg())
    files.close()
    assert (tmp_path / "Master.csv").exists()
