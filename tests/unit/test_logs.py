"""One JSON line per event, with its context and without secrets."""

import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from dialer.logs import configure
from dialer.types import ConfigError


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "logs" / "dialer.log"
    before = logging.getLogger().level
    configure("info", path, stderr=False)
    yield path
    configure("info", None, stderr=False)
    logging.getLogger().setLevel(before)
    structlog.reset_defaults()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_says_when_in_utc_how_bad_who_and_what(log_file: Path) -> None:
    structlog.get_logger("dialer.engine").warning("call_lost", call_id="t1", seconds=2.5)
    (line,) = lines(log_file)
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo == UTC
    assert line == {
        "event": "call_lost",
        "level": "warning",
        "logger": "dialer.engine",
        "call_id": "t1",
        "seconds": 2.5,
    }


def test_bound_context_is_on_every_line(log_file: Path) -> None:
    with structlog.contextvars.bound_contextvars(call_id="t9"):
        structlog.get_logger("dialer").info("ringing")
        logging.getLogger("some.library").warning("odd")
    assert [line["call_id"] for line in lines(log_file)] == ["t9", "t9"]


def test_lines_of_libraries_have_the_same_form(log_file: Path) -> None:
    logging.getLogger("some.library").error("lost %s of %d", "one", 2)
    (line,) = lines(log_file)
    assert (line["event"], line["level"], line["logger"]) == ("lost one of 2", "error", "some.library")


def test_below_the_level_nothing_is_written(log_file: Path) -> None:
    structlog.get_logger("dialer").debug("detail")
    logging.getLogger("some.library").debug("detail")
    assert lines(log_file) == []


def test_secrets_are_never_written_however_deep(log_file: Path) -> None:
    structlog.get_logger("dialer").info(
        "login", ami_secret="hunter2", Password="hunter2", trunk={"password": "hunter2", "auth": {"secret": "hunter2"}}
    )
    assert "hunter2" not in log_file.read_text()


def test_the_callers_own_mapping_is_not_changed_by_masking(log_file: Path) -> None:
    trunk = {"password": "hunter2"}
    structlog.get_logger("dialer").info("login", trunk=trunk)
    assert trunk == {"password": "hunter2"}


def test_an_exception_is_in_its_line_with_its_traceback(log_file: Path) -> None:
    try:
        raise ValueError("bad cause code")
    except ValueError:
        structlog.get_logger("dialer").exception("odd_hangup")
        logging.getLogger("some.library").exception("odd too")
    assert all("ValueError: bad cause code" in line["exception"] for line in lines(log_file))


def test_text_with_line_breaks_and_accents_stays_one_readable_line(log_file: Path) -> None:
    structlog.get_logger("dialer").info("note", text="José\nÑandú")
    assert "José" in log_file.read_text(encoding="utf-8")
    assert lines(log_file)[0]["text"] == "José\nÑandú"


def test_a_value_json_does_not_know_is_written_as_text(log_file: Path) -> None:
    structlog.get_logger("dialer").info("file", path=Path("a/b"))
    assert lines(log_file)[0]["path"] == "a/b"


def test_configured_again_each_line_is_written_once(log_file: Path) -> None:
    configure("debug", log_file, stderr=False)
    structlog.get_logger("dialer").debug("once")
    assert len(lines(log_file)) == 1


def test_stderr_gets_the_lines_too(log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", log_file, stderr=True)
    structlog.get_logger("dialer").info("both")
    assert json.loads(capsys.readouterr().err)["event"] == "both"
    assert lines(log_file)[0]["event"] == "both"


def test_a_log_file_that_cannot_be_written_is_said_by_name(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match=rf"log file .*logs{os.sep}dialer\.log cannot be written"):
        configure("info", tmp_path / "logs" / "dialer.log")
