"""What the demo plays: how long, how fast, in which language, for whom. From DEMO_* and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from dialer.types import InputError

Tongue = Literal["es", "en"]

SECONDS, FEWEST_S, MOST_S = 60.0, 1.0, 3600.0
SPEED, SLOWEST, FASTEST = 20.0, 1.0, 60.0
AGENTS = 25
DEBTORS = 5_000
SEED = 20260303

_YES = frozenset({"1", "true", "yes", "si", "sí", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Settings:
    """One performance: `seconds` of the machine's time, business time `speed` times as fast."""

    seconds: float = SECONDS
    speed: float = SPEED
    as_json: bool = False
    language: Tongue = "es"


def settings(environment: Mapping[str, str], language: Tongue | None = None) -> Settings:
    """Return what DEMO_SECONDS, DEMO_SPEED, DEMO_JSON and the language ask for; raises InputError naming the value."""
    return Settings(
        seconds=_number(environment, "DEMO_SECONDS", SECONDS, FEWEST_S, MOST_S),
        speed=_number(environment, "DEMO_SPEED", SPEED, SLOWEST, FASTEST),
        as_json=_switch(environment, "DEMO_JSON"),
        language=language or _tongue(environment),
    )


def _number(environment: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or not low <= value <= high:
        raise InputError(f"{name} = {text!r}: give a number from {low:g} to {high:g}")
    return value


def _switch(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name, "").strip().lower()
    if text not in _YES | _NO:
        raise InputError(f"{name} = {text!r}: give 1 or 0")
    return text in _YES


def _tongue(environment: Mapping[str, str]) -> Tongue:
    """Return English where the environment speaks it by name, else Spanish: C and POSIX are no language."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if told := environment.get(name):
            return "en" if told.lower().startswith("en") else "es"
    return "es"
