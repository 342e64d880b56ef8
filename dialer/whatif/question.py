"""Ask: with so many agents and these knobs, how would it have gone? Answered over several seeds, with the spread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Protocol

from dialer.bench.pacing.centre import Centre
from dialer.bench.pacing.scenarios import Presence, Scenario
from dialer.pacing import Decision, Fact, Pacer, PacingPolicy, Prior, Snapshot
from dialer.whatif.past import PastWorld


@dataclass(frozen=True, slots=True)
class Question:
    """So many agents, this policy, for so long."""

    agents: int
    policy: PacingPolicy
    hours: float = 4.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure over the seeds: mean, and the least and most of any seed."""

    mean: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What would be: shares of one, seconds, calls per hour; `lines` are channels to debtors, `peak` the most."""

    utilisation: Figure
    idle_wait_s: Figure
    abandonment: Figure
    lines: Figure
    peak_lines: Figure
    calls_per_hour: Figure
    conversations_per_hour: Figure


Run = tuple[float, ...]


class Mapped(Protocol):
    """`map`, or a pool's."""

    def __call__(self, work: Callable[[int], Run], seeds: Iterable[int], /) -> Iterable[Run]:
        """Return the work done for each seed, in order."""
        ...


def answer(world: PastWorld, prior: Prior, question: Question, seeds: Sequence[int], mapped: Mapped = map) -> Answer:
    """Live through the hours once per seed; the pacer starts with what the campaign knows, as it would.

    `mapped` spreads the seeds over processes.
    """
    runs = list(mapped(partial(_lived, world, prior, question), seeds))
    return Answer(*(_figure(values) for values in zip(*runs, strict=True)))


def _lived(world: PastWorld, prior: Prior, question: Question, seed: int) -> Run:
    duration_s = question.hours * 3600
    agents = ((Presence(0.0, duration_s),),) * question.agents
    watched = _Watched(Pacer(question.policy, prior))
    tally = Centre(Scenario("what if", world, agents, duration_s), watched, seed).run()
    return (
        tally.busy_s / max(tally.staffed_s, 1.0),
        tally.idle_s / max(tally.connected, 1),
        tally.abandoned / max(tally.live, 1),
        watched.lines / max(watched.looks, 1),
        float(watched.peak),
        tally.dialled / question.hours,
        tally.connected / question.hours,
    )


def _figure(values: Sequence[float]) -> Figure:
    return Figure(fmean(values), min(values), max(values))


class _Watched:
    """A pacer whose lines are counted with every look at the centre."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self.tick_s = pacer.tick_s
        self.lines = self.peak = self.looks = 0

    def observe(self, fact: Fact) -> None:
        """Pass the fact on."""
        self._pacer.observe(fact)

    def decide(self, snapshot: Snapshot) -> Decision:
        """Count the lines in use and pass the question on."""
        lines = snapshot.call_stage.size + snapshot.talking_since.size
        self.lines += lines
        self.peak = max(self.peak, lines)
        self.looks += 1
        return self._pacer.decide(snapshot)
