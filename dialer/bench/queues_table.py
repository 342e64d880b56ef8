"""The figures of `dialer bench queues`, for people."""

from __future__ import annotations

from rich.table import Table

from dialer.bench.queues import QueuesResult

LEASE_P99_MS = 5.0
RESERVE_P99_MS = 1.0
LOOKS_PER_S = 100_000
"""What is promised: a lease of 100, one reservation, looks at the clock a second and core."""


def table(result: QueuesResult) -> Table:
    """Return one row a kind of request, then what is not a time."""
    shown = Table(title="dialer bench queues", caption="milliseconds, network and our own side included")
    shown.add_column("request", no_wrap=True)
    for name in ("n", "p50", "p99", "max", "wanted p99"):
        shown.add_column(name, justify="right", no_wrap=True)
    for timing in result.timings:
        row = timing.figures()
        cells = (f"{row['n']:g}", f"{row['p50_ms']:.3f}", f"{row['p99_ms']:.3f}", f"{row['max_ms']:.3f}")
        shown.add_row(timing.name, *cells, _wanted(timing.name))
    shown.add_section()
    for name, value in result.values.items():
        limit = f">= {LOOKS_PER_S:,}" if name.startswith("may_dial") else ""
        shown.add_row(
            name.replace("_", " "), f"{value:,}" if isinstance(value, int | float) else value, "", "", "", limit
        )
    return shown


def _wanted(name: str) -> str:
    if name.startswith("lease"):
        return f"<= {LEASE_P99_MS:g}"
    return f"<= {RESERVE_P99_MS:g}" if name.startswith("reserve") else ""
