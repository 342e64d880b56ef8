"""The report names every refused row, and no spreadsheet runs what stands in it."""

from __future__ import annotations

import csv
from pathlib import Path

from campaigns.lists.report import Report
from campaigns.lists.rows import Reject


def test_what_begins_like_a_formula_is_only_text(tmp_path: Path):
    with Report(tmp_path / "l.csv") as report:
        report.add([Reject(2, "name", "=HYPERLINK(1)", "control"), Reject(3, "phone", "+57", "short", imported=True)])
    with report.path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["line", "column", "value", "reason", "result"],
        ["2", "name", "'=HYPERLINK(1)", "control", "rejected"],
        ["3", "phone", "'+57", "short", "imported"],
    ]
    assert (report.rejected, report.remarks) == (1, 1)


def test_where_there_is_nothing_to_tell_an_older_report_goes(tmp_path: Path):
    old = tmp_path / "l.csv.rejects.csv"
    old.write_text("old", encoding="utf-8")
    with Report(tmp_path / "l.csv") as report:
        report.add([])
    assert report.where is None
    assert not old.exists()


def test_a_dry_run_writes_nothing(tmp_path: Path):
    with Report(tmp_path / "l.csv", write=False) as report:
        report.add([Reject(2, "name", "x", "y")])
    assert list(tmp_path.iterdir()) == []
    assert len(report.first) == 1
