"""The benchmarks run, and what they check besides time holds in the small as well."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.asterisk
@pytest.mark.timeout(150)
def test_a_small_load_is_accounted_for_call_by_call(lab_root: Path):
    done = subprocess.run(
        [*_dialer(), "bench", "load", "--seconds", "5", "--rate", "20", "--agents", "20", "--json"],
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["calls"] == 100
    assert figures["differences"] == []
    assert figures["called_twice"] == []
    assert figures["recordings"] == figures["recordings_expected"] > 0
    assert figures["joins"] == figures["recordings_expected"]


@pytest.mark.timeout(150)
def test_a_small_load_on_a_simulated_node_needs_nothing_and_is_accounted_for(tmp_path: Path):
    done = subprocess.run(
        [*_dialer(), "bench", "load", "--simulated", "--seconds", "3", "--rate", "20", "--agents", "40", "--json"],
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["calls"] == (3 + 5) * 20
    assert figures["differences"] == []
    assert figures["called_twice"] == []
    assert figures["recordings"] == figures["recordings_expected"] > 0
    assert min(figures["event_lag_p99_ms"], figures["engine_ms_per_call"], figures["clients"]["ours_us"]) > 0


def _dialer() -> list[str]:
    return [sys.executable, "-c", "from dialer.cli import main; main()"]
