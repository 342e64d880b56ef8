"""A profile of rules as its TOML file writes it: validated, frozen, with a hash of what it decides.

Every key is told in docs/compliance.md. An unknown key is an error that names the file and the key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from campaigns.compliance.hours import Opening, parse_opening
from campaigns.compliance.periods import is_period
from dialer.types import ConfigError
from dialer.validation import Section, parse_toml, validated

SCHEMA = 1

_COUNTRY = re.compile(r"[A-Z]{2}")
_SUBDIVISION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_HOURS = re.compile(r"[1-9]\d{0,3}h")


def _period(value: str) -> str:
    if not is_period(value):
        raise ValueError("write rolling:168h, days:7, calendar:1d, calendar:1w, calendar:1mo or campaign:30d")
    return value


def _cool_down(value: str) -> str:
    return _period(f"rolling:{value}" if _HOURS.fullmatch(value) else value)


def _gap(value: str) -> str:
    if not _HOURS.fullmatch(value):
        raise ValueError("write whole hours such as 48h")
    return value


def _country(value: str) -> str:
    if not _COUNTRY.fullmatch(value):
        raise ValueError("write the two letters of ISO 3166, such as CO")
    return value


def _subdivision(value: str) -> str:
    if not _SUBDIVISION.fullmatch(value):
        raise ValueError("write the code of ISO 3166-2, such as BR-RJ")
    return value


def _windows(lines: tuple[str, ...]) -> tuple[str, ...]:
    for line in lines:
        parse_opening(line)
    return lines


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Period = Annotated[str, AfterValidator(_period)]
CoolDown = Annotated[str, AfterValidator(_cool_down)]
Gap = Annotated[str, AfterValidator(_gap)]
Country = Annotated[str, AfterValidator(_country)]
Subdivision = Annotated[str, AfterValidator(_subdivision)]
Windows = Annotated[tuple[str, ...], AfterValidator(_windows)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Count = Annotated[int, Field(strict=True, ge=1)]
Days = Annotated[int, Field(strict=True, ge=0)]
Seconds = Annotated[float, Field(ge=0, le=3600)]
Evidence = Literal["debtor", "address", "phone"]
Counted = Literal["ring", "voicemail", "answer", "busy", "congestion"]


class ProfileSection(Section):
    """A table of a profile."""

    reference: ClassVar[str] = "docs/compliance.md"


class Match(ProfileSection):
    """Whom a profile binds; every key given must hold, or one of them with `mode = "any"`."""

    country: Country | None = None
    region: Literal["EU"] | None = None
    subdiv: Subdivision | None = None
    locality: str | None = None
    party: Literal["first", "third"] | None = None
    creditor: Literal["financial", "commercial"] | None = None
    agent_in: Subdivision | None = None
    mode: Literal["all", "any"] = "all"
    since: date | None = Field(default=None, alias="from")

    @model_validator(mode="after")
    def _binds_somebody(self) -> Self:
        keys = (self.country, self.region, self.subdiv, self.locality, self.party, self.creditor, self.agent_in)
        if not any(keys):
            raise ValueError("name at least one of country, region, subdiv, locality, party, creditor and agent_in")
        return self


class Holidays(ProfileSection):
    """Days on which nobody is called: those of the country and subdivision, with dates added and removed."""

    country: Country | None = None
    subdiv: str | None = None
    categories: tuple[str, ...] = ("public",)
    add: tuple[date, ...] = ()
    remove: tuple[date, ...] = ()
    mode: Literal["block", "ignore"] = "block"

    @model_validator(mode="after")
    def _of_a_country(self) -> Self:
        if self.mode == "block" and self.country is None and not self.add:
            raise ValueError("holidays that block need a 'country' or dates in 'add'")
        return self


class ZoneRule(ProfileSection):
    """What may tell a debtor's zone; every candidate must be open, and no candidate means no call."""

    evidence: tuple[Evidence, ...] = ("debtor", "address", "phone")
    policy: Literal["all"] = "all"
    unknown: Literal["block"] = "block"


class CloseRule(ProfileSection):
    """What must be over when a window closes, and the seconds kept free before it."""

    rule: Literal["no_dial_after", "no_ring_after", "no_talk_after"]
    guard_s: Seconds = 0


class Ring(ProfileSection):
    """Seconds a phone must ring, and may ring."""

    min_s: Seconds | None = None
    max_s: Seconds | None = None


class Connect(ProfileSection):
    """Seconds to an agent, and what they count from."""

    within_s: Annotated[float, Field(gt=0, le=60)]
    since: Literal["answer", "greeting_start", "greeting_end"] = Field(alias="from")


class Abandon(ProfileSection):
    """The largest part of answered calls that may meet no agent, and what they must hear."""

    max: Annotated[float, Field(gt=0, le=1)]
    target: Annotated[float, Field(gt=0, le=1)] | None = None
    key: Literal["campaign"] = "campaign"
    per: Period
    over: Literal["live", "placed"] = "live"
    message: Literal["required", "consent_if_wireless"] | None = None
    message_within_s: Seconds | None = None
    amd_fp: Literal["add_estimate"] | None = None
    r: str


class Cap(ProfileSection):
    """At most `max` events per period and key; `gap` hours apart."""

    on: Literal["attempt", "contact", "conversation"]
    key: Literal["phone", "person", "debt"]
    max: Count
    per: Period
    channels: Names = ("voice",)
    gap: Gap | None = None
    r: str


class Rest(ProfileSection):
    """A cool-down: no call for a while after something happened."""

    after: Literal["abandoned", "machine", "conversation", "contact", "attempt"]
    key: Literal["phone", "person", "debt"]
    lasts: CoolDown = Field(alias="for")
    unless: Literal["agent_reserved", "direct_consent"] | None = None
    channels: Names = ("voice",)
    r: str


class Recording(ProfileSection):
    """What is said before recording, and what pauses it."""

    notice: Literal["before_record", "all_party"] | None = None
    pause_on: tuple[str, ...] = ()


class Retain(ProfileSection):
    """Days for which logs and recordings are kept."""

    log_min_days: Days | None = None
    log_max_days: Days | None = None
    recording_min_days: Days | None = None
    recording_max_days: Days | None = None


class CallerId(ProfileSection):
    """What the number we show must be."""

    withheld: Literal["forbid"] | None = None
    callback: Literal["required"] | None = None
    in_list: str | None = None
    ranges: Literal["no_mobile"] | None = None


class ShortCalls(ProfileSection):
    """From how many short calls a day on a carrier must block the caller."""

    max_s: Seconds
    share: Annotated[float, Field(gt=0, le=1)]
    min_calls_day: Count


class Extra(ProfileSection):
    """Checks that few countries ask for."""

    channel_lock: Period | None = None
    channel_authorised: bool = False
    hours_override: Literal["debtor_request"] | None = None
    workplace: Literal["block"] | None = None
    min_days_overdue: Days | None = None
    wait_after_notice: Period | None = None
    consent_days: Count | None = None
    recorded_voice: Windows = ()
    short_call: ShortCalls | None = None
    auth_over_month: Count | None = None


class Said(ProfileSection):
    """Where a rule comes from, and how sure we are."""

    id: str
    status: str
    fact: str
    source: str = ""


class About(ProfileSection):
    """What a reader should know of a profile; it decides nothing and is not part of the hash."""

    title: str
    note: str = ""
    rules: tuple[Said, ...] = ()


class Rules(ProfileSection):
    """Everything a profile may say."""

    version: str
    match: Match | None = None
    windows: Windows = ()
    windows_r: str = "house"
    attempt_counts: tuple[Counted, ...] = ()
    holidays: Holidays | None = None
    tz: ZoneRule | None = None
    close: CloseRule | None = None
    caps: tuple[Cap, ...] = ()
    cooldowns: tuple[Rest, ...] = ()
    ring: Ring | None = None
    connect: Connect | None = None
    abandon: Abandon | None = None
    recording: Recording | None = None
    retain: Retain | None = None
    caller_id: CallerId | None = None
    dnc: tuple[str, ...] = ()
    third_party: Literal["block", "allow"] | None = None
    extra: Extra = Extra()
    about: About | None = None

    @property
    def openings(self) -> tuple[Opening, ...]:
        """The windows, parsed."""
        return tuple(parse_opening(line) for line in self.windows)


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of rules, the file it stands in with its text, and the hash somebody approves."""

    id: str
    rules: Rules = field(repr=False)
    hash: str
    source: str
    text: str = field(repr=False)
    decides: Mapping[str, Any] = field(repr=False, hash=False, compare=False)

    @property
    def version(self) -> str:
        """The version its file gives."""
        return self.rules.version


def parse_profiles(text: str, source: str) -> dict[str, Profile]:
    """Read the profiles of one file; raise ConfigError naming file, profile and key."""
    raw = parse_toml(text, Path(source))
    if raw.pop("schema", None) != SCHEMA:
        raise ConfigError(f"{source}: schema: this version reads profiles with 'schema = {SCHEMA}' as their first line")
    found = {}
    for name, table in raw.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{source}: {name}: only profiles stand here: write [{name}] with its keys below")
        rules = validated(Rules, table, Path(f"{source}: [{name}]"))
        if rules.match is None and name not in UNMATCHED:
            raise ConfigError(f"{source}: [{name}]: match: a profile must say whom it binds")
        decides = {key: value for key, value in table.items() if key != "about"}
        found[name] = Profile(name, rules, content_hash(name, decides), source, text, decides)
    return found


UNMATCHED = frozenset({"base", "demo"})
"""The profile under every other, and the one a campaign names instead of being matched."""


def content_hash(name: str, decides: Mapping[str, Any]) -> str:
    """Return the hash of what a profile decides: the same whatever the order of keys, the spaces and the comments."""
    text = json.dumps([SCHEMA, name, decides], sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
