"""History for a warm start: yesterday's calls and talks of the same list, as a dialer would have stored them."""

from __future__ import annotations

from math import inf
from random import Random

from dialer.bench.pacing.scenarios import Scenario
from dialer.bench.pacing.workload import World
from dialer.pacing import PastCall, PastTalk, Prior

CALLS = 3000


def taught(scenario: Scenario, seed: int) -> Prior:
    """Return the belief after a day of this list; other calls than those of the run with the same seed."""
    rng = Random(f"{seed}-yesterday")  # noqa: S311 - a simulation, not a secret
    pairs = [_yesterday(scenario.workload, rng) for _ in range(CALLS)]
    return Prior.from_history([call for call, _ in pairs], [talk for _, talk in pairs if talk])


def _yesterday(workload: World, rng: Random) -> tuple[PastCall, PastTalk | None]:
    fate = workload.fate(rng, 0.0, workload.odds(rng))
    if fate.answered_at == inf:
        return PastCall(ended_s=fate.fails_at), None
    call = PastCall(fate.classified_at, fate.answered_at, fate.classified_at, fate.live)
    if not fate.live:
        return call, None
    handling = workload.handling(rng, fate.answerer)
    return call, PastTalk(handling.talk_s, handling.wrap_s)
