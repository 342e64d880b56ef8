"""Several profiles become one rulebook: everything any of them demands, and of two demands the stricter."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from campaigns.compliance.closed_days import shut_days
from campaigns.compliance.hours import Opening, common_minutes, parse_opening
from campaigns.compliance.limits import Kind
from campaigns.compliance.schema import Abandon, Cap, Profile, Rest
from campaigns.compliance.timetable import Schedule, Shut
from dialer.types import ConfigError

_CLOSE = ("no_dial_after", "no_ring_after", "no_talk_after")
_CONNECT = ("answer", "greeting_start", "greeting_end")

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Bound:
    """A profile in force, as the audit writes it."""

    id: str
    version: str
    hash: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A cap or a cool-down on calls; a cool-down has `most` 1 and may have an exemption."""

    id: str
    kind: Kind
    key: str
    most: int
    period: str
    unless: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the engine and the preflight compare with the configuration."""

    close: str
    guard_s: float
    ring_min_s: float
    ring_max_s: float | None
    connect_within_s: float
    connect_from: str
    abandon: tuple[tuple[str, Abandon], ...]
    recording_notices: frozenset[str]
    pause_recording_on: frozenset[str]
    log_min_days: int
    recording_min_days: int
    recording_max_days: int | None
    withheld_caller_id_forbidden: bool
    callback_required: bool
    caller_id_lists: frozenset[str]
    caller_id_ranges: frozenset[str]
    dnc: frozenset[str]
    third_party_blocked: bool
    attempt_counts: frozenset[str]
    voice_must_be_authorised: bool
    hours_on_request: bool
    workplace_blocked: bool
    min_days_overdue: int
    wait_after_notice: str | None
    consent_days: int | None
    recorded_voice: tuple[tuple[Opening, ...], ...]
    auth_over_month: int | None

    @property
    def message_required(self) -> bool:
        """Whether somebody who meets no agent must hear who called."""
        return any(entry.message for _, entry in self.abandon)

    @property
    def message_needs_consent_on_wireless(self) -> bool:
        """Whether that message may be played to a wireless number only if it consented."""
        return any(entry.message == "consent_if_wireless" for _, entry in self.abandon)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that binds one call. `hash` names it: the same profiles for the same place have the same hash.

    `text` is all of it as JSON, for the books to keep once.
    """

    hash: str
    bound: tuple[Bound, ...]
    schedules: tuple[Schedule, ...] = field(repr=False)
    shut: tuple[Shut, ...] = field(repr=False, compare=False)
    rules: tuple[Rule, ...] = field(repr=False)
    evidence: tuple[str, ...]
    facts: Facts = field(repr=False)
    text: str = field(repr=False)

    @property
    def profiles(self) -> tuple[str, ...]:
        """The ids of the profiles in force."""
        return tuple(bound.id for bound in self.bound)

    def needed_s(self, ring_s: float) -> float:
        """Return how long before a window closes the last call may be placed; `ring_s` is the longest it can ring."""
        return self.facts.guard_s + (ring_s if self.facts.close != "no_dial_after" else 0.0)


def merged(profiles: Sequence[Profile], subdivisions: Callable[[str], Sequence[str]]) -> Rulebook:
    """Join profiles; `subdivisions` says for a country which subdivisions the debtor may live in (none: unknown).

    Raises ConfigError where they contradict each other.
    """
    facts = _facts(profiles)
    schedules = tuple(
        Schedule(profile.id, profile.rules.windows_r, profile.rules.openings)
        for profile in profiles
        if profile.rules.windows
    )
    _agree(profiles, facts, schedules)
    bound = tuple(Bound(profile.id, profile.version, profile.hash) for profile in profiles)
    shut, regions = _shut(profiles, subdivisions)
    named = json.dumps([[b.id, b.version, b.hash] for b in bound] + regions)
    return Rulebook(
        hash=hashlib.sha256(named.encode()).hexdigest(),
        bound=bound,
        schedules=schedules,
        shut=shut,
        rules=tuple(dict.fromkeys(rule for profile in profiles for rule in _rules(profile))),
        evidence=tuple(dict.fromkeys(name for p in profiles if p.rules.tz for name in p.rules.tz.evidence)),
        facts=facts,
        text=_text(profiles, regions),
    )


def _text(profiles: Sequence[Profile], regions: Sequence[Any]) -> str:
    rules = [{"id": p.id, "version": p.version, "hash": p.hash, "rules": p.decides} for p in profiles]
    return json.dumps({"profiles": rules, "holidays": regions}, sort_keys=True, default=str, ensure_ascii=False)


def _shut(
    profiles: Sequence[Profile], subdivisions: Callable[[str], Sequence[str]]
) -> tuple[tuple[Shut, ...], list[list[Any]]]:
    found, regions = [], []
    for profile in profiles:
        days = profile.rules.holidays
        if days is not None and days.mode == "block":
            known = tuple(subdivisions(days.country or ""))
            found.append(shut_days(profile.id, days, known))
            regions.append([profile.id, *known])
    return tuple(found), regions


def _rules(profile: Profile) -> Iterable[Rule]:
    for cap in profile.rules.caps:
        yield from _cap(profile, cap)
    for rest in profile.rules.cooldowns:
        if _is_voice(rest.channels):
            yield Rule(_rest_id(profile, rest), Kind(rest.after), rest.key, 1, rest.lasts, rest.unless)
    if profile.rules.extra.channel_lock:
        yield Rule(f"{profile.id}.channel_lock", Kind.CONVERSATION, "other", 1, profile.rules.extra.channel_lock)


def _cap(profile: Profile, cap: Cap) -> Iterable[Rule]:
    if _is_voice(cap.channels):
        name = cap.r if cap.r != "house" else f"{profile.id}.{cap.on}.{cap.key}.{cap.per}"
        yield Rule(name, Kind(cap.on), cap.key, cap.max, cap.per)
        if cap.gap:
            yield Rule(f"{name}.gap", Kind(cap.on), cap.key, 1, f"rolling:{cap.gap}")


def _rest_id(profile: Profile, rest: Rest) -> str:
    return rest.r if rest.r != "house" else f"{profile.id}.{rest.after}.{rest.key}.{rest.lasts}"


def _is_voice(channels: Iterable[str]) -> bool:
    return bool({"voice", "all"} & set(channels))


def _facts(profiles: Sequence[Profile]) -> Facts:
    rules = [profile.rules for profile in profiles]
    closes = [r.close for r in rules if r.close]
    rings = [r.ring for r in rules if r.ring]
    connects = [r.connect for r in rules if r.connect]
    retains = [r.retain for r in rules if r.retain]
    ids = [r.caller_id for r in rules if r.caller_id]
    extras = [r.extra for r in rules]
    abandon = tuple((p.id, p.rules.abandon) for p in profiles if p.rules.abandon)
    notices = [e.wait_after_notice for e in extras if e.wait_after_notice]
    return Facts(
        close=max((c.rule for c in closes), key=_CLOSE.index, default="no_ring_after"),
        guard_s=max((c.guard_s for c in closes), default=0.0),
        ring_min_s=_largest((r.min_s for r in rings), 0.0),
        ring_max_s=_smallest(r.max_s for r in rings),
        connect_within_s=min((c.within_s for c in connects), default=2.0),
        connect_from=min((c.since for c in connects), key=_CONNECT.index, default="answer"),
        abandon=abandon,
        recording_notices=frozenset(r.recording.notice for r in rules if r.recording and r.recording.notice),
        pause_recording_on=frozenset(event for r in rules if r.recording for event in r.recording.pause_on),
        log_min_days=_largest((r.log_min_days for r in retains), 0),
        recording_min_days=_largest((r.recording_min_days for r in retains), 0),
        recording_max_days=_smallest(r.recording_max_days for r in retains),
        withheld_caller_id_forbidden=any(c.withheld == "forbid" for c in ids),
        callback_required=any(c.callback == "required" for c in ids),
        caller_id_lists=frozenset(c.in_list for c in ids if c.in_list),
        caller_id_ranges=frozenset(c.ranges for c in ids if c.ranges),
        dnc=frozenset(name for r in rules for name in r.dnc),
        third_party_blocked=any(r.third_party == "block" for r in rules),
        attempt_counts=frozenset(name for r in rules for name in r.attempt_counts),
        voice_must_be_authorised=any(e.channel_authorised for e in extras),
        hours_on_request=any(e.hours_override for e in extras),
        workplace_blocked=any(e.workplace == "block" for e in extras),
        min_days_overdue=_largest((e.min_days_overdue for e in extras), 0),
        wait_after_notice=max(notices, key=lambda period: int("".join(filter(str.isdigit, period))), default=None),
        consent_days=_smallest(e.consent_days for e in extras),
        recorded_voice=tuple(_openings(e.recorded_voice) for e in extras if e.recorded_voice),
        auth_over_month=_smallest(e.auth_over_month for e in extras),
    )


def _openings(lines: Iterable[str]) -> tuple[Opening, ...]:
    return tuple(parse_opening(line) for line in lines)


def _largest(values: Iterable[Number | None], default: Number) -> Number:
    return max((value for value in values if value is not None), default=default)


def _smallest(values: Iterable[Number | None]) -> Number | None:
    return min((value for value in values if value is not None), default=None)


def _agree(profiles: Sequence[Profile], facts: Facts, schedules: Sequence[Schedule]) -> None:
    """Raise ConfigError where nobody could keep every rule at once."""
    names = " and ".join(profile.id for profile in profiles)
    if facts.ring_max_s is not None and facts.ring_min_s > facts.ring_max_s:
        raise ConfigError(
            f"profiles {names} contradict each other: ring for {facts.ring_min_s:g} s at least "
            f"and {facts.ring_max_s:g} s at most; change one of them"
        )
    most = facts.recording_max_days
    if most is not None and facts.recording_min_days > most:
        raise ConfigError(
            f"profiles {names} contradict each other: keep recordings {facts.recording_min_days} days at least "
            f"and {most} at most; change one of them"
        )
    if schedules and not common_minutes(tuple(schedule.openings for schedule in schedules)):
        raise ConfigError(f"profiles {names} contradict each other: no minute of the week is open in all; change one")
