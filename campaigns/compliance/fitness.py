"""Whether a configuration can keep the rules: caller id, ring, an agent in time, the message, the recording."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from campaigns.compliance.rulebook import Facts
from campaigns.compliance.subject import may_be_wireless
from dialer.types import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an installation and a campaign do. Seconds are seconds, days days; `recording_days` None keeps for ever."""

    ring_min_s: float
    ring_timeout_s: float
    connect_within_s: float
    abandon_limit: float
    abandonment_message: bool
    recording: bool
    recording_notice: bool
    recording_days: int | None = None


def caller_id_refusals(facts: Facts, caller_id: str, lists: Mapping[str, Collection[str]]) -> tuple[Refused, ...]:
    """Return why a number (E.164, empty: withheld) may not be shown; `lists` are those the agency has declared."""
    return tuple(_caller_id(facts, caller_id, lists))


def misfits(facts: Facts, setup: Setup) -> tuple[Refused, ...]:
    """Return what a configuration does that the rules forbid; empty when it may be used."""
    return tuple(_misfits(facts, setup))


def needs_reserved_agent(facts: Facts, phone: str, *, consented: bool = False) -> bool:
    """Say whether a number may only be dialled with an agent held for it.

    So it is where the abandonment message may not be played to it: a wireless number that did not consent.
    """
    return facts.message_needs_consent_on_wireless and not consented and may_be_wireless(phone)


def _caller_id(facts: Facts, caller_id: str, lists: Mapping[str, Collection[str]]) -> Iterator[Refused]:
    if not caller_id:
        if facts.withheld_caller_id_forbidden:
            yield Refused("caller_id_withheld", "the number must be shown")
        return
    for name in sorted(facts.caller_id_lists):
        if name not in lists:
            yield Refused("caller_id_list_unknown", f"the numbers registered in {name} are not declared")
        elif caller_id not in lists[name]:
            yield Refused("caller_id_not_listed", f"{caller_id} is not registered in {name}")
    if "no_mobile" in facts.caller_id_ranges and may_be_wireless(caller_id):
        yield Refused("caller_id_mobile", f"{caller_id} is, or may be, a mobile number")


def _misfits(facts: Facts, setup: Setup) -> Iterator[Refused]:
    if setup.ring_min_s < facts.ring_min_s:
        yield Refused("ring_min", f"rings {setup.ring_min_s:g} s, at least {facts.ring_min_s:g} wanted")
    if facts.ring_max_s is not None and setup.ring_timeout_s > facts.ring_max_s:
        yield Refused("ring_max", f"rings {setup.ring_timeout_s:g} s, at most {facts.ring_max_s:g} allowed")
    if setup.connect_within_s > facts.connect_within_s:
        yield Refused(
            "connect_within", f"an agent within {setup.connect_within_s:g} s, {facts.connect_within_s:g} wanted"
        )
    for profile, entry in facts.abandon:
        if setup.abandon_limit > entry.max:
            yield Refused(
                "abandon_limit", f"{setup.abandon_limit:.2%}, {profile} ({entry.r}) allows {entry.max:.2%} {entry.per}"
            )
    if facts.message_required and not setup.abandonment_message:
        yield Refused("abandonment_message", "who meets no agent must hear who called")
    yield from _recording_misfits(facts, setup)


def _recording_misfits(facts: Facts, setup: Setup) -> Iterator[Refused]:
    if not setup.recording:
        return
    if facts.recording_notices and not setup.recording_notice:
        yield Refused("recording_notice", f"a notice is wanted: {', '.join(sorted(facts.recording_notices))}")
    most, kept = facts.recording_max_days, setup.recording_days
    if kept is not None and kept < facts.recording_min_days:
        yield Refused("recording_min_days", f"kept {kept} days, {facts.recording_min_days} wanted")
    if most is not None and kept is not None and kept > most:
        yield Refused("recording_max_days", f"kept {kept} days, at most {most} allowed")
