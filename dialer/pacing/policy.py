"""The knobs of a campaign's pacing, checked where they are made."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan

from dialer.types import DialerError

MODES = ("preview", "progressive", "ratio", "predictive")
"""Modes a Pacer can be given."""


class PolicyError(DialerError):
    """A pacing knob, or the mode, cannot be used; the message names it and what is possible."""

    error_id = "pacing-policy"


@dataclass(frozen=True, slots=True)
class PacingPolicy:
    """What the supervisor may turn while the campaign runs; times in seconds, shares of one.

    `lines_per_agent` serves mode `ratio`. `max_lines_per_agent` bounds calls not yet joined, per logged-in agent.
    `abandon_target` is where mode `predictive` aims, `abandon_limit` where it falls back to one call per free agent;
    `expected_live_answers` of the campaign day says how much of the limit may be drawn on before they are there.
    """

    mode: str = "predictive"
    abandon_target: float = 0.025
    abandon_limit: float = 0.03
    patience_s: float = 2.0
    ring_timeout_s: float = 28.0
    min_ring_s: float = 15.0
    lines_per_agent: float = 2.0
    max_lines_per_agent: float = inf
    max_calls_per_s: float = inf
    expected_live_answers: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no campaign can mean: raises PolicyError naming the knob and its value."""
        for knob in (
            "patience_s",
            "ring_timeout_s",
            "min_ring_s",
            "lines_per_agent",
            "max_lines_per_agent",
            "max_calls_per_s",
        ):
            self._check(knob, 0.0, inf)
        self._check("abandon_target", 0.0, 1.0)
        self._check("abandon_limit", 0.0, 1.0)
        if self.expected_live_answers is not None:
            self._check("expected_live_answers", 0.0, inf)

    def _check(self, knob: str, low: float, high: float) -> None:
        value = getattr(self, knob)
        if isnan(value) or not low <= value <= high:
            raise PolicyError(f"pacing knob {knob} = {value!r}: give a number from {low:g} to {high:g}")
