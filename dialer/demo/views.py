"""The demo's live screen: a `Sight` in, something rich can draw out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from zoneinfo import ZoneInfo

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dialer.demo.people import ZONE
from dialer.demo.settings import Tongue
from dialer.demo.sight import Sight
from dialer.demo.words import WORDS, number, percent

WIDTH = 96
STEPS = ("step_files", "step_books", "step_engine", "step_agents", "step_dialling")
_DAYS = {
    "es": ("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_AGENT_STYLES = {
    "talking": "green",
    "wrap_up": "yellow",
    "ready": "cyan",
    "reserved": "bright_cyan",
    "paused": "magenta",
    "calling": "white",
    "logged_out": "bright_black",
}
_OUTCOME_STYLES = {"answered": "green", "abandoned": "red", "machine": "yellow"}
_BAR = 18


def screen(seen: Sight, language: Tongue, *, ending: bool = False, notes: tuple[str, ...] = ()) -> RenderableType:
    """Return the whole screen of one moment; `notes` stand below it."""
    words = WORDS[language]
    pair = Table.grid(expand=True, padding=(0, 1))
    pair.add_column(ratio=1)
    pair.add_column(ratio=1)
    pair.add_row(_calls(seen, words), _outcomes(seen, words))
    parts: list[RenderableType] = [_agents(seen, words), _figures(seen, language), pair]
    parts.append(_pacing(Text(words["ending"], "bold") if ending else _reason(seen), words))
    below = [Text(f" {note}", style="bright_black") for note in notes]
    body = Group(_heading(seen, language, ending=ending), *parts, *below)
    return Panel(body, title=words["title"], subtitle=words["simulated"], border_style="blue", width=WIDTH)


def preparing(step: str, language: Tongue) -> RenderableType:
    """Return the screen before the first call is possible: what is done, what is being done, what is to come."""
    words = WORDS[language]
    at = STEPS.index(step)
    lines = Text()
    for position, name in enumerate(STEPS):
        mark, style = ("✔", "green") if position < at else ("…", "bold") if position == at else ("·", "bright_black")
        lines.append(f" {mark} {words[name]}\n", style)
    title = f"{words['title']} · {words['preparing']}"
    return Panel(lines, title=title, subtitle=words["simulated"], border_style="blue", width=WIDTH)


def line(seen: Sight, language: Tongue) -> str:
    """Return the moment as one line, where there is no terminal to draw on."""
    words = WORDS[language]
    agents = " ".join(f"{words[state]} {count}" for state, count in seen.agents.items())
    facts = (
        clock(seen, language),
        f"{words['agents'].lower()}: {agents or words['none']}",
        f"{words['calls'].lower()}: {seen.in_flight}",
        f"{words['attempts'].lower()}: {seen.books.attempts}",
        f"{words['utilisation'].lower()}: {percent(seen.utilisation, language)}",
        f"{words['abandonment'].lower()}: {percent(seen.abandonment, language)}",
        words["left"].format(left=ceil(seen.left_s)),
    )
    return " | ".join(facts)


def clock(seen: Sight, language: Tongue) -> str:
    """Return the debtors' time."""
    there = seen.now.astimezone(ZoneInfo(ZONE))
    return f"{_DAYS[language][there.weekday()]} {there:%H:%M:%S}"


def _heading(seen: Sight, language: Tongue, *, ending: bool) -> RenderableType:
    words = WORDS[language]
    left = "" if ending else words["left"].format(left=ceil(seen.left_s))
    row = Table.grid(expand=True)
    for justify in ("left", "center", "right"):
        row.add_column(justify=justify, ratio=1)
    row.add_row(Text(f" {clock(seen, language)}", "bold"), Text(f"{seen.speed:g}x", "bold"), Text(f"{left} ", "bold"))
    return row


def _agents(seen: Sight, words: Mapping[str, str]) -> RenderableType:
    dots, legend = Text(" "), []
    for state, count in seen.agents.items():
        dots.append("● " * count, _AGENT_STYLES[state])
        legend.append(Text.assemble((f"{count} ", f"bold {_AGENT_STYLES[state]}"), words[state]))
    shown = Group(dots, Columns(legend, padding=(0, 3))) if legend else Text(words["none"])
    return Panel(shown, title=words["agents"], title_align="left", border_style="bright_black")


def _figures(seen: Sight, language: Tongue) -> RenderableType:
    words = WORDS[language]
    over = seen.abandonment is not None and seen.abandonment > seen.limit
    limit = words["limit"].format(limit=percent(seen.limit, language, 0))
    wait = "-" if seen.idle_wait_s is None else f"{number(seen.idle_wait_s, 1, language)} s"
    row = Table.grid(expand=True)
    shown = (
        (words["utilisation"], percent(seen.utilisation, language), "bold green"),
        (words["idle_wait"], wait, "bold cyan"),
        (
            f"{words['abandonment']} ({limit})",
            percent(seen.abandonment, language),
            "bold red" if over else "bold green",
        ),
        (words["promises"], str(seen.books.promises), "bold yellow"),
    )
    for _ in shown:
        row.add_column(justify="center", ratio=1)
    row.add_row(*(Text(value, style) for _, value, style in shown))
    row.add_row(*(Text(name, "bright_black") for name, _, _ in shown))
    return Panel(row, title=words["figures"], title_align="left", border_style="bright_black")


def _calls(seen: Sight, words: Mapping[str, str]) -> RenderableType:
    title = f"{words['calls']}: {seen.in_flight}"
    return Panel(_bars(seen.calls, words, {}), title=title, title_align="left", border_style="bright_black")


def _outcomes(seen: Sight, words: Mapping[str, str]) -> RenderableType:
    ordered = dict(sorted(seen.books.outcomes.items(), key=lambda item: (-item[1], item[0])))
    title = f"{words['outcomes']}: {seen.books.attempts}"
    return Panel(_bars(ordered, words, _OUTCOME_STYLES), title=title, title_align="left", border_style="bright_black")


def _bars(counts: Mapping[str, int], words: Mapping[str, str], styles: Mapping[str, str]) -> RenderableType:
    if not counts:
        return Text(words["none"], "bright_black")
    table = Table.grid(padding=(0, 1))
    table.add_column(min_width=14, no_wrap=True)
    table.add_column(justify="right", min_width=4)
    table.add_column()
    most = max(counts.values())
    for name, count in counts.items():
        style = styles.get(name, "blue")
        bar = ProgressBar(total=most, completed=count, width=_BAR, complete_style=style, finished_style=style)
        table.add_row(words[name], str(count), bar)
    return table


def _reason(seen: Sight) -> Text:
    return Text(seen.gate, "bold red") if seen.gate else Text(seen.pacing or "-")


def _pacing(said: Text, words: Mapping[str, str]) -> RenderableType:
    return Panel(said, title=words["pacing"], title_align="left", border_style="bright_black", height=4)
