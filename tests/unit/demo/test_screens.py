"""Where there is no terminal the demo tells itself in lines, and not too often."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from dialer.demo.screens import LineScreen, TerminalScreen, a_screen
from tests.unit.demo.test_views import SEEN


def test_a_line_comes_every_five_seconds():
    out = io.StringIO()
    lines = LineScreen(out, "en")
    lines.open()
    for left_s in (60.0, 59.0, 56.0, 55.0, 51.0, 50.0):
        lines.sees(replace(SEEN, left_s=left_s), ("a note",), ending=False)
    lines.close()
    told = out.getvalue().splitlines()
    assert told[0] == "a note"
    assert [row.rsplit("| ", 1)[1] for row in told[1:]] == ["60 s left", "55 s left", "50 s left"]


def test_the_end_is_not_told_line_by_line():
    out = io.StringIO()
    LineScreen(out, "en").sees(SEEN, (), ending=True)
    assert out.getvalue() == ""


def test_every_step_is_named():
    out = io.StringIO()
    LineScreen(out, "es").prepares("step_agents")
    assert out.getvalue() == "Preparando: los agentes inician sesión\n"


def test_a_terminal_is_drawn_and_left_as_it_was():
    out = io.StringIO()
    drawn = TerminalScreen(Console(file=out, force_terminal=True, width=100), "es")
    drawn.open()
    drawn.prepares("step_files")
    drawn.sees(SEEN, ("a note",), ending=False)
    drawn.close()
    assert "Utilización" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")


def test_standard_output_belongs_to_the_json(capsys: pytest.CaptureFixture[str]):
    a_screen("es", as_json=True).prepares("step_files")
    said = capsys.readouterr()
    assert (said.out, "Preparando" in said.err) == ("", True)


def test_without_a_terminal_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]):
    a_screen("es", as_json=False).prepares("step_files")
    assert "Preparando" in capsys.readouterr().out
