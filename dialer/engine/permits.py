"""Whether a campaign may call anybody at all: somebody answers for its rules, its past is known, its node is right."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Protocol

import structlog

from campaigns.approvals import Standing
from campaigns.compliance import Library, Profile
from dialer.engine.counsel import Counsel, Rules
from dialer.engine.lane import Lane
from dialer.types import Clock, Refused

log = structlog.get_logger("dialer.permits")

GOOD_FOR_S = 30.0
"""A permit is looked at again after so long, of the machine's time; one that is missing, at every look."""


class Books(Protocol):
    """The books, as far as they know who answers for what."""

    async def approvals(self, profiles: Iterable[Profile]) -> Mapping[str, Standing]:
        """Return how each profile stands."""
        ...

    async def standing(
        self, campaign_id: int, library: Library, now: datetime, real_nodes: Collection[str]
    ) -> tuple[Refused, ...]:
        """Return what forbids a whole campaign."""
        ...


class Permits:
    """Bars the lanes of campaigns that may not call, and tells counsel which profiles are approved."""

    def __init__(
        self,
        clock: Clock,
        books: Books,
        rules: Rules,
        counsel: Counsel,
        *,
        lanes: Callable[[], Iterable[Lane]],
        real_nodes: Collection[str],
    ) -> None:
        """`real_nodes` are those seen that are no simulated Asterisk."""
        self._clock = clock
        self._books = books
        self._rules = rules
        self._counsel = counsel
        self._lanes = lanes
        self._real_nodes = real_nodes
        self._library: Library | None = None
        self._looked_at: dict[int, tuple[float, Collection[str]]] = {}

    async def look(self) -> None:
        """Look at whatever is new, missing or old; raises Unavailable when the database is away."""
        library = self._rules.library
        self._counsel.standings = await self._books.approvals(library.profiles.values())
        if library is not self._library:
            self._library, self._looked_at = library, {}
        campaigns: dict[int, list[Lane]] = {}
        for lane in self._lanes():
            campaigns.setdefault(lane.campaign_id, []).append(lane)
        for campaign_id, lanes in campaigns.items():
            await self._look_at(campaign_id, lanes, library)

    async def _look_at(self, campaign_id: int, lanes: list[Lane], library: Library) -> None:
        real = frozenset(lane.node for lane in lanes) & frozenset(self._real_nodes)
        at, before = self._looked_at.get(campaign_id, (float("-inf"), frozenset()))
        fresh = self._clock.monotonic() - at < GOOD_FOR_S and before == real
        if fresh and all(lane.barred is None for lane in lanes):
            return
        found = await self._books.standing(campaign_id, library, self._clock.now(), real)
        self._looked_at[campaign_id] = (self._clock.monotonic(), real)
        why = "; ".join(f"{refused.rule}: {refused.detail}" for refused in found) or None
        for lane in lanes:
            if why is not None and lane.barred != why:
                log.warning("campaign may not call", campaign=lane.name, detail=why)
            lane.barred = why
