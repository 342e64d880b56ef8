"""An Asterisk node by its own answers: version, modules, clock, trunks, softphones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from dialer.ami.snapshot import OLDEST_OF, supported_version
from dialer.config import NodeConfig, TrunkConfig
from dialer.doctor.check import Check, Part
from dialer.doctor.files import RENDER, RESTART

MOST_APART = timedelta(seconds=1)
"""Clocks further apart make evidence and logs hard to match."""

UNREACHABLE = "Unavailable"


def version_checks(part: Part, node: NodeConfig, settings: Mapping[str, str]) -> list[Check]:
    """Judge which Asterisk this is."""
    version, name = settings.get("AsteriskVersion", ""), settings.get("SystemName", "")
    checks = [part.ok("version", f"Asterisk {version}")]
    if not supported_version(version):
        oldest = ", ".join(f"{major}.{minor}" for major, minor in OLDEST_OF.items())
        told = f"Asterisk {version or 'of unknown version'}: its hang-up causes cannot be told apart"
        checks = [part.failed("version", told, f"install {oldest} or newer")]
    if name and name != node.name:
        checks.append(part.failed("name", f"it calls itself {name!r}, not {node.name!r}: other files", RESTART))
    return checks


def modules_check(part: Part, needed: Iterable[str], running: Mapping[str, bool]) -> Check:
    """Judge the modules: a loaded one that declined its file does not run."""
    wanted = list(needed)
    missing = [name for name in wanted if name not in running]
    asleep = [name for name in wanted if running.get(name) is False]
    if not missing and not asleep:
        return part.ok("modules", f"all {len(wanted)} run")
    said = [f"not loaded: {', '.join(missing)}"] if missing else []
    said += [f"loaded, but not running for want of its file: {', '.join(asleep)}"] if asleep else []
    remedy = f"{RENDER} and restart Asterisk; if one stays away, its log says why (the package may lack it)"
    return part.failed("modules", "; ".join(said), remedy)


def clock_check(part: Part, ahead: timedelta) -> Check:
    """Judge the node's clock; `ahead` of ours."""
    seconds = ahead.total_seconds()
    if abs(ahead) <= MOST_APART:
        return part.ok("clock", f"{abs(seconds) * 1000:.0f} ms from ours")
    direction = "ahead of" if seconds > 0 else "behind"
    remedy = "let both machines follow a time server (timedatectl set-ntp true)"
    return part.failed("clock", f"{abs(seconds):.1f} s {direction} ours", remedy)


def trunk_check(
    part: Part, trunk: TrunkConfig, endpoints: Mapping[str, str], registrations: Mapping[str, str]
) -> Check:
    """Judge one trunk: known, answering, and registered where it has to be."""
    name, where = f"trunk {trunk.name}", f"{trunk.host}:{trunk.port}"
    state = endpoints.get(trunk.name)
    if state is None:
        return part.failed(name, "Asterisk does not know it", f"{RENDER}, then 'dialer asterisk reload'")
    if state == UNREACHABLE:
        remedy = "check host and port, the firewall, and that the carrier answers OPTIONS; if not: qualify_s = 0"
        return part.failed(name, f"{where} does not answer Asterisk", remedy)
    if trunk.auth == "register":
        registered = registrations.get(f"{trunk.name}-register", "unknown")
        if registered != "Registered":
            remedy = "wait 10 s after a start; then check username and password with the carrier (Asterisk's log)"
            return part.failed(name, f"registration with {where}: {registered}", remedy)
        return part.ok(name, f"registered with {where}")
    asked = "answers" if trunk.qualify_s else "is known; it is never asked for a sign of life (qualify_s = 0)"
    return part.ok(name, f"{where} {asked}")


def softphones_check(part: Part, expected: range, endpoints: Mapping[str, str], contacts: Mapping[str, str]) -> Check:
    """Judge the softphones: those that Asterisk knows, and those that are there now."""
    unknown = [number for number in expected if str(number) not in endpoints]
    if unknown:
        told = f"Asterisk does not know {unknown[0]}" + (f" and {len(unknown) - 1} more" if unknown[1:] else "")
        return part.failed("softphones", told, f"{RENDER}, then 'dialer asterisk reload'")
    there = [number for number in expected if contacts.get(str(number)) == "Reachable"]
    told = f"{len(there)} of {len(expected)} registered"
    if there or not expected:
        return part.ok("softphones", told)
    remedy = f"register one: user {expected[0]}, its password from secrets.toml, this node as server"
    return part.warn("softphones", f"{told}: nobody can take a call", remedy)
