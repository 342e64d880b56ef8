"""Where the demo is watched: a terminal that is drawn anew, or lines where there is none."""

from __future__ import annotations

import sys
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live

from dialer.demo.settings import Tongue
from dialer.demo.sight import Sight
from dialer.demo.views import line, preparing, screen
from dialer.demo.words import WORDS

LINE_EVERY_S = 5.0


class Screen(Protocol):
    """Shows how the demo goes, between `open` and `close`."""

    def open(self) -> None:
        """Begin."""
        ...

    def close(self) -> None:
        """End, so that something else can be printed."""
        ...

    def prepares(self, step: str) -> None:
        """Show what is being prepared."""
        ...

    def sees(self, seen: Sight, notes: tuple[str, ...], *, ending: bool) -> None:
        """Show one moment."""
        ...


class TerminalScreen:
    """A panel in place; it is gone when it is closed, and what follows is printed there."""

    def __init__(self, console: Console, language: Tongue) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._language: Tongue = language

    def open(self) -> None:
        """Take the lower part of the terminal."""
        self._live.start()

    def close(self) -> None:
        """Give it back as it was."""
        self._live.stop()

    def prepares(self, step: str) -> None:
        """Show the steps, and which one it is."""
        self._live.update(preparing(step, self._language), refresh=True)

    def sees(self, seen: Sight, notes: tuple[str, ...], *, ending: bool) -> None:
        """Draw the moment."""
        self._live.update(screen(seen, self._language, ending=ending, notes=notes), refresh=True)


class LineScreen:
    """A line when something begins, and one every few seconds."""

    def __init__(self, out: TextIO, language: Tongue) -> None:
        self._out = out
        self._language: Tongue = language
        self._told_at_left_s = float("inf")

    def open(self) -> None:
        """Lines need nothing."""

    def close(self) -> None:
        """Every line was told at once."""

    def prepares(self, step: str) -> None:
        """Name the step."""
        words = WORDS[self._language]
        self._say(f"{words['preparing']}: {words[step]}")

    def sees(self, seen: Sight, notes: tuple[str, ...], *, ending: bool) -> None:
        """Tell the moment if enough time has passed since the last one."""
        if ending or seen.left_s > self._told_at_left_s - LINE_EVERY_S:
            return
        if self._told_at_left_s == float("inf"):
            for note in notes:
                self._say(note)
        self._told_at_left_s = seen.left_s
        self._say(line(seen, self._language))

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def a_screen(language: Tongue, *, as_json: bool) -> Screen:
    """Return the screen that fits: standard output belongs to the JSON, if it was asked for."""
    if as_json:
        return LineScreen(sys.stderr, language)
    console = Console()
    return TerminalScreen(console, language) if console.is_terminal else LineScreen(sys.stdout, language)
