"""What a Pacer believes before it has seen anything: defaults of telephony, or the campaign's own history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import numpy as np

from dialer.pacing.durations import DurationPrior
from dialer.pacing.policy import PolicyError
from dialer.pacing.progress import BINS, CLASS_STEP_S, CLASSES, ProgressPrior
from dialer.pacing.release import LONG_TALK_S
from dialer.pacing.snapshot import Floats

VERSION = 1
WARM_ANSWERS = 25.0
"""The most that stored history weighs in the answer rate, in live answers: yesterday's list is not today's."""
WARM_CALLS = 2000.0
WARM_TALKS = 150.0


@dataclass(frozen=True, slots=True)
class PastCall:
    """One call of stored history, in seconds from dialling; `answered_s` None where nobody and nothing answered."""

    ended_s: float
    answered_s: float | None = None
    classified_s: float | None = None
    live: bool = False


@dataclass(frozen=True, slots=True)
class PastTalk:
    """One conversation of stored history and the agent's work after it (s)."""

    talk_s: float
    wrap_s: float


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed at the start: the answer rate and its weight in live answers, calls' ways, talks, wrap-ups."""

    answer_rate: float
    answer_weight: float
    progress: ProgressPrior
    talk: DurationPrior
    short_wrap: DurationPrior
    long_wrap: DurationPrior

    @classmethod
    def default(cls, ring_timeout_s: float = 28.0) -> Prior:
        """Return the belief of a dialer that has seen nothing: weak, and soon outweighed."""
        return cls(
            answer_rate=0.2,
            answer_weight=2.0,
            progress=_telephony(ring_timeout_s),
            talk=DurationPrior.of_mean(120.0, 0.7),
            short_wrap=DurationPrior.of_mean(15.0, 0.7),
            long_wrap=DurationPrior.of_mean(15.0, 0.7),
        )

    @classmethod
    def from_history(cls, calls: Iterable[PastCall], talks: Iterable[PastTalk], ring_timeout_s: float = 28.0) -> Prior:
        """Return the belief after stored history of the campaign or its segments, shrunk towards the defaults."""
        start = cls.default(ring_timeout_s)
        called, talked = tuple(calls), tuple(talks)
        weight = min(1.0, WARM_CALLS / max(len(called), 1))
        live = sum(call.live for call in called)
        rate = (live + start.answer_rate * 10) / (len(called) + 10)
        lengths = np.array([talk.talk_s for talk in talked])
        wraps = np.array([talk.wrap_s for talk in talked])
        long = lengths >= LONG_TALK_S
        return replace(
            start,
            answer_rate=float(np.clip(rate, 1e-3, 0.95)),
            answer_weight=start.answer_weight + min(live / 4, WARM_ANSWERS),
            progress=_joined(start.progress, called, weight),
            talk=start.talk.joined(lengths, WARM_TALKS),
            short_wrap=start.short_wrap.joined(wraps[~long], WARM_TALKS),
            long_wrap=start.long_wrap.joined(wraps[long], WARM_TALKS),
        )

    def to_json(self) -> str:
        """Return the belief as text, to be stored."""
        return json.dumps({"version": VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Prior:
        """Return a stored belief; raises PolicyError for text that holds none."""
        try:
            stored = json.loads(text)
            if stored.pop("version") != VERSION:
                raise PolicyError("the stored prior is of another version: build it again from history")
            progress = {name: tuple(map(float, values)) for name, values in stored.pop("progress").items()}
            return cls(
                answer_rate=float(stored["answer_rate"]),
                answer_weight=float(stored["answer_weight"]),
                progress=ProgressPrior(**progress),
                talk=_duration(stored["talk"]),
                short_wrap=_duration(stored["short_wrap"]),
                long_wrap=_duration(stored["long_wrap"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise PolicyError(f"the stored prior cannot be read ({exc}): build it again from history") from exc


def _duration(stored: dict[str, list[float]]) -> DurationPrior:
    return DurationPrior(tuple(map(float, stored["events"])), tuple(map(float, stored["exposure_s"])))


def _telephony(ring_timeout_s: float, weight: float = 60.0) -> ProgressPrior:
    """Return what is common: people answer within half a minute, voicemail at once or after four rings."""
    age = np.arange(BINS, dtype=np.float64) + 0.5
    early: Floats = np.maximum(age - 2.5, 0.0)
    live = _share(np.where(age < ring_timeout_s + 3, early * np.exp(-early / 6.0), 0.0))
    machine = 0.25 * _share(np.exp(-(((age - 2.5) / 1.5) ** 2))) + 0.75 * _share(np.exp(-(((age - 23) / 4) ** 2)))
    refused = _share(np.where(age < 5, 1.0, 0.0))
    rung_out = _share(np.exp(-(((age - ring_timeout_s - 2) / 1.5) ** 2)))
    counts = [weight * part for part in (0.2 * live, 0.34 * machine, 0.13 * refused + 0.33 * rung_out)]
    leaving = sum(counts, np.zeros(BINS))
    at_risk = weight - np.cumsum(leaving) + leaving / 2
    quarter = np.arange(CLASSES, dtype=np.float64) * CLASS_STEP_S + CLASS_STEP_S / 2
    live_class = 8 * _share(np.exp(-(((quarter - 1.5) / 0.8) ** 2)))
    other_class = 8 * _share(np.exp(-(((quarter - 2.2) / 1.0) ** 2)))
    columns = (np.maximum(at_risk, 0.05), *counts, live_class, other_class)
    return ProgressPrior(*(tuple(float(value) for value in column) for column in columns))


def _share(weights: Floats) -> Floats:
    shares: Floats = weights / weights.sum()
    return shares


def _joined(start: ProgressPrior, calls: tuple[PastCall, ...], weight: float) -> ProgressPrior:
    """Return the counts of calls of history added to a belief, each worth `weight`."""
    at_risk, live, answers, ends = (
        np.array(counts) for counts in (start.at_risk_s, start.live, start.other_answers, start.other_ends)
    )
    live_class, other_class = np.array(start.live_class), np.array(start.other_class)
    for call in calls:
        until = call.ended_s if call.answered_s is None else call.answered_s
        if not np.isfinite(until) or until < 0:
            continue
        second = int(min(until, BINS - 1))
        at_risk += weight * np.clip(until - np.arange(BINS), 0.0, 1.0)
        if call.answered_s is None:
            ends[second] += weight
            continue
        (live if call.live else answers)[second] += weight
        if call.classified_s is not None:
            step = int(np.clip((call.classified_s - call.answered_s) / CLASS_STEP_S, 0, CLASSES - 1))
            (live_class if call.live else other_class)[step] += weight
    columns = (at_risk, live, answers, ends, live_class, other_class)
    return ProgressPrior(*(tuple(float(value) for value in column) for column in columns))
