"""The manager interface of a node: the fence, what each user may do, which events come. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dialer.doctor.check import Check, Part
from dialer.doctor.files import RESTART

PROBE = "DialerProbe"
"""The UserEvent that must come through the filters."""

UNWANTED = "Reload"
"""An event that is easily raised and must not come through."""

NEEDED = {
    "actions": frozenset(
        {"Originate", "Redirect", "Setvar", "Hangup", "Bridge", "MixMonitor", "StopMixMonitor", "UserEvent"}
        | {"CoreShowChannels", "CoreStatus", "CoreSettings", "PJSIPShowContacts", "Ping"}
    ),
    "admin": frozenset({"Command", "GetConfig", "ShowDialPlan", "PJSIPShowEndpoints", "Reload", "Originate", "Filter"}),
}
"""What each user must be allowed to send."""


@dataclass(frozen=True, slots=True)
class LoginFacts:
    """What happened to a login of a user that only one may hold.

    `held`: somebody else has it. `second_refused`: a second login beside ours was turned away.
    """

    user: str
    held: bool
    second_refused: bool = False


def fence_check(part: Part, facts: LoginFacts, *, engine_runs: bool) -> Check:
    """Judge the fence: one engine at a time may hold this login."""
    name = f"fence {facts.user}"
    if facts.held and engine_runs:
        return part.ok(name, "held by the running engine")
    if facts.held:
        told = "held by somebody, and no engine of this installation runs"
        return part.warn(name, told, "find the other engine, or wait until Asterisk drops its half-open connection")
    if not facts.second_refused:
        told = "two logins at once are let in: an old engine could go on placing calls"
        return part.failed(name, told, RESTART)
    if engine_runs:
        told = "free, although the engine runs: it does not hold this node"
        return part.failed(name, told, "look at the engine's log for 'node down'; it may have another config.toml")
    return part.ok(name, "a second login is refused")


def permissions_check(part: Part, role: str, user: str, allowed: Iterable[str]) -> Check:
    """Judge what a user may send."""
    missing = sorted(NEEDED[role] - set(allowed))
    if missing:
        return part.failed(f"permissions {user}", f"may not: {', '.join(missing)}", RESTART)
    return part.ok(f"permissions {user}", f"may send all {len(NEEDED[role])} actions that it needs")


def filters_check(part: Part, seen: Iterable[str]) -> Check:
    """Judge what came through to the events user after both a wanted and an unwanted event were raised."""
    names = set(seen)
    if "UserEvent" not in names:
        return part.failed("event filters", "our own events do not come through: no answer would be seen", RESTART)
    if UNWANTED in names:
        told = "events nobody needs come through: at full rate they would drown the others"
        return part.failed("event filters", told, RESTART)
    return part.ok("event filters", "ours come through, others do not")
