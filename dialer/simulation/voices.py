"""Voices for recordings: two people taking turns, made of glottal harmonics through moving formants.

Nobody can understand them, but they sound like speech: pitch, vowels, syllables, hissed consonants and pauses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 8000
FRAME_BYTES: Final = 4
LOOP_S: Final = 20
"""After so long a conversation begins again."""

_FRAMES = RATE_HZ * LOOP_S
_LOUDNESS = 3500.0
_TURNS_S = (0.0, 3.1, 4.4, 8.2, 9.0, 11.7, 14.9, 15.8, 20.0)
"""The agent begins; the other one speaks from the second mark on, and so forth."""

_BREATH_S = 0.25
_VOWELS_HZ = ((730, 1300, 2500), (530, 1840, 2480), (300, 2250, 3000), (570, 900, 2400), (325, 750, 2300))
"""The first three formants of a, e, i, o, u."""

_WIDTHS_HZ = (90.0, 110.0, 170.0)
_HIGHEST_HZ = 3400.0

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Speaker:
    """What tells one voice from another: pitch, size of the mouth (1 = a man's), syllables a second."""

    pitch_hz: float
    formants: float
    syllables_per_s: float


DEBTORS: Final = (Speaker(118, 1.0, 4.6), Speaker(205, 1.15, 5.2), Speaker(96, 0.95, 4.0), Speaker(182, 1.12, 4.4))
AGENTS: Final = (Speaker(215, 1.17, 5.0), Speaker(126, 1.02, 5.4), Speaker(192, 1.13, 4.7))


@lru_cache(maxsize=len(DEBTORS) * len(AGENTS))
def conversation(debtor: int, agent: int) -> bytes:
    """Return 20 s of a conversation to be played in a loop: 16 bit, 8 kHz, left the debtor, right the agent.

    Any seeds will do: there are 4 debtors' voices and 3 agents'. The first use of a voice costs some 50 ms.
    """
    pair = np.empty((_FRAMES, 2), dtype="<i2")
    pair[:, 0] = _voice("debtor", debtor % len(DEBTORS))
    pair[:, 1] = _voice("agent", agent % len(AGENTS))
    return pair.tobytes()


@lru_cache(maxsize=len(DEBTORS) + len(AGENTS))
def _voice(side: str, which: int) -> Samples:
    speaker = (AGENTS if side == "agent" else DEBTORS)[which]
    rng = np.random.default_rng([which, side == "agent"])
    sound = _speech(speaker, rng) * _turns(agent=side == "agent")
    spoken = sound[sound != 0]
    loud: Samples = np.clip(sound * (_LOUDNESS / np.sqrt(np.mean(spoken**2))), -32000, 32000)
    return loud


def _turns(*, agent: bool) -> Samples:
    """Return 1 where this side speaks, 0 where it listens; the edges are soft, and nobody is interrupted."""
    speaks = np.zeros(_FRAMES)
    for turn, (begins_s, ends_s) in enumerate(pairwise(_TURNS_S)):
        if (turn % 2 == 0) == agent:
            speaks[round(begins_s * RATE_HZ) : round((ends_s - _BREATH_S) * RATE_HZ)] = 1.0
    edge = np.hanning(161)
    return np.convolve(speaks, edge / edge.sum(), mode="same")


def _speech(speaker: Speaker, rng: np.random.Generator) -> Samples:
    count = round(LOOP_S * speaker.syllables_per_s)
    marks = np.linspace(0, _FRAMES, count + 1).round()
    marks[1:-1] += rng.uniform(-0.2, 0.2, count - 1) * _FRAMES / count
    moments = np.arange(_FRAMES)
    place = np.interp(moments, marks, np.arange(count + 1.0))
    within = place % 1
    pitch = speaker.pitch_hz * np.interp(place, np.arange(count + 1), 1 + 0.12 * rng.standard_normal(count + 1))
    vowels = np.array(_VOWELS_HZ, dtype=float)[rng.integers(0, len(_VOWELS_HZ), count + 1)] * speaker.formants
    formants = [np.interp(place, np.arange(count + 1), vowels[:, number]) for number in range(3)]
    voiced = np.sin(np.pi * np.clip((within - 0.12) / 0.8, 0, 1)) ** 0.6
    hiss = np.clip(1 - within / 0.14, 0, 1) * rng.integers(0, 2, count + 1)[place.astype(int)]
    sound: Samples = _harmonics(pitch, formants) * voiced + 0.25 * hiss * rng.standard_normal(_FRAMES)
    return sound


def _harmonics(pitch: Samples, formants: list[Samples]) -> Samples:
    """Sum the harmonics of a voice, each as loud as the formants let it through."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    # sin((n + 1) x) = 2 cos(x) sin(n x) - sin((n - 1) x): one sine instead of thirty.
    turn, before, wave = 2 * np.cos(phase), np.zeros_like(phase), np.sin(phase)
    sound = np.zeros_like(phase)
    for number in range(1, int(_HIGHEST_HZ / float(pitch.min())) + 1):
        hz = number * pitch
        gain = sum(1 / (1 + ((hz - at) / width) ** 2) for at, width in zip(formants, _WIDTHS_HZ, strict=True))
        sound += np.where(hz < _HIGHEST_HZ, gain, 0.0) * wave / number**0.5
        before, wave = wave, turn * wave - before
    return sound
