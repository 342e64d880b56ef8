"""The files of a node: does it run what this installation renders, or something older. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dialer.ami.admin import Step
from dialer.doctor.check import Check, Part
from dialer.doctor.conffile import Sections, steps

OURS = "dialer-"
"""Every context of ours begins so; others on the node are not looked at."""

RENDER = "run 'dialer asterisk config --out DIR', copy the files to the node"
RELOAD_DIALPLAN = f"{RENDER}, then 'dialer asterisk reload pbx_config'"
RESTART = f"{RENDER} and restart Asterisk"


def dialplan_check(part: Part, rendered: str, running: Iterable[Step]) -> Check:
    """Compare the dialplan that runs with the one this installation renders, context by context."""
    ours, theirs = _by_context(steps(rendered)), _by_context(running)
    missing = sorted(ours.keys() - theirs.keys())
    if missing:
        return part.failed("dialplan", f"missing: {', '.join(missing)}", RELOAD_DIALPLAN)
    other = [name for name in sorted(ours) if ours[name] != theirs[name]] + sorted(theirs.keys() - ours.keys())
    if other:
        told = f"not the one this installation renders: {', '.join(other)}"
        return part.failed("dialplan", told, RELOAD_DIALPLAN)
    return part.ok("dialplan", f"{len(ours)} contexts, as this installation renders them")


def file_checks(part: Part, rendered: Mapping[str, Sections], found: Mapping[str, Sections | None]) -> list[Check]:
    """Compare the node's files with ours; values are never shown, because some are secrets."""
    differing = {name: _difference(rendered[name], found[name]) for name in sorted(rendered)}
    stale = {name: where for name, where in differing.items() if where}
    users = stale.pop("manager.conf", "")
    return [_manager(part, users), _others(part, stale, len(rendered) - 1)]


def _manager(part: Part, where: str) -> Check:
    if where:
        return part.failed("manager.conf", f"not as rendered: {where}", RESTART)
    return part.ok("manager.conf", "users, permissions and event filters as rendered")


def _others(part: Part, stale: Mapping[str, str], count: int) -> Check:
    if stale:
        told = "; ".join(f"{name}: {where}" for name, where in stale.items())
        return part.warn("files", f"not as rendered: {told}", RESTART)
    return part.ok("files", f"{count} more files as rendered")


def _difference(ours: Sections, theirs: Sections | None) -> str:
    if theirs is None:
        return "missing"
    places = []
    for section in dict.fromkeys((*ours, *theirs)):
        mine, other = ours.get(section, ()), theirs.get(section, ())
        keys = {key for key, _ in set(mine) ^ set(other)}
        if keys or len(mine) != len(other):
            places.append(f"[{section}] {', '.join(sorted(keys)) or 'lines written twice'}")
    return " ".join(places)


def _by_context(found: Iterable[Step]) -> dict[str, frozenset[Step]]:
    contexts: dict[str, set[Step]] = {}
    for step in found:
        if step.context.startswith(OURS):
            contexts.setdefault(step.context, set()).add(step)
    return {name: frozenset(listed) for name, listed in contexts.items()}
