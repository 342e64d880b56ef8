"""What the simulated node needs from outside: somebody to keep its call log, to write its recordings, to wake it up.

Every one is called from inside the event loop and must not block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Protocol


class CallLog(Protocol):
    """Keeps the evidence of every channel (CEL and CDR), in the order in which things happen.

    `at` is business time. `cause` is the Q.850 cause of the Hangup event. A channel lost to a crash has no end.
    """

    def chan_start(self, at: datetime, channel: LoggedChannel) -> None:
        """Log a channel that came to life."""
        ...

    def answer(self, at: datetime, channel: LoggedChannel) -> None:
        """Log an answer."""
        ...

    def bridge_enter(self, at: datetime, channel: LoggedChannel, bridge_id: str) -> None:
        """Log that a channel entered a bridge."""
        ...

    def user_defined(self, at: datetime, channel: LoggedChannel, name: str, extra: str) -> None:
        """Log what the dialplan says with CELGenUserEvent."""
        ...

    def hangup(self, at: datetime, channel: LoggedChannel, cause: int) -> None:
        """Log a hang-up and its cause."""
        ...

    def chan_end(self, at: datetime, channel: LoggedChannel) -> None:
        """Log that a channel is gone."""
        ...


class LoggedChannel(Protocol):
    """The part of a channel that evidence names; read it at once, it goes on living."""

    @property
    def uniqueid(self) -> str:
        """The channel's id."""
        ...

    @property
    def linkedid(self) -> str:
        """The id of the call's first channel."""
        ...

    @property
    def name(self) -> str:
        """The channel's name, such as `PJSIP/trunk-00000001`."""
        ...

    @property
    def context(self) -> str:
        """The place in the dialplan."""
        ...

    @property
    def exten(self) -> str:
        """The extension in that context."""
        ...

    @property
    def caller(self) -> str:
        """The number of the channel's other end, empty when unknown."""
        ...

    @property
    def application(self) -> str:
        """The running or last application."""
        ...

    @property
    def application_data(self) -> str:
        """Its arguments."""
        ...

    @property
    def created_at(self) -> datetime:
        """Business time of its beginning."""
        ...

    @property
    def answered_at(self) -> datetime | None:
        """Business time of its answer."""
        ...


@dataclass(frozen=True, slots=True)
class Voices:
    """Whose voices a recording holds: left the called or calling side, right the agent or our message."""

    left_seed: int
    right_seed: int


class Monitor(Protocol):
    """Writes recordings: raw 16 bit 8 kHz stereo, interleaved, as long as the machine's time that passed."""

    def start(self, uniqueid: str, path: Path, voices: Voices) -> None:
        """Begin a recording of a channel; the file exists from now on. Errors of the disk are logged, not raised."""
        ...

    def stop(self, uniqueid: str) -> int:
        """End all recordings of a channel; return the bytes now in its last file, 0 when none ran.

        When this returns, the file's size (as `stat` shows it) is final.
        """
        ...

    def size(self, path: Path) -> int | None:
        """Return the bytes in a file that was recorded or is being recorded, None when it does not exist."""
        ...

    def lost(self) -> None:
        """Asterisk died: every running recording ends where it is, without another word."""
        ...


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """Let it not happen; harmless when it did."""
        ...


class Scheduler(Protocol):
    """Makes things happen later. Delays are business seconds."""

    def now(self) -> datetime:
        """Return business time."""
        ...

    def later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Do something after so many business seconds, never before this call returned."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All of them, and the randomness."""

    scheduler: Scheduler
    rng: Random
    call_log: CallLog
    monitor: Monitor
