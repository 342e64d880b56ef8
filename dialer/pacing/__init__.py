"""How many calls to place: pure arithmetic on a snapshot, with the reason in one sentence."""

from dialer.pacing.bucket import TokenBucket
from dialer.pacing.facts import (
    Abandoned,
    Answered,
    Cancelled,
    Classified,
    Connected,
    Dialled,
    Ended,
    Fact,
    TalkEnded,
    WrapEnded,
)
from dialer.pacing.pacer import Gauges, Pacer
from dialer.pacing.policy import MODES, PacingPolicy, PolicyError
from dialer.pacing.prior import PastCall, PastTalk, Prior
from dialer.pacing.snapshot import Budget, Decision, Snapshot, Stage

__all__ = [
    "MODES",
    "Abandoned",
    "Answered",
    "Budget",
    "Cancelled",
    "Classified",
    "Connected",
    "Decision",
    "Dialled",
    "Ended",
    "Fact",
    "Gauges",
    "Pacer",
    "PacingPolicy",
    "PastCall",
    "PastTalk",
    "PolicyError",
    "Prior",
    "Snapshot",
    "Stage",
    "TalkEnded",
    "TokenBucket",
    "WrapEnded",
]
