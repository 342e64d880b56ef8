"""A world whose numbers say what happens, by their last three digits.

| digits | what happens |
| --- | --- |
| one of `REFUSALS` | that SIP status |
| 000 | nothing is ever answered |
| 180 | it rings until it is cancelled |
| 181 | nothing for 3 s, then it rings until it is cancelled |
| 201 | answered; the debtor hangs up after `talk_s` |
| 202 | answered; an answering machine speaks its greeting |
| 203 | answered; the debtor hangs up after 0.5 s |
| 204, 205 | answered; the debtor presses 1 (2) in the menu |
| 206 | answered; the debtor says nothing |
| any other | answered; the debtor talks until the dialer hangs up |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from dialer.simulation.far_end import Reply

_CLIENT = (401, 403, 404, 405, 408, 410, 420, 480, 481, 484, 485, 486, 487, 488)
_SERVER = (500, 501, 502, 503, 504, 505, 599, 600, 603, 604, 606)
REFUSALS: Final = frozenset({*_CLIENT, *_SERVER})
"""SIP statuses a number can ask for."""

LATE_S: Final = 3.0
SHORT_S: Final = 0.5

_SILENT = Reply()
_RINGS = Reply(rings_after_s=0.0)
_LATE = Reply(rings_after_s=LATE_S)
_NEVER_ANSWERED: Mapping[int, Reply] = {0: _SILENT, 180: _RINGS, 181: _LATE}
_MACHINE = {"machine": True, "amd_s": 0.75, "amd_status": "MACHINE", "amd_cause": "LONGGREETING-750-750"}
_MUTE = {"amd_s": 1.2, "amd_status": "NOTSURE", "amd_cause": "TOOLONG-1200"}


class Numbers:
    """Answers every call by its number; `ring_s` passes before an answer, `talk_s` before a 201 hangs up."""

    def __init__(self, *, ring_s: float = 0.05, talk_s: float = 3.0) -> None:
        self._answered = Reply(rings_after_s=0.0, ends_after_s=ring_s, amd_s=0.6, amd_cause="HUMAN-300-300")
        self._by_digits = {**_NEVER_ANSWERED, **self._talks(talk_s)}

    def called(self, number: str, trunk: str, at: datetime) -> Reply:
        """Return what the last three digits say; a number without three digits is answered."""
        digits = int(number[-3:]) if number[-3:].isdecimal() else -1
        if digits in REFUSALS:
            return Reply(ends_after_s=0.0, sip=digits)
        return self._by_digits.get(digits, self._answered)

    def _talks(self, talk_s: float) -> dict[int, Reply]:
        ways: dict[int, dict[str, object]] = {
            201: {"talk_s": talk_s, "patience_s": talk_s},
            202: _MACHINE,
            203: {"talk_s": SHORT_S, "patience_s": SHORT_S},
            204: {"menu_choice": "callback"},
            205: {"menu_choice": "optout"},
            206: _MUTE,
        }
        return {digits: replace(self._answered, **way) for digits, way in ways.items()}  # type: ignore[arg-type]
