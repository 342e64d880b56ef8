"""Which phone to call: the one most likely to reach the debtor, by what became of the calls to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from campaigns.cadence.tries import Try

PRIOR: Final = 2.0
"""A phone nobody has called is believed as much as two calls would tell."""

USUAL: Final = 0.3
"""Part of the calls that reach the debtor, of a phone of which nothing else is known."""

BY_RANK: Final = 0.98
"""How much less is expected of each further phone: little, so that an unanswered one gives way to the next."""


def best_phone(tries: Sequence[Try], phones: Sequence[int]) -> int:
    """Return the phone to call next, of those in use in the order of the list; `phones` is not empty.

    Each unanswered call lowers a phone's turn and the debtor's own voice raises it, so that phones alternate until
    one of them has reached the debtor, and that one is given up only after several calls in vain.
    """
    scores = _scores(tries, phones)
    return max(phones, key=lambda phone: scores[phone])


def _scores(tries: Sequence[Try], phones: Sequence[int]) -> dict[int, float]:
    told = {phone: [0, 0] for phone in phones}
    for each in tries:
        if each.phone_id in told and each.reached is not None:
            told[each.phone_id][0] += each.reached
            told[each.phone_id][1] += 1
    return {
        phone: (reached + PRIOR * USUAL * BY_RANK**place) / (calls + PRIOR)
        for place, (phone, (reached, calls)) in enumerate(told.items())
    }
