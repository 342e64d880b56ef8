"""The screen, rendered as text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from dialer.demo.sight import Books, Sight
from dialer.demo.views import clock, line, preparing, screen
from tests.unit.engine.desk import NOON

SEEN = Sight(
    now=NOON,
    speed=20.0,
    left_s=33.2,
    agents={"ready": 2, "talking": 18, "wrap_up": 5},
    calls={"ringing": 12, "talking": 18},
    books=Books({"answered": 131, "machine": 160, "abandoned": 2}, promises=38),
    utilisation=0.831,
    idle_wait_s=12.42,
    live=133,
    abandoned=2,
    limit=0.03,
    pacing="3 more calls: 2 agents free.",
)


def text_of(drawn: RenderableType, width: int = 100) -> str:
    console = Console(width=width, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(drawn)
    return capture.get()


def test_everything_a_supervisor_asks_for_is_on_the_screen():
    shown = text_of(screen(SEEN, "es", notes=("Ctrl-C termina",)))
    for part in (
        "18 en conversación",
        "5 cierre",
        "2 libre",
        "Llamadas en curso: 30",
        "sonando",
        "Resultados: 293",
        "contestador",
        "83,1 %",
        "12,4 s",
        "1,5 %",
        "límite 3 %",
        "38",
        "3 more calls: 2 agents free.",
        "20x",
        "quedan 34 s",
        "nadie recibe llamadas",
        "Ctrl-C termina",
    ):
        assert part in shown


def test_there_is_a_dot_for_every_agent():
    assert text_of(screen(SEEN, "es")).count("●") == 25


def test_it_speaks_english_too():
    shown = text_of(screen(SEEN, "en"))
    assert "Utilisation" in shown
    assert "34 s left" in shown
    assert "Utilización" not in shown


def test_why_nobody_is_called_takes_the_place_of_the_pacing():
    shown = text_of(screen(replace(SEEN, gate="redis: away"), "es"))
    assert "redis: away" in shown
    assert "3 more calls" not in shown


def test_when_time_is_up_it_says_that_calls_are_ending():
    shown = text_of(screen(replace(SEEN, gate="campaign is stopping", left_s=0), "es", ending=True))
    assert "terminando las llamadas en curso" in shown
    assert "stopping" not in shown


def test_before_the_first_call_nothing_is_made_up():
    shown = text_of(screen(Sight(now=NOON, speed=20.0, left_s=60.0), "es"))
    assert shown.count("todavía nada") == 3
    assert "%" in shown


@pytest.mark.parametrize("width", [60, 80, 96, 200])
def test_it_fits_the_terminal(width: int):
    assert max(len(row) for row in text_of(screen(SEEN, "es"), width).splitlines()) <= width


def test_steps_are_done_being_done_or_to_come():
    rows = text_of(preparing("step_engine", "es")).splitlines()
    marks = [row.strip("│ ")[0] for row in rows[1:6]]
    assert marks == ["✔", "✔", "…", "·", "·"]


def test_without_a_terminal_a_moment_is_one_line():
    said = line(SEEN, "en")
    assert "\n" not in said
    assert "attempts: 293" in said


def test_the_clock_is_the_debtors():
    assert clock(SEEN, "es")[:3] in ("lun", "mar", "mié", "jue", "vie", "sáb", "dom")
