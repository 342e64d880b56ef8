"""What Asterisk makes of the end of a call: SIP status to Q.850 cause, and the words of the events. Pure."""

from __future__ import annotations

from typing import Final

NORMAL: Final = 16
NO_CAUSE: Final = 0

RING_TIMEOUT: Final = (19, "480")
"""Cause and TechCause when our own timeout ends the ringing."""

_BY_STATUS: Final = {
    401: 21,
    403: 21,
    404: 1,
    407: 21,
    408: 18,
    410: 22,
    420: 3,
    480: 19,
    483: 25,
    484: 28,
    485: 1,
    486: 17,
    488: 58,
    500: 38,
    501: 29,
    502: 27,
    504: 102,
    600: 17,
    603: 21,
    604: 1,
    606: 58,
}
_INTERWORKING, _CONGESTION = 127, 34
_NOT_SUPPORTED = frozenset({505})

_WORDS: Final = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    3: "No route to destination",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    21: "Call Rejected",
    22: "Number changed",
    25: "Exchange routing error",
    26: "Answered elsewhere",
    27: "Destination out of order",
    28: "Invalid number format",
    29: "Facility rejected",
    34: "Circuit/channel congestion",
    38: "Network out of order",
    58: "Bearer capability not available",
    102: "Recover on timer expiry",
    127: "Interworking, unspecified",
}

STATES: Final = {0: "Down", 4: "Ring", 5: "Ringing", 6: "Up", 7: "Busy"}
"""ChannelStateDesc of a ChannelState."""


def cause_of(status: int) -> int:
    """Return the cause that PJSIP derives from a refusal."""
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    return _CONGESTION if 500 <= status < 600 and status not in _NOT_SUPPORTED else _INTERWORKING


def dial_status(cause: int) -> str:
    """Return the DialStatus of a call that was refused with this cause."""
    return {17: "BUSY", 34: "CONGESTION"}.get(cause, "NOANSWER")


def words(cause: int) -> str:
    """Return the Cause-txt of a cause."""
    return _WORDS.get(cause, "Unknown")
