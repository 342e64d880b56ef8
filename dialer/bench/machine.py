"""What the machine and a process did while something was measured."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


class CpuMeter:
    """Cores used by a process and its children since the meter was made."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began = time.monotonic()
        self._own, self._theirs = used_s(pid), sum(map(used_s, children(pid)))

    def cores(self) -> float:
        """Return the cores the process itself used, its threads included."""
        return (used_s(self._pid) - self._own) / (time.monotonic() - self._began)

    def children_cores(self) -> float:
        """Return the cores its living child processes used."""
        return (sum(map(used_s, children(self._pid))) - self._theirs) / (time.monotonic() - self._began)


class MachineMeter:
    """Load averages, and how busy all cores were since the meter was made."""

    def __init__(self) -> None:
        self._before = _machine_ticks()
        self._load_before = os.getloadavg()[0]

    def read(self) -> Mapping[str, float]:
        """Return cores there are, the share of them that was busy, and the load averages before and after."""
        busy, total = (after - before for after, before in zip(_machine_ticks(), self._before, strict=True))
        return {
            "cores": float(os.cpu_count() or 0),
            "busy": round(busy / total, 3) if total else 0.0,
            "load_before": round(self._load_before, 2),
            "load_after": round(os.getloadavg()[0], 2),
        }


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which `share` of all values lie (nearest rank), None without values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def used_s(pid: int) -> float:
    """Return the processor seconds a process has used so far, 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def children(pid: int) -> list[int]:
    """Return the living processes that a process began, and those they began."""
    found = [
        int(child) for tasks in Path(f"/proc/{pid}/task").glob("*/children") for child in tasks.read_text().split()
    ]
    return found + [grandchild for child in found for grandchild in children(child)]


def _machine_ticks() -> tuple[int, int]:
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
