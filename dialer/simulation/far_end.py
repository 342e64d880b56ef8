"""What stands behind the simulated node: how a dialled number behaves, and which softphones are there.

All durations are seconds of business time; the node divides by the clock's speed where it waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Protocol

ANSWERED = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """The life of one call as the called side will live it, whatever the node does meanwhile.

    `rings_after_s` counts from the call's start; None never rings. `ends_after_s` counts from the call's start too:
    then `sip` is sent (200 answers, anything else refuses); inf leaves it ringing until somebody gives up.
    `amd_status` (HUMAN, MACHINE, NOTSURE) and `amd_cause` are what AMD() finds after `amd_s`.
    After the answer: the called side hangs up `patience_s` after the answer while nobody has joined it, or `talk_s`
    after it was joined to an agent; inf waits for us. `menu_choice` (callback, optout, none) is the key pressed in the
    menu of the abandonment message. `speech_seed` picks the voice in a recording.
    """

    rings_after_s: float | None = None
    ends_after_s: float = inf
    sip: int = ANSWERED
    machine: bool = False
    amd_s: float = 1.0
    amd_status: str = "HUMAN"
    amd_cause: str = "HUMAN-800-800"
    talk_s: float = inf
    patience_s: float = inf
    menu_choice: str = "none"
    speech_seed: int = 0


class FarEnd(Protocol):
    """The world beyond the trunks."""

    def called(self, number: str, trunk: str, at: datetime) -> Reply:
        """Return how this call will go; `at` is business time. Called once for every call placed."""
        ...


@dataclass(frozen=True, slots=True)
class LegReply:
    """How a softphone takes a call: answers after so long, or refuses with a SIP status."""

    answers_after_s: float = 0.5
    sip: int = ANSWERED
