"""How many of independent events happen, each with its own probability: exactly, or nearly for many."""

from __future__ import annotations

from math import pi

import numpy as np
import numpy.typing as npt

from dialer.pacing.snapshot import Floats

WINDOW = 64
"""Counts that the exact distribution tells apart: those within 32 of the mean, 6 standard deviations or more."""
MOST_EXACT = 230
"""Events up to which the exact distribution is worked out."""
_COUNTS = np.arange(WINDOW)
_FREQUENCIES = WINDOW // 2 + 1
_TURNS: npt.NDArray[np.complex128] = np.exp(-2j * pi * np.arange(_FREQUENCIES) / WINDOW) - 1


def distribution(chances: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return for each column of chances (one row an event) the probabilities of WINDOW counts, and the first count.

    By the characteristic function: the transform of the sum is the product over the events. Probability that lies
    outside the window folds into it; at MOST_EXACT events that is less than 1e-8.
    """
    factors = chances.T[:, :, None] * _TURNS
    factors += 1
    folded = np.fft.irfft(np.multiply.reduce(factors, axis=1), WINDOW)
    first = np.rint(chances.sum(axis=0)).astype(np.int64) - WINDOW // 2
    counts = (first[:, None] + _COUNTS) % WINDOW
    probabilities: Floats = np.maximum(folded[np.arange(len(first))[:, None], counts], 0.0)
    return probabilities, first


def normal_cdf(x: Floats) -> Floats:
    """Return the standard normal distribution function, to 1e-7 (Abramowitz and Stegun 26.2.17)."""
    t = 1 / (1 + 0.2316419 * np.abs(x))
    tail = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    upper = np.exp(-x * x / 2) / np.sqrt(2 * pi) * tail
    below: Floats = np.where(x >= 0, 1 - upper, upper)
    return below


def at_most(count: float, mean: Floats, variance: Floats, third: Floats) -> Floats:
    """Return P(sum <= count) from the first three cumulants: normal, corrected for skew (Edgeworth, first order)."""
    spread = np.sqrt(np.maximum(variance, 1e-9))
    x = (count + 0.5 - mean) / spread
    skew = np.clip(third / spread**3, -0.5, 0.5)
    near = np.clip(x, -2.5, 2.5)  # farther out the correction would turn the function around
    corrected = normal_cdf(x) - skew / 6 * (near * near - 1) * np.exp(-x * x / 2) / np.sqrt(2 * pi)
    tail: Floats = np.clip(corrected, 0.0, 1.0)
    return tail
