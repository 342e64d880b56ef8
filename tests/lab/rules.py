"""The rules of the laboratory: its debtors are machines, so they may be called at any hour, and more often."""

from __future__ import annotations

from pathlib import Path

PROFILES = ("base", "ar", "ar_caba")
"""What binds a debtor of the laboratory, and must be approved by somebody."""

_TEXT = """\
schema = 1

[base]
version = "laboratory"
tz = { evidence = ["debtor", "address", "phone"], policy = "all", unknown = "block" }
close = { rule = "no_ring_after", guard_s = 10 }
ring = { min_s = 15, max_s = 60 }
connect = { within_s = 2, from = "greeting_start" }
caps = [{ on = "attempt", key = "phone", max = 20, per = "calendar:1d", r = "house" }]
caller_id = { withheld = "forbid", callback = "required" }
dnc = ["internal", "wrong_number", "cease_request", "represented", "deceased"]
third_party = "block"
attempt_counts = ["ring", "voicemail", "answer"]

[base.abandon]
max = 0.03
target = 0.025
key = "campaign"
per = "calendar:1d"
over = "live"
message = "required"
message_within_s = 2
r = "house"

[ar]
version = "laboratory"
match = { country = "AR" }
windows = ["mon-sun 00:00-24:00"]
"""


def lay_rules(directory: Path) -> Path:
    """Write the laboratory's profiles into a directory and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "laboratory.toml").write_text(_TEXT, encoding="utf-8")
    return directory
