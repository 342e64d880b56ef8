"""What became of a call is read from the node's log, whatever state the file is in."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialer.ami.evidence import CEL_MAPPING, Evidence, read_evidence
from dialer.types import Unavailable

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BUSY, TALKED, LEFT, RUNNING = (letter * 27 for letter in "abcd")
ALL = frozenset({BUSY, TALKED, LEFT, RUNNING})


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def line(seconds: float, event: str, call: str, user: str = "", extra: str = "") -> str:
    quoted = extra.replace('"', '""')
    stamp = f"{at(seconds).timestamp():.6f}"
    return f'"{event}","{stamp}","{call}","{call}","PJSIP/carrier-1","dialer-debtor","{user}","{quoted}"\n'


def ended(seconds: float, call: str, cause: int) -> str:
    extra = f'{{"hangupcause":{cause},"hangupsource":"PJSIP/carrier-1","dialstatus":""}}'
    return line(seconds, "HANGUP", call, extra=extra) + line(seconds, "CHAN_END", call)


BUSY_STORY = line(1, "CHAN_START", BUSY) + ended(2, BUSY, 17)
TALKED_STORY = (
    line(3, "CHAN_START", TALKED)
    + line(5, "ANSWER", TALKED)
    + line(5.01, "BRIDGE_ENTER", TALKED, extra='{"bridge_id":"x"}')
    + line(65, "BRIDGE_ENTER", TALKED)
    + ended(90, TALKED, 16)
)
LEFT_STORY = (
    line(4, "CHAN_START", LEFT)
    + line(6, "ANSWER", LEFT)
    + line(8, "USER_DEFINED", LEFT, user="DIALER_ABANDONED", extra='{"extra":"x"}')
    + ended(12, LEFT, 16)
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "dialer.csv"


def test_a_busy_call_ends_with_its_cause(log):
    log.write_text(BUSY_STORY)
    assert read_evidence(log, NOON, ALL) == {BUSY: Evidence(BUSY, started_at=at(1), ended_at=at(2), cause=17)}


def test_a_conversation_has_answer_first_bridge_and_end(log):
    log.write_text(TALKED_STORY)
    found = read_evidence(log, NOON, ALL)[TALKED]
    assert (found.answered_at, found.bridged_at, found.ended_at, found.cause) == (at(5), at(5.01), at(90), 16)


def test_an_abandoned_call_is_told_from_an_answered_one(log):
    log.write_text(TALKED_STORY + LEFT_STORY)
    found = read_evidence(log, NOON, ALL)
    assert (found[LEFT].abandoned, found[TALKED].abandoned) == (True, False)


def test_a_machine_is_remembered(log):
    log.write_text(line(1, "CHAN_START", BUSY) + line(2, "USER_DEFINED", BUSY, user="DIALER_MACHINE"))
    assert read_evidence(log, NOON, ALL)[BUSY].machine


def test_a_running_call_has_no_end(log):
    log.write_text(line(1, "CHAN_START", RUNNING))
    assert read_evidence(log, NOON, ALL)[RUNNING].ended_at is None


def test_calls_without_a_trace_and_foreign_calls_are_left_out(log):
    log.write_text(BUSY_STORY + TALKED_STORY)
    assert set(read_evidence(log, NOON, frozenset({BUSY, LEFT}))) == {BUSY}


def test_the_line_being_written_is_passed_over(log):
    log.write_text(BUSY_STORY + line(3, "CHAN_START", RUNNING)[:-20])
    assert set(read_evidence(log, NOON, ALL)) == {BUSY}


def test_a_line_without_its_end_is_not_trusted_even_if_it_looks_whole(log):
    log.write_text(BUSY_STORY + line(3, "CHAN_START", RUNNING).rstrip("\n"))
    assert set(read_evidence(log, NOON, ALL)) == {BUSY}


@pytest.mark.parametrize("broken", ["\n", "\0\0\0\n", 'x"y,"\n', '"HANGUP","soon","' + BUSY + '","","","","",""\n'])
def test_nonsense_in_the_log_hides_nothing(log, broken):
    log.write_text(broken + BUSY_STORY + broken)
    assert read_evidence(log, NOON, ALL)[BUSY].cause == 17


def test_a_hangup_without_readable_cause_still_ends_the_call(log):
    log.write_text(line(1, "CHAN_START", BUSY) + line(2, "HANGUP", BUSY, extra="{broken"))
    found = read_evidence(log, NOON, ALL)[BUSY]
    assert (found.ended_at, found.cause) == (at(2), None)


def test_a_missing_log_is_not_the_same_as_no_trace(log):
    with pytest.raises(Unavailable, match=r"dialer\.csv") as caught:
        read_evidence(log, NOON, ALL)
    assert caught.value.error_id == "evidence-unavailable"


def test_a_call_that_began_before_the_rotation_is_followed_across_it(log):
    log.with_name("dialer.csv.1").write_text(line(3, "CHAN_START", TALKED) + line(5, "ANSWER", TALKED))
    log.write_text(ended(90, TALKED, 16))
    found = read_evidence(log, NOON, ALL)[TALKED]
    assert (found.started_at, found.ended_at) == (at(3), at(90))


def test_just_after_the_rotation_the_rotated_file_is_enough(log):
    log.with_name("dialer.csv.1").write_text(BUSY_STORY)
    assert read_evidence(log, NOON, ALL)[BUSY].cause == 17


def test_the_end_of_a_long_log_is_read_without_the_beginning(log, monkeypatch):
    old = line(-7200, "CHAN_START", "z" * 27)
    with log.open("w") as out:
        out.write(old * (5 * 1024 * 1024 // len(old)))
        out.write(BUSY_STORY)
    read: list[str] = []

    def fold(lines, ids):
        read.extend(lines)
        return {}

    monkeypatch.setattr("dialer.ami.evidence.fold", fold)
    read_evidence(log, NOON, ALL)
    assert sum(map(len, read)) < 1.1 * 1024 * 1024
    assert "".join(read).endswith(BUSY_STORY)


def test_nothing_since_the_asked_time_is_lost_in_a_long_log(log):
    story = "".join(line(number / 100, "CHAN_START", f"{number:027d}") for number in range(40_000))
    log.write_text(line(-7200, "CHAN_START", "z" * 27) * 1000 + story)
    ids = frozenset(f"{number:027d}" for number in range(0, 40_000, 997))
    assert set(read_evidence(log, NOON, ids)) == ids
    assert os.path.getsize(log) > 3 * 1024 * 1024


def test_the_mapping_quotes_every_column_and_names_user_events_by_type():
    columns = CEL_MAPPING.split("},${")
    assert len(columns) == 8
    assert CEL_MAPPING.startswith("${CSV_QUOTE(${eventenum})},${CSV_QUOTE(${eventtime})},")
