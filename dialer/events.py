"""What can happen to a call, in the past tense. Facts only; `dialer.call.step` says what follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dialer.types import Outcome


@dataclass(frozen=True, slots=True)
class Written:
    """The Originate was handed to the socket; from here on the call may exist."""


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """The Originate was certainly not carried out (never written, or refused by Asterisk)."""

    detail: str


@dataclass(frozen=True, slots=True)
class OriginateFailed:
    """OriginateResponse said Failure; without a channel this is the end of the call."""

    reason: int


@dataclass(frozen=True, slots=True)
class ChannelMade:
    """Asterisk made the channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Rang:
    """The far end said 180."""

    channel: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The far end answered; with `amd` a verdict follows before anybody is joined."""

    channel: str
    amd: bool = False


@dataclass(frozen=True, slots=True)
class Classified:
    """Answer-machine detection spoke: HUMAN, MACHINE, NOTSURE or HANGUP."""

    verdict: str


@dataclass(frozen=True, slots=True)
class AgentReserved:
    """Routing gave this call an agent."""

    agent: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Debtor and agent are in one bridge."""


@dataclass(frozen=True, slots=True)
class JoinFailed:
    """The join did not happen: refused by the dialplan (the message plays), or the debtor's channel is gone."""

    refused: bool


@dataclass(frozen=True, slots=True)
class Unjoined:
    """The bridge ended or never was, and the debtor is still on the line."""

    result: str


@dataclass(frozen=True, slots=True)
class MessageBegan:
    """The dialplan gave up waiting for an agent and plays the abandonment message."""


@dataclass(frozen=True, slots=True)
class RecordingClosed:
    """The raw recording is complete: its size in bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Noticed:
    """The recording notice was heard."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The channel is gone."""

    cause: int | None
    tech_cause: str | None = None


@dataclass(frozen=True, slots=True)
class CancelOrdered:
    """We no longer want this call; `forced` cuts it even below the minimum ring, and flags it."""

    forced: bool = False


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer set by `StartTimer` came due."""

    name: str


@dataclass(frozen=True, slots=True)
class Accounted:
    """After a loss of contact, evidence says how the call ended; times may be None where nobody saw them."""

    outcome: Outcome
    cause: int | None = None
    answered_at: datetime | None = None
    bridged_at: datetime | None = None
    ended_at: datetime | None = None
    flag: str = "reconciled"


Event = (
    Written
    | NotPlaced
    | OriginateFailed
    | ChannelMade
    | Rang
    | Answered
    | Classified
    | AgentReserved
    | Joined
    | JoinFailed
    | Unjoined
    | MessageBegan
    | RecordingClosed
    | Noticed
    | HungUp
    | CancelOrdered
    | TimerFired
    | Accounted
)
