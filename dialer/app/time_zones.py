"""Which time zone rules hold."""

from __future__ import annotations

import zoneinfo


def pin_time_zones() -> None:
    """Use the packaged time zone rules, never the machine's: they may be years apart."""
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
