"""One table from what Asterisk's Hangup says to how the attempt ended. Pure.

Measured on Asterisk 22 with PJSIP: OriginateResponse's Reason and DialStatus do not tell these apart, Cause and
TechCause do. Asterisk 20.19, 22.9, 23.3 or newer is needed for TechCause and for cause 19 on our own timeout.
"""

from __future__ import annotations

from dialer.types import Outcome

_BY_CAUSE: dict[int, Outcome] = {
    1: Outcome.INVALID,
    3: Outcome.INVALID,
    17: Outcome.BUSY,
    18: Outcome.NO_ANSWER,
    19: Outcome.NO_ANSWER,
    21: Outcome.REJECTED,
    22: Outcome.INVALID,
    27: Outcome.CONGESTION,
    28: Outcome.INVALID,
    34: Outcome.CONGESTION,
    38: Outcome.CONGESTION,
    42: Outcome.CONGESTION,
    58: Outcome.FAILED,
    102: Outcome.CONGESTION,
    127: Outcome.FAILED,
}

_TRUNK_REFUSES_US = frozenset({"401", "403", "407"})


def outcome_of_refusal(cause: int | None, tech_cause: str | None) -> Outcome:
    """Return the outcome of a call nobody answered.

    Cause 21 is a person or carrier blocking the call (603), unless the SIP code says that the trunk refuses us
    (401, 403, 407): then nobody was called and the try is given back. A cause outside the table is `failed`.
    """
    if cause == 21 and tech_cause in _TRUNK_REFUSES_US:
        return Outcome.FAILED
    return _BY_CAUSE.get(cause or 0, Outcome.FAILED)
