"""One line when a part is lost, one when it is back; nothing in between."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Outage:
    """Remembers whether `part` is lost, so that a long outage does not fill the log."""

    part: str
    lost: bool = False

    def begins(self, detail: str) -> None:
        """Say once that the part is lost, and why."""
        if not self.lost:
            log.error("part_lost", part=self.part, detail=detail)
        self.lost = True

    def over(self) -> None:
        """Say once that the part is back."""
        if self.lost:
            log.info("part_back", part=self.part)
        self.lost = False
