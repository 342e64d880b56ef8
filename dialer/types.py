"""The words every part of the dialer shares: ids, outcomes, records, errors and the clock.

Nothing here does I/O. Times are aware UTC datetimes; a debtor's local time appears only at the edges.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol, Self, TypeVar

ID_LENGTH = 27
"""Every id we give to Asterisk has this length: Asterisk matches channel ids by prefix."""


class DialerError(Exception):
    """Root of every error the dialer raises on purpose: what is wrong, the value, and the remedy.

    `error_id` is stable: scripts and tests may rely on it; the sentence may change.
    """

    error_id = "dialer-error"

    def __init__(self, message: str, *, error_id: str | None = None) -> None:
        """Keep the sentence shown to the user, and optionally a more exact stable id."""
        super().__init__(message)
        if error_id is not None:
            self.error_id = error_id


class ConfigError(DialerError):
    """config.toml, a campaign file or a secret is wrong; the message names file and key."""

    error_id = "config"


class InputError(DialerError):
    """What a user handed in (a CSV row, an argument) cannot be used."""

    error_id = "input"


class Unavailable(DialerError):
    """A part we need (Redis, the database, an Asterisk node) does not answer."""

    error_id = "unavailable"


class Clock(Protocol):
    """The only source of time. `now` may run fast in a demo; `monotonic` never does."""

    @property
    def speed(self) -> float:
        """Return how many business seconds pass in a real one (1 in production)."""
        ...

    def now(self) -> datetime:
        """Return the current business time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return unscaled seconds, for network deadlines and event lag only."""
        ...


class Outcome(StrEnum):
    """How an attempt ended; the whole list (see docs/outcomes.md)."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    EARLY_HANGUP = "early_hangup"
    MACHINE = "machine"
    FAX = "fax"
    SCREENED = "screened"
    NO_ANSWER = "no_answer"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    BUSY = "busy"
    CONGESTION = "congestion"
    INVALID = "invalid"
    FAILED = "failed"
    DROPPED = "dropped"
    UNKNOWN = "unknown"


LIVE_OUTCOMES = frozenset({Outcome.ANSWERED, Outcome.ABANDONED, Outcome.EARLY_HANGUP})
"""A person answered: the denominator of the abandonment rate."""

UNCOUNTED_OUTCOMES = frozenset({Outcome.INVALID, Outcome.FAILED})
"""Outcomes that release the tries reserved for them; everything else counts."""


def _stable_id(prefix: str, *parts: str | int) -> str:
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return prefix + base64.b32encode(digest).decode().lower().rstrip("=")


def attempt_id(campaign_key: str, debtor_id: int, try_no: int) -> str:
    """Return the `call_id` of one try: fixed length, lower case, the same for the same try for ever."""
    return _stable_id("t", campaign_key, debtor_id, try_no)


def agent_leg_id(agent: str, at: datetime) -> str:
    """Return the channel id of an agent's nailed-up leg, never equal to an attempt's."""
    return _stable_id("g", agent, at.isoformat())


def trial_call_id(number: str, at: datetime) -> str:
    """Return the channel id of a test call, never equal to an attempt's or a leg's."""
    return _stable_id("d", number, at.isoformat())


@dataclass(frozen=True, slots=True)
class QueuedLead:
    """One debtor waiting to be called: what the hopper holds and the engine dials.

    `call_id` already names the try this lease may become, so that a crash cannot invent another.
    Among due leads of a segment a higher `priority` goes first. `accounts` are the debts the call is about, `place` is
    the debtor's country, subdivision, locality and party, by which the law is found. Who asked to be called did so at
    `asked_at`, and may be until `asked_until_at` whatever caps say.
    """

    lead_id: int
    debtor_id: int
    debtor: str
    campaign_id: int
    segment: str
    phone_id: int
    phone: str
    time_zone: str
    language: str
    try_no: int
    call_id: str
    due_at: datetime
    last_agent: str | None = None
    priority: int = 0
    accounts: tuple[int, ...] = ()
    place: tuple[str, ...] = ()
    days_overdue: int | None = None
    phone_kind: str = ""
    asked_at: datetime | None = None
    asked_until_at: datetime | None = None

    def to_json(self) -> str:
        """Return the lead as one JSON line for Redis."""
        return _to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> QueuedLead:
        """Rebuild a lead from `to_json`."""
        return _from_json(cls, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """Everything kept about one attempt; one row of `dialer report attempts`.

    `seq` grows with every change of the same attempt: a store applies a record only over a smaller one,
    so that replays and late arrivals are harmless. `flags` are short facts for auditors
    (`cut_below_minimum_ring`, `agent_lost`, `recording_missing`, `adopted`...).
    """

    call_id: str
    seq: int = 0
    campaign_id: int
    campaign: str
    segment: str
    lead_id: int
    debtor_id: int
    debtor: str
    phone_id: int
    phone: str
    try_no: int
    node: str
    trunk: str
    incarnation: str = ""
    time_zone: str = ""
    intent_at: datetime
    dialled_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    classified_at: datetime | None = None
    bridged_at: datetime | None = None
    ended_at: datetime | None = None
    wrap_ended_at: datetime | None = None
    outcome: Outcome | None = None
    cause: int | None = None
    tech_cause: str | None = None
    agent: str | None = None
    recording: str | None = None
    disposition: str | None = None
    accounts: tuple[int, ...] = ()
    place: tuple[str, ...] = ()
    flags: tuple[str, ...] = field(default=())

    def flagged(self, flag: str) -> Self:
        """Return the record with one more flag, once."""
        return self if flag in self.flags else replace(self, flags=(*self.flags, flag))

    def to_json(self) -> str:
        """Return the record as one JSON line for the outcome stream."""
        return _to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> AttemptRecord:
        """Rebuild a record from `to_json`."""
        return _from_json(cls, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRecord:
    """A debtor (or a stranger) who called us back; never counted as an attempt."""

    call_id: str
    seq: int = 0
    node: str
    phone: str
    dialled: str
    debtor_id: int | None = None
    campaign_id: int | None = None
    arrived_at: datetime
    bridged_at: datetime | None = None
    ended_at: datetime | None = None
    result: str = "waiting"
    agent: str | None = None
    recording: str | None = None
    accounts: tuple[int, ...] = ()

    def to_json(self) -> str:
        """Return the record as one JSON line."""
        return _to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> InboundRecord:
        """Rebuild a record from `to_json`."""
        return _from_json(cls, text)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The rule check said yes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The rule check said no: `rule` is a stable id, `detail` the values that decided.

    `until` is the first moment it may be asked again, None when unknown.
    """

    rule: str
    detail: str = ""
    until: datetime | None = None


Verdict = Allowed | Refused


Record = TypeVar("Record", QueuedLead, AttemptRecord, InboundRecord)


def _to_json(record: Any) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
        return dict(value) if isinstance(value, Mapping) else value

    # Not dataclasses.asdict: it deep-copies, and this runs several times for every call.
    return json.dumps({f.name: plain(getattr(record, f.name)) for f in fields(record)})


def _from_json(cls: type[Record], text: str | bytes) -> Record:
    raw: dict[str, Any] = json.loads(text)
    known = {f.name for f in fields(cls)}
    values = {name: value for name, value in raw.items() if name in known}
    for name, value in values.items():
        if name.endswith("_at") and value is not None:
            values[name] = datetime.fromisoformat(value)
    if values.get("outcome") is not None:
        values["outcome"] = Outcome(values["outcome"])
    for name in ("flags", "accounts", "place"):
        if name in values:
            values[name] = tuple(values[name])
    return cls(**values)
