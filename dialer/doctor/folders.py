"""What passes between node and dialer by files: recordings, the call log; and the menu by its port. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from dialer.config import MenuConfig, NodeConfig
from dialer.doctor.check import Check, Part
from dialer.doctor.files import RELOAD_DIALPLAN


@dataclass(frozen=True, slots=True)
class ProbeFacts:
    """What became of the probe, a Local channel that records a tone and calls nobody.

    `ran`: the dialplan took it. `written`: bytes as Asterisk counts them. `folder`: it is there, as this machine
    knows it. `seen`: the file lies in it. `taken`: this user could remove it. `log`: the call log is there.
    `logged`: the probe is in it.
    """

    ran: bool
    written: int
    folder: bool
    seen: bool
    taken: bool
    log: bool
    logged: bool


def recordings_check(part: Part, node: NodeConfig, facts: ProbeFacts) -> Check:
    """Judge the way of a recording from Asterisk to this machine."""
    name = "recording folder"
    if not facts.folder:
        remedy = f"make or mount {node.recordings_inside} of the node there, or correct recordings_dir"
        return part.failed(name, f"{node.recordings_dir} is not there", remedy)
    if not facts.ran:
        return part.skipped(name, "the node did not run the probe; see dialplan", RELOAD_DIALPLAN)
    if facts.written <= 0:
        remedy = f"on the node: mkdir -p {node.recordings_inside}; chown asterisk: {node.recordings_inside}"
        return part.failed(name, f"Asterisk cannot write to {node.recordings_inside}", remedy)
    if not facts.seen:
        told = f"what Asterisk writes to {node.recordings_inside} does not appear in {node.recordings_dir}"
        return part.failed(name, told, "mount that folder of the node there, or correct recordings_dir")
    if not facts.taken:
        remedy = f"on the node: chmod 2770 {node.recordings_inside}; make this user a member of the group asterisk"
        return part.failed(name, f"this user may not take files away from {node.recordings_dir}", remedy)
    return part.ok(name, f"Asterisk writes, and {node.recordings_dir} shows it")


def evidence_check(part: Part, node: NodeConfig, facts: ProbeFacts) -> Check:
    """Judge the call log: after a crash it alone says what became of calls."""
    name, file = "call log", node.evidence_file
    if facts.log and facts.logged:
        return part.ok(name, f"{file} is written at once")
    if not facts.ran:
        return part.skipped(name, "the node did not run the probe; see dialplan", RELOAD_DIALPLAN)
    what = "does not get the probe call's lines" if facts.log else "is not there"
    folder = file.parent
    remedy = f"on the node: mkdir -p {folder}; chown asterisk: {folder}; then see modules (cel_custom), evidence_file"
    return part.failed(name, f"{file} {what}", remedy)


def menu_check(part: Part, menu: MenuConfig, node: NodeConfig, *, answers: bool, engine_runs: bool) -> Check:
    """Judge the abandoned-call menu as the node would find it."""
    where = f"{menu.host}:{menu.port}"
    if _loopback(menu.host) and not _loopback(node.host):
        told = f"Asterisk on {node.host} would look for it on its own {where}"
        return part.warn("menu", told, "set menu.host to this machine's address as the node reaches it, render again")
    if answers:
        return part.ok("menu", f"{where} answers")
    if not engine_runs:
        return part.skipped("menu", f"{where} is served by 'dialer run'")
    told = f"{where} does not answer: the abandonment message plays without its menu"
    return part.warn("menu", told, "start 'dialer menu', or 'dialer run' instead of 'dialer engine'")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
