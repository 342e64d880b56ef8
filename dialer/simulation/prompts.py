"""How long each prompt of an installation would take to say."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from typing import Final

from dialer.agi.choice import PAUSE_MS, ROUNDS
from dialer.ami.config.prompts import TONE_S, prompt_text
from dialer.config import Config

WORDS_PER_S: Final = 2.4
"""How fast the rendered voice speaks."""

PROMPTS: Final = ("abandon", "menu", "callback", "optout", "goodbye", "notice", "inbound")


def prompt_lengths(config: Config) -> dict[str, float]:
    """Return the seconds of each prompt: the centre's own audio where there is some, else the text's."""
    return {"tone": TONE_S} | {prompt: _own_s(config, prompt) or _spoken_s(config, prompt) for prompt in PROMPTS}


def menu_lengths(prompts_s: Mapping[str, float]) -> tuple[float, float]:
    """Return the seconds of a menu that ends with a key, and of one that ends without, as its process does it."""
    pressed_s = prompts_s["menu"] + prompts_s["callback"]
    return pressed_s, ROUNDS * (prompts_s["menu"] + PAUSE_MS / 1000) + prompts_s["goodbye"]


def _spoken_s(config: Config, prompt: str) -> float:
    return len(prompt_text("es", prompt, config.agency).split()) / WORDS_PER_S


def _own_s(config: Config, prompt: str) -> float | None:
    path = config.prompts.dir / "es" / f"{prompt}.wav" if config.prompts.dir else None
    if path is None or not path.exists():
        return None
    with wave.open(str(path), "rb") as audio:
        return audio.getnframes() / audio.getframerate()
