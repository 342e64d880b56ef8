"""The machine of the dialer: Python, time zone rules, room for recordings."""

from __future__ import annotations

import os
import sys
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from dialer.config import Config
from dialer.doctor.check import Check, Part
from recordings.files import free_mb

OLDEST_PYTHON, FIRST_UNTRIED_PYTHON = (3, 11), (3, 14)
PLENTY = 2.0
"""Free space below this multiple of what stops the calls is worth a warning."""

_PART = Part("machine")


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What this machine is like; zones that do not resolve are `unknown_zones`, folders map to free megabytes.

    `home` is the state directory, `writable` whether this user may write there (or make it).
    """

    python: tuple[int, int]
    tzdata: str
    unknown_zones: tuple[str, ...]
    zones: int
    free_mb: Mapping[str, float]
    home: str
    writable: bool


def machine_facts(config: Config, zones: Iterable[str]) -> MachineFacts:
    """Look at this machine; `zones` are those of the campaigns."""
    wanted = sorted({zone for zone in zones if zone})
    folders = {config.home, config.recordings_dir}
    return MachineFacts(
        python=sys.version_info[:2],
        tzdata=version("tzdata"),
        unknown_zones=tuple(zone for zone in wanted if not _resolves(zone)),
        zones=len(wanted),
        free_mb={str(folder): free_mb(folder) for folder in sorted(folders)},
        home=str(config.home),
        writable=os.access(_existing(config.home), os.W_OK | os.X_OK),
    )


def machine_checks(facts: MachineFacts, min_free_mb: int) -> list[Check]:
    """Judge this machine."""
    disks = [disk(_PART, *one, min_free_mb) for one in facts.free_mb.items()]
    return [_python(facts.python), _zones(facts), _home(facts), *disks]


def _home(facts: MachineFacts) -> Check:
    if facts.writable:
        return _PART.ok("state directory", facts.home)
    remedy = "run as its owner, or name another one (service.home, DIALER_HOME)"
    return _PART.failed("state directory", f"this user may not write to {facts.home}", remedy)


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def disk(part: Part, folder: str, free: float, wanted: int) -> Check:
    """Judge the room of one folder: below `wanted` megabytes no call is placed."""
    told = f"{folder}: {free:.0f} MB free"
    if free < wanted:
        remedy = f"make room: below {wanted} MB (recordings.min_free_mb) no call is placed"
        return part.failed("free disk", told, remedy)
    if free < wanted * PLENTY:
        return part.warn("free disk", told, f"make room soon: below {wanted} MB no call is placed")
    return part.ok("free disk", told)


def folder_free_mb(folder: Path) -> float:
    """Return the megabytes free where this folder is or will be."""
    return free_mb(folder)


def _python(found: tuple[int, int]) -> Check:
    told = f"Python {found[0]}.{found[1]}"
    if OLDEST_PYTHON <= found < FIRST_UNTRIED_PYTHON:
        return _PART.ok("Python", told)
    return _PART.failed("Python", told, "install the dialer with Python 3.11, 3.12 or 3.13")


def _zones(facts: MachineFacts) -> Check:
    if facts.unknown_zones:
        detail = f"tzdata {facts.tzdata} does not know {', '.join(facts.unknown_zones)}"
        return _PART.failed("time zones", detail, "'pip install --upgrade tzdata', or correct the campaign's time_zone")
    of = f", {facts.zones} zone(s) of campaigns resolve" if facts.zones else ""
    return _PART.ok("time zones", f"tzdata {facts.tzdata}{of}")


def _resolves(zone: str) -> bool:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return False
    return True
