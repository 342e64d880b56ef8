"""What a running engine tells of itself on /metrics, and what its memory does; read before and after."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from dialer.bench.machine import used_s

_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
SCRAPE_S = 5.0


@dataclass(frozen=True, slots=True)
class Scrape:
    """Counts at one moment: `buckets` of each histogram by upper bound, added up over labels."""

    buckets: Mapping[str, Mapping[float, float]]

    def since(self, before: Scrape, name: str) -> Mapping[float, float]:
        """Return how many values lay at or below each bound between two scrapes."""
        then = before.buckets.get(name, {})
        return {bound: count - then.get(bound, 0.0) for bound, count in self.buckets.get(name, {}).items()}


def scrape(address: str) -> Scrape:
    """Read http://address/metrics."""
    with urlopen(f"http://{address}/metrics", timeout=SCRAPE_S) as answer:
        return parse(answer.read().decode())


def parse(text: str) -> Scrape:
    """Read the text of /metrics."""
    found: dict[str, dict[float, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                buckets = found.setdefault(family.name, {})
                bound = float(sample.labels["le"])
                buckets[bound] = buckets.get(bound, 0.0) + sample.value
    return Scrape(found)


def quantile_ms(counts: Mapping[float, float], share: float) -> float | None:
    """Return the milliseconds below which `share` of all values lie, None without values.

    Within a bucket values are taken to be spread evenly; beyond the last bound that bound is the answer.
    """
    bounds = sorted(counts)
    total = counts[bounds[-1]] if bounds else 0.0
    if not total:
        return None
    below, from_s = 0.0, 0.0
    for bound in bounds:
        if counts[bound] >= share * total and bound != float("inf"):
            within = (share * total - below) / (counts[bound] - below) if counts[bound] > below else 1.0
            return round((from_s + (bound - from_s) * within) * 1000, 2)
        below, from_s = counts[bound], from_s if bound == float("inf") else bound
    return round(from_s * 1000, 2)


class MemoryMeter:
    """Samples a process's resident memory every second in a thread of its own until it is read."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = Event()
        self._began = time.monotonic()
        self._samples: list[tuple[float, float]] = []
        self._thread = Thread(target=self._sample, name="memory", daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while True:
            self._samples.append((time.monotonic() - self._began, resident_mb(self._pid)))
            if self._over.wait(1.0):
                return

    def read(self) -> list[tuple[float, float]]:
        """End sampling and return seconds and megabytes, in order."""
        self._over.set()
        self._thread.join()
        return self._samples


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in megabytes, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_MB
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def slope_per_min(samples: Sequence[tuple[float, float]]) -> float | None:
    """Return by how much a minute the samples grow (least squares), None when there are fewer than three."""
    if len(samples) < 3:
        return None
    mean_s = sum(at for at, _ in samples) / len(samples)
    mean = sum(value for _, value in samples) / len(samples)
    spread = sum((at - mean_s) ** 2 for at, _ in samples)
    return 60 * sum((at - mean_s) * (value - mean) for at, value in samples) / spread


class ProcessorMeter:
    """Processor seconds a process has used since the meter was made."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = used_s(pid)

    def read(self) -> float:
        """Return the seconds, without its children's."""
        return used_s(self._pid) - self._before
