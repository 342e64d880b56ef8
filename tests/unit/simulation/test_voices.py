"""What recordings of the simulated node sound like."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dialer.simulation.voices import AGENTS, DEBTORS, FRAME_BYTES, LOOP_S, RATE_HZ, conversation

AUDIBLE = 1000


def sides(debtor: int = 0, agent: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    samples = np.frombuffer(conversation(debtor, agent), dtype="<i2").astype(np.float64)
    return samples[0::2], samples[1::2]


def rms(samples: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def talks(samples: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each tenth of a second whether somebody is heard."""
    pieces = samples[: len(samples) // 800 * 800].reshape(-1, 800)
    heard: NDArray[np.bool_] = np.sqrt(np.mean(pieces**2, axis=1)) > 200
    return heard


def test_the_loop_is_twenty_seconds_of_frames():
    assert len(conversation(0, 0)) == LOOP_S * RATE_HZ * FRAME_BYTES


@pytest.mark.parametrize("who", range(max(len(DEBTORS), len(AGENTS))))
def test_both_are_heard_and_nobody_shouts(who: int):
    for side in sides(who, who):
        assert rms(side) > AUDIBLE
        assert np.max(np.abs(side)) <= 32000


def test_they_take_turns():
    debtor, agent = map(talks, sides())
    assert 0.25 < debtor.mean() < 0.75
    assert 0.25 < agent.mean() < 0.75
    assert (debtor & agent).mean() < 0.05


def test_it_is_a_voice_and_neither_noise_nor_a_tone():
    debtor, _ = sides()
    spectrum = np.abs(np.fft.rfft(debtor)) ** 2
    hz = np.fft.rfftfreq(len(debtor), 1 / RATE_HZ)
    below, above = spectrum[(hz > 80) & (hz < 1000)].sum(), spectrum[hz > 3500].sum()
    assert below / spectrum.sum() > 0.5
    assert above / spectrum.sum() < 0.1
    flatness = np.exp(np.mean(np.log(spectrum + 1e-9))) / np.mean(spectrum)
    assert flatness < 0.3
    assert spectrum.max() / spectrum.sum() < 0.05


def test_a_seed_is_a_voice():
    assert conversation(1, 2) == conversation(1 + len(DEBTORS), 2 + len(AGENTS))
    assert conversation(0, 0) != conversation(1, 0)
