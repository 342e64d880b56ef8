"""The story of a test call, told event by event. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from dialer.ami.messages import RINGING, Event, Hangup, Newchannel, Newstate, OriginateResponse, UserEvent
from dialer.doctor.check import Status
from dialer.doctor.files import RENDER
from dialer.outcomes import outcome_of_refusal
from dialer.types import Outcome

EVENTS = frozenset({"Newchannel", "Newstate", "Hangup", "OriginateResponse", "UserEvent"})
"""What the story is made of."""

TOLD_BY_DIALPLAN = "DialerTest"
WAV_HEADER_BYTES = 44

_REFUSED_BY_TRUNK = "the carrier refuses us: check username, password, caller id, and that it knows our address"
_REMEDIES = {
    Outcome.BUSY: "the line is busy: hang up that phone and try again; the trunk itself works",
    Outcome.NO_ANSWER: "nobody answered: answer the phone, or see that it is on and has coverage",
    Outcome.INVALID: "the carrier knows no such number: check it, and number_format and prefix of the trunk",
    Outcome.REJECTED: "the phone or the carrier blocks the call: ask the carrier about your caller id",
    Outcome.CONGESTION: "the carrier has no line for us now: try again, then ask it about your channels",
    Outcome.FAILED: "see 'dialer doctor' about the trunk, and Asterisk's log",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, `at_s` seconds after the order."""

    at_s: float
    what: str
    status: Status
    detail: str
    remedy: str = ""


@dataclass(slots=True)
class Story:
    """What became of one test call so far; `over` once its channel is gone."""

    call_id: str
    trunk: str
    over: bool = False
    outcome: Outcome | None = None
    channel: bool = False
    rang: bool = False
    answered: bool = False
    played: bool = False
    steps: list[Step] = field(default_factory=list)

    def hear(self, event: Event, at_s: float) -> list[Step]:
        """Take one event of this call; return what it adds to the story."""
        told = self._told(event, at_s) if not self.over else []
        self.steps += told
        return told

    def note(self, step: Step) -> Step:
        """Add something that Asterisk does not tell."""
        self.steps.append(step)
        return step

    def _told(self, event: Event, at_s: float) -> list[Step]:
        match event:
            case Newchannel() if event.uniqueid == self.call_id and not self.channel:
                self.channel = True
                return [Step(at_s, "dialling", Status.OK, f"Asterisk calls through trunk {self.trunk}")]
            case Newstate(channel_state=state) if event.uniqueid == self.call_id and state == RINGING and not self.rang:
                self.rang = True
                return [Step(at_s, "ringing", Status.OK, f"it rings after {at_s:.1f} s")]
            case UserEvent() if event.name == TOLD_BY_DIALPLAN and event.call_id == self.call_id:
                return self._spoken(event, at_s)
            case Hangup() if event.uniqueid == self.call_id:
                return [self._ended(event, at_s)]
            case OriginateResponse(success=False) if event.uniqueid == self.call_id and not self.channel:
                self.over, self.outcome = True, Outcome.FAILED
                told = "Asterisk made no channel: it does not know the trunk, or the trunk does not answer"
                return [Step(at_s, "refused", Status.FAILED, told, _REMEDIES[Outcome.FAILED])]
            case _:
                return []

    def _spoken(self, event: UserEvent, at_s: float) -> list[Step]:
        match event.get("Step"):
            case "answered":
                self.answered = True
                return [Step(at_s, "answered", Status.OK, f"somebody answers after {at_s:.1f} s")]
            case "played":
                return [self._message(event.get("Status"), at_s)]
            case "recorded":
                return [_recording(event.get("Size"), at_s)]
            case _:
                return []

    def _message(self, status: str, at_s: float) -> Step:
        self.played = status == "SUCCESS"
        if self.played:
            return Step(at_s, "message", Status.OK, "the agency's message was played to its end")
        told = f"the message could not be played ({status or 'no status'})"
        return Step(at_s, "message", Status.FAILED, told, f"{RENDER}, sounds/dialer included")

    def _ended(self, event: Hangup, at_s: float) -> Step:
        self.over = True
        # Asterisk does not always know the cause of an answered call's end: 16, normal clearing.
        cause = event.cause or (16 if self.answered else 0)
        told = f"cause {cause}" + (f", SIP {event.tech_cause}" if event.tech_cause else "")
        if not self.answered:
            return self._refused(event, at_s, told)
        self.outcome = Outcome.ANSWERED
        if self.played:
            return Step(at_s, "hang-up", Status.OK, f"after {at_s:.1f} s ({told})")
        remedy = "listen to the end, or see the step before this one"
        return Step(at_s, "hang-up", Status.FAILED, f"before the message had been played ({told})", remedy)

    def _refused(self, event: Hangup, at_s: float, told: str) -> Step:
        outcome = self.outcome = outcome_of_refusal(event.cause, event.tech_cause)
        remedy = _REMEDIES.get(outcome, _REMEDIES[Outcome.FAILED])
        if outcome is Outcome.FAILED and event.tech_cause in ("401", "403", "407"):
            remedy = _REFUSED_BY_TRUNK
        if event.cause == 58:
            remedy = "the carrier takes none of the trunk's codecs: ask it which, and set them"
        what = "no answer" if outcome is Outcome.NO_ANSWER else "refused"
        return Step(at_s, what, Status.FAILED, f"{outcome} ({told})", remedy)


def _recording(size: str, at_s: float) -> Step:
    written = int(size) if size.isdigit() else 0
    if written > WAV_HEADER_BYTES:
        return Step(at_s, "recording", Status.OK, f"{written} bytes")
    told = "Asterisk wrote no recording"
    return Step(at_s, "recording", Status.FAILED, told, "see 'recording folder' in 'dialer doctor'")
