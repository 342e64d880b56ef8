"""Which segment an account belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from campaigns.segments.facts import AccountFacts
from campaigns.segments.matching import predicate
from campaigns.segments.rules import Rule


class Ruled(Protocol):
    """A segment as far as belonging to it goes; `dialer.campaign_file.SegmentConfig` is one."""

    @property
    def name(self) -> str:
        """How rows of a list name it."""
        ...

    @property
    def priority(self) -> int:
        """Whoever falls under several belongs to the highest."""
        ...

    @property
    def where(self) -> Rule | None:
        """Who belongs to it; None: only rows that name it."""
        ...


def assign(segments: Iterable[Ruled], facts: AccountFacts) -> str | None:
    """Return the segment of highest priority whose rule these facts match, the first by name among equals.

    None when none does; a segment without a rule takes only rows that name it, which is the caller's to look at.
    """
    best: Ruled | None = None
    for segment in segments:
        if segment.where is None or (best is not None and not _before(segment, best)):
            continue
        if predicate(segment.where)(facts):
            best = segment
    return best.name if best else None


def _before(one: Ruled, other: Ruled) -> bool:
    return (-one.priority, one.name) < (-other.priority, other.name)
