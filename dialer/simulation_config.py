"""The table of config.toml that gives a simulated Asterisk another time than the machine's."""

from __future__ import annotations

from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from dialer.validation import Section


class SimulationConfig(Section):
    """Time as a simulated Asterisk has it; left alone, business time is the machine's.

    `starts_at` is the business time at the machine's time `anchor`; from there it runs `speed` times as fast.
    """

    speed: float = Field(default=1.0, gt=0, le=200)
    starts_at: AwareDatetime | None = None
    anchor: AwareDatetime | None = None

    @property
    def on(self) -> bool:
        """Whether business time is not the machine's."""
        return self.starts_at is not None

    @model_validator(mode="after")
    def _both_ends(self) -> Self:
        if (self.starts_at is None) != (self.anchor is None):
            raise ValueError("'starts_at' and 'anchor' belong together; give both or neither")
        if self.speed != 1 and self.starts_at is None:
            raise ValueError(f"speed = {self.speed:g} needs 'starts_at' and 'anchor': the moment it counts from")
        return self
