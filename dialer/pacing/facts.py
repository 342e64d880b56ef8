"""What happened, told to a Pacer. One call is `Dialled`, perhaps `Answered` and `Classified`, then exactly one of
`Ended`, `Connected`, `Abandoned` or `Cancelled`; later `TalkEnded` and `WrapEnded`. Times in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialled:
    """A call was placed; `odds` of a live answer, NaN where unknown."""

    at: float
    odds: float


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody or something answered."""

    at: float
    dialled_at: float


@dataclass(frozen=True, slots=True)
class Classified:
    """The answer was a person (`live`) or was not."""

    at: float
    dialled_at: float
    answered_at: float
    live: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The call ended unjoined: refused, unanswered, a machine, or a person who hung up early."""

    at: float
    dialled_at: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Connected:
    """A live person was joined to an agent after waiting `waited_s`."""

    at: float
    waited_s: float


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A live person found no agent in time."""

    at: float


@dataclass(frozen=True, slots=True)
class TalkEnded:
    """A conversation of `talk_s` ended."""

    at: float
    talk_s: float


@dataclass(frozen=True, slots=True)
class WrapEnded:
    """An agent's work after a conversation of `talk_s` ended."""

    at: float
    wrap_s: float
    talk_s: float


@dataclass(frozen=True, slots=True)
class Cancelled:
    """We hung up a call that rang."""

    at: float
    dialled_at: float


Fact = Dialled | Answered | Classified | Ended | Connected | Abandoned | TalkEnded | WrapEnded | Cancelled
