"""The benchmarks run, and what they check besides time holds in the small as well."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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


@pytest.mark.redis
@pytest.mark.timeout(150)
def test_the_queues_are_measured_on_a_redis_of_their_own(tmp_path: Path):
    figures = _figures(tmp_path, "queues", "--quick", "--json")
    times = {name: row["p50_ms"] for name, row in figures["timings"].items()}
    assert min(times.values()) > 0
    assert times["PING"] < times["lease 100 of 10000"]
    assert min(figures["may_dial_per_s_per_core"], figures["ledger_bytes_per_event"]) > 0


@pytest.mark.redis
@pytest.mark.timeout(150)
def test_engines_and_redis_killed_again_and_again_call_everybody_once_and_nobody_twice_at_once(tmp_path: Path):
    figures = _figures(tmp_path, "queues", "--chaos", "--leases", "4000", "--json")
    assert figures["leases"] == 4000
    assert figures["called_twice"] == figures["debtor_at_once"] == figures["phone_at_once"] == []
    assert min(figures["engine_kills"], figures["redis_kills"]) > 0


def _figures(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [*_dialer(), "bench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=140, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.mark.postgres
@pytest.mark.timeout(150)
def test_a_short_list_goes_into_both_databases():
    command = [*_dialer(), "bench", "import", "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=140, check=False)
    assert done.returncode == 0, done.stderr
    imports = json.loads(done.stdout)["imports"]
    assert [each["database"] for each in imports] == ["sqlite", "postgresql"]
    assert all(each["imported"] == each["rows"] for each in imports)
    assert all(each["peak_mb"] < 512 for each in imports)


def _dialer() -> list[str]:
    return [sys.executable, "-c", "from dialer.cli import main; main()"]
