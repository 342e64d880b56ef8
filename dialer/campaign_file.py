"""Campaign files: what to say to whom, when, and how often, as frozen, validated objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, model_validator

from campaigns.segments import Rule, RuleError, parse_rule
from dialer.types import Outcome
from dialer.validation import Language, Section, Slug, Zone, named, parse_toml, read_toml, validated

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"^(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<open>\d\d:\d\d)-(?P<close>\d\d:\d\d)$")
_SPAN = re.compile(r"(\d{1,5})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST_SPAN = timedelta(days=366)
_NEVER_AGAIN = frozenset({Outcome.ANSWERED, Outcome.INVALID})
"""What follows these is not a matter of delay: the disposition decides, or the phone is retired."""


class CampaignSection(Section):
    """A table of a campaign file."""

    reference: ClassVar[str] = "examples/campaign.toml"


class Window(CampaignSection):
    """A weekly opening in the debtor's local time, half-open: `mon-fri 09:00-19:00`."""

    days: frozenset[int]
    opens: time
    closes: time

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> Window:
        """Read one window line; raise ValueError with the expected form. Remembered: every call asks for its own."""
        match = _WINDOW.match(text)
        if match is None or match["first"] not in DAYS or (match["last"] or "mon") not in DAYS:
            raise ValueError(f"{text!r} is not a window such as 'mon-fri 09:00-19:00'")
        first = DAYS.index(match["first"])
        last = DAYS.index(match["last"]) if match["last"] else first
        opens, closes = _time_of_day(match["open"]), _time_of_day(match["close"])
        if first > last or opens >= closes:
            raise ValueError(f"{text!r} ends before it begins; write two windows instead")
        return cls(days=frozenset(range(first, last + 1)), opens=opens, closes=closes)


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time of day between 00:00 and 23:59") from None


def _window_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    for line in lines:
        Window.parse(line)
    return lines


WindowLines = Annotated[tuple[str, ...], AfterValidator(_window_lines)]


def _span(said: object) -> timedelta:
    if isinstance(said, timedelta):
        return said
    match = _SPAN.fullmatch(said) if isinstance(said, str) else None
    if match is None:
        raise ValueError("write a time such as '90s', '15m', '4h', '1d' or '2w'")
    span = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if span > _LONGEST_SPAN:
        raise ValueError("longer than a year; write 366d at most")
    return span


def _spelled(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    unit = next(unit for unit in "wdhms" if not seconds % _SECONDS[unit])
    return f"{seconds // _SECONDS[unit]}{unit}"


Span = Annotated[timedelta, BeforeValidator(_span), PlainSerializer(_spelled)]
"""A length of time as people write it: `90s`, `15m`, `4h`, `1d`, `2w`."""


def _where(said: object) -> Rule:
    try:
        return said if isinstance(said, Rule) else parse_rule(said)
    except RuleError as error:
        raise ValueError(str(error)) from None


Where = Annotated[Rule, PlainValidator(_where), PlainSerializer(lambda rule: rule.table)]


def _retried_outcome(name: str) -> str:
    known = [str(outcome) for outcome in Outcome if outcome not in _NEVER_AGAIN]
    if name not in known:
        raise ValueError(f"{name!r} is not an outcome that is retried; known: {', '.join(known)}")
    return name


class PacingConfig(CampaignSection):
    """How many calls to place."""

    mode: Literal["predictive", "progressive", "ratio"] = "predictive"
    abandon_target: float = Field(default=0.025, gt=0, le=0.03)
    abandon_limit: float = Field(default=0.03, gt=0, le=0.03)
    expected_live_answers: float | None = Field(default=None, gt=0)
    lines_per_agent: float = Field(default=1.5, ge=1, le=10)
    max_lines_per_agent: float = Field(default=3.0, ge=1, le=50)
    max_calls_per_s: float = Field(default=50.0, gt=0)

    @model_validator(mode="after")
    def _target_below_limit(self) -> Self:
        if self.abandon_target > self.abandon_limit:
            raise ValueError(f"abandon_target {self.abandon_target} is above abandon_limit {self.abandon_limit}")
        return self


class RetryRule(CampaignSection):
    """How long to wait after an outcome, and how often: one delay, a list of them, or one that grows.

    At most `max_tries` tries end so; then the debtor is left alone.
    """

    delay_m: float | None = Field(default=None, gt=0, le=527_040)
    delays: tuple[Span, ...] = ()
    first: Span | None = None
    factor: float = Field(default=2.0, ge=1, le=100)
    longest: Span = timedelta(weeks=2)
    max_tries: int = Field(default=3, ge=1)

    @model_validator(mode="after")
    def _one_way_to_wait(self) -> Self:
        if (self.delay_m is not None) + bool(self.delays) + (self.first is not None) != 1:
            raise ValueError("write one of delay_m (minutes), delays (a list), or first (with factor and longest)")
        first = self.longest if self.first is None else self.first
        if not all(span > timedelta() for span in (*self.delays, first, self.longest)):
            raise ValueError("a delay is longer than nothing, such as '5m'")
        return self

    def delay(self, tries: int) -> timedelta:
        """Return the wait after so many tries with this outcome, the one just ended included."""
        if self.delays:
            return self.delays[min(tries, len(self.delays)) - 1]
        if self.first is None:
            return timedelta(minutes=self.delay_m or 0)
        # Not first * factor ** n: a hundred failures are more than a float can hold.
        delay = self.first
        for _ in range(tries - 1):
            if delay >= self.longest or self.factor == 1:
                break
            delay *= self.factor
        return min(delay, max(self.longest, self.first))


Retries = dict[Annotated[str, AfterValidator(_retried_outcome)], RetryRule]


class CadenceConfig(CampaignSection):
    """When a debtor is called again, beyond the delays of `[retries]`."""

    max_tries_per_day: int | None = Field(default=None, ge=1, le=99)
    look_ahead: Span = timedelta()
    explore: bool = False


class SegmentCadence(CampaignSection):
    """What a segment does otherwise than its campaign; what it leaves out is the campaign's."""

    max_tries: int | None = Field(default=None, ge=1, le=99)
    max_tries_per_day: int | None = Field(default=None, ge=1, le=99)
    look_ahead: Span | None = None
    explore: bool | None = None
    retries: Retries = {}


class CallbackConfig(CampaignSection):
    """Calls that were promised: how soon, and until when they come before all others."""

    after_key: Span = timedelta(hours=24)
    without_time: Span = timedelta(hours=24)
    fallback: Span = timedelta(minutes=30)
    expires: Span = timedelta(hours=24)
    priority: int = Field(default=100, ge=1, le=1000)


class PromiseConfig(CampaignSection):
    """Promises to pay: how long a payment may take to show, and how soon a broken one is called about."""

    grace_days: int = Field(default=0, ge=0, le=30)
    broken_promise_priority: int = Field(default=50, ge=0, le=1000)


class SegmentConfig(CampaignSection):
    """One segment of a campaign: who belongs to it, who is called first, and which agent fits."""

    name: Slug
    where: Where | None = None
    priority: int = Field(default=100, ge=0, le=1000)
    weight: int | None = Field(default=None, ge=1, le=1000)
    script: str = Field(default="", max_length=80)
    windows: WindowLines = ()
    language: Language | None = None
    skills: dict[Slug, Annotated[int, Field(ge=1, le=5)]] = {}
    cadence: SegmentCadence = SegmentCadence()


class CampaignConfig(CampaignSection):
    """A campaign file; `examples/campaign.toml` explains every key."""

    name: Slug
    language: Language = "es"
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    time_zone: Zone = ""
    windows: WindowLines = ()
    profile: Literal["", "demo"] = ""
    agent_in: Annotated[str, Field(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")] = ""
    creditor: Literal["", "financial", "commercial"] = ""
    max_tries_per_phone_per_day: int = Field(default=3, ge=1, le=10)
    max_tries: int = Field(default=10, ge=1, le=99)
    trunks: Annotated[tuple[Slug, ...], Field(min_length=1)]
    max_lines: int = Field(default=500, ge=1)
    amd: bool = False
    recording: bool = True
    recording_notice: bool = True
    pacing: PacingConfig = PacingConfig()
    retries: Retries = {}
    cadence: CadenceConfig = CadenceConfig()
    callbacks: CallbackConfig = CallbackConfig()
    promises: PromiseConfig = PromiseConfig()
    segments: Annotated[tuple[SegmentConfig, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _segments_once(self) -> Self:
        names = [segment.name for segment in self.segments]
        if len(set(names)) != len(names):
            raise ValueError(f"segment names must differ: {', '.join(names)}")
        return self

    def tuned(self, knobs: Mapping[str, Any]) -> CampaignConfig:
        """Return the campaign with these pacing knobs instead of its file's; raises ConfigError naming the knob."""
        if not knobs:
            return self
        pacing = {**self.pacing.model_dump(), **knobs}
        return self.model_copy(update={"pacing": validated(PacingConfig, pacing, Path(f"pacing of {self.name}"))})

    def segment(self, name: str) -> SegmentConfig:
        """Return a segment by name; raise ConfigError naming the known ones."""
        return named(self.segments, name, "segment")


def load_campaign(path: Path) -> CampaignConfig:
    """Read a campaign file; raises ConfigError naming the file and the key."""
    return validated(CampaignConfig, read_toml(path, "examples/campaign.toml shows one"), path)


def parse_campaign(text: str, source: str) -> CampaignConfig:
    """Read a campaign kept as text (the database keeps the file as it was loaded); raises ConfigError."""
    path = Path(source)
    return validated(CampaignConfig, parse_toml(text, path), path)
