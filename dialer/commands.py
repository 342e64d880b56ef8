"""What a call asks the shell to do, in the imperative. The engine carries these out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeekAgent:
    """Give this call the best ready agent, now."""


@dataclass(frozen=True, slots=True)
class Join:
    """Setvar and Redirect the debtor into the bridge with this agent."""

    agent: str


@dataclass(frozen=True, slots=True)
class FreeAgent:
    """This call no longer holds the agent; `talked`: wrap-up follows; `lost`: the agent's leg ended first."""

    agent: str
    talked: bool
    lost: bool = False


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the debtor's channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Send `TimerFired(name)` after so many seconds."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class PlayNotice:
    """Play the recording notice into the conversation."""


@dataclass(frozen=True, slots=True)
class StartRecording:
    """The notice was heard: record from now on."""


@dataclass(frozen=True, slots=True)
class KeepRecording:
    """Wrap and store the conversation's audio; `size` is None when no closing event came."""

    size: int | None


@dataclass(frozen=True, slots=True)
class Save:
    """Keep the record as it stands."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The call is over: release its lease and forget it."""


Command = (
    SeekAgent | Join | FreeAgent | HangUp | StartTimer | PlayNotice | StartRecording | KeepRecording | Save | Finish
)
