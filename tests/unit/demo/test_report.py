"""The last screen and its JSON: numbers that fit one another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from dialer.demo.report import Paths, Report, Told, final, playable
from dialer.types import Outcome
from tests.unit.demo.test_views import text_of

TOLD = Told(
    outcomes={"no_answer": 150, "answered": 131, "machine": 120, "early_hangup": 3, "abandoned": 1},
    late_joins=1,
    talked_s=131 * 120.0,
    dispositions={"promise_to_pay": 38, "refusal": 60},
    recordings=130,
)
PATHS = Paths(Path("/d/dialer.db"), Path("/d/recordings"), Path("/d/logs"), Path("/d/config.toml"), "dialer --config c")
REPORT = Report(TOLD, 0.831, 12.42, 60.04, 20.0, interrupted=False, paths=PATHS)


def test_the_json_holds_what_a_script_asks_for():
    told = json.loads(json.dumps(REPORT.as_json()))
    assert told["attempts"] == sum(told["outcomes"].values()) == 405
    assert told["live_answers"] == told["bridged"] + told["abandoned"] + told["early_hangups"] == 135
    assert (told["abandoned"], told["conversations"], told["abandonment_rate"]) == (2, 131, 0.0148)
    assert (told["utilisation"], told["mean_idle_wait_s"], told["mean_talk_s"]) == (0.831, 12.42, 120.0)
    assert (told["recordings"], told["promises"], told["seconds"], told["speed"]) == (130, 38, 60.0, 20.0)


@given(
    st.dictionaries(st.sampled_from([outcome.value for outcome in Outcome]), st.integers(0, 500)), st.integers(0, 500)
)
def test_every_live_answer_is_one_of_three(outcomes: dict[str, int], late: int):
    told = Told(outcomes, late_joins=min(late, outcomes.get("answered", 0)))
    assert told.live == told.bridged + told.abandoned + outcomes.get("early_hangup", 0)
    assert 0 <= told.abandonment_rate <= 1


def test_the_last_screen_says_what_where_and_how_to_go_on():
    shown = text_of(final(REPORT, "es", Path("/d")))
    for part in (
        "Demo terminada: 60 s de reloj, 20 minutos de gestión a 20x",
        "405",
        "contestador",
        "29,6 %",
        "media 120 s",
        "83,1 %",
        "12,4 s",
        "1,5 %",
        "2 de 135 personas que atendieron; límite 3 %",
        "38",
        "  dialer.db ",
        "  recordings ",
        "  logs ",
        "dialer --config c report outcomes",
    ):
        assert part in shown


def test_an_interrupted_demo_says_so():
    cut = replace(REPORT, interrupted=True, seconds=12.0)
    assert "Demo interrupted: 12 s by the clock, 4 minutes of work at 20x" in text_of(final(cut, "en", Path("/d")))


def test_nothing_called_is_no_division_by_nothing():
    empty = replace(REPORT, told=Told(), utilisation=None, idle_wait_s=None)
    assert empty.as_json()["abandonment_rate"] == 0.0
    assert "0,0 %" in text_of(final(empty, "es", Path("/elsewhere")))


@pytest.mark.parametrize("content", [b"", b"not sound"])
def test_only_what_can_be_played_is_counted(tmp_path: Path, content: bytes):
    good, bad, gone = tmp_path / "good.flac", tmp_path / "bad.flac", tmp_path / "gone.flac"
    soundfile.write(good, [[0.1, 0.2]] * 800, 8000)
    bad.write_bytes(content)
    assert playable([good, bad, gone]) == 1
