"""The calls of a bench: a fixed mix of endings by the last digits of the number, and what the books may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MIX: Mapping[int, int] = {201: 30, 486: 18, 480: 22, 404: 10, 503: 8, 603: 7, 180: 5}
"""What happens to each hundred calls, by the last digits of the number."""

EXPECTED: Mapping[int, frozenset[str]] = {
    201: frozenset({"answered", "abandoned", "early_hangup"}),
    486: frozenset({"busy"}),
    480: frozenset({"no_answer"}),
    404: frozenset({"invalid"}),
    503: frozenset({"congestion"}),
    603: frozenset({"rejected"}),
    180: frozenset({"no_answer", "cancelled"}),
}
"""The outcomes each of them may come to."""


def phones(count: int) -> list[str]:
    """Return so many numbers; the mix is spread evenly, so that every second has its share of every outcome."""
    wheel = _spread(MIX)
    return [f"+5411{40000000 + number * 1000 + wheel[number % len(wheel)]}" for number in range(count)]


def _spread(mix: Mapping[int, int]) -> list[int]:
    placed = sorted((turn / share, tail) for tail, share in mix.items() for turn in range(share))
    return [tail for _, tail in placed]


def differences(attempts: Sequence[Mapping[str, Any]], placed: Mapping[str, int], answered: set[str]) -> list[str]:
    """Return every number on which the books and the far end disagree; `placed` is how often each was called."""
    told = {str(attempt["phone"]): attempt for attempt in attempts}
    found = [f"{number}: called, not in the books" for number in placed if number not in told]
    for number, attempt in told.items():
        if number not in placed:
            found.append(f"{number}: {attempt['outcome']} in the books, never called")
        elif attempt["outcome"] not in EXPECTED[int(number[-3:])]:
            found.append(f"{number}: {attempt['outcome']} in the books")
        elif (number in answered) != (attempt["answered_at"] is not None):
            found.append(f"{number}: far end and books disagree on the answer")
    return sorted(found)
