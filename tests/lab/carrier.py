"""The carrier: a sipp that answers each call by the last three digits of the number dialled.

| digits | what happens |
| --- | --- |
| one of `REFUSALS` | that SIP status |
| 000 | nothing is ever answered |
| 180 | it rings until it is cancelled |
| 181 | nothing for 3 s, then it rings until it is cancelled |
| 201 | answered; the debtor hangs up after `talk_s` |
| 202 | answered; an answering machine speaks its greeting |
| 203 | answered; the debtor hangs up after 0.5 s |
| 204, 205 | answered; the debtor presses 1 (2) every second |
| 206 | answered; the debtor says nothing |
| 208 | asks for credentials (`USER`, `PASSWORD`), then answers; 403 when they are wrong |
| 207 | answered; what the debtor hears comes back as the debtor's voice (a carrier with `echo`) |
| 209 | answered; a person says hello and waits |
| any other | answered; the debtor talks until the dialer hangs up |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.asterisk import CARRIER_HOST
from tests.lab.scenario import (
    REMEMBER,
    SDP,
    SDP_OF_PCAP,
    acknowledged,
    act,
    branch,
    ends,
    label,
    log,
    play,
    respond,
    scenario,
    terminated,
    wait_for_bye,
)
from tests.lab.sipp import Sipp
from tests.lab.sounds import DEBTOR_HZ, key_presses, speech, tone

_CLIENT = "401 403 404 405 408 410 420 480 481 484 485 486 487 488"
_SERVER = "500 501 502 503 504 505 599 600 603 604 606"
REFUSALS = tuple(int(status) for status in f"{_CLIENT} {_SERVER}".split())

GREETING = (
    "Hola, se ha comunicado con el buzón de voz de la familia Martínez, en este momento no podemos atenderle, "
    "por favor deje su mensaje después del tono y le devolveremos la llamada en cuanto sea posible."
)

USER, PASSWORD = "centre", "p@ss#w0rd"

_NUMBER = 'regexp="sip:([+]?[0-9]*([0-9][0-9][0-9]))@" search_in="hdr" header="To:" assign_to="match,number,tail"'
_CALLER = 'regexp="sip:[^@;]*" search_in="hdr" header="From:" assign_to="caller"'
_WORDS = ("[$number]", "[$caller]")


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """One line of the carrier's log: INVITE, CANCEL, ANSWERED, BYE (by the debtor), BYED (by the dialer).

    `at` is wall-clock time in epoch seconds; `caller` is the user of the From header.
    """

    what: str
    number: str
    caller: str
    sip_call_id: str
    at: float


class Carrier:
    """The running carrier. `media=False` sends no sound (for load).

    `echo` is for 207 alone: sipp then echoes into its other calls' streams too.
    """

    def __init__(
        self,
        work: Path,
        port: int,
        *,
        ring_s: float = 0.05,
        talk_s: float = 3.0,
        media: bool = True,
        echo: bool = False,
    ) -> None:
        sounds = work / "sounds"
        debtor = tone(sounds / "debtor.ul", DEBTOR_HZ) if media else None
        machine = speech(sounds / "machine.ul", GREETING) if media else None
        hello = speech(sounds / "hello.ul", "¿Hola?") if media else None
        digits = {key: key_presses(sounds / f"{key}.pcap", key) for key in (1, 2)}
        text = _scenario(ring_s, _talks(talk_s, debtor, machine, hello, digits))
        self._sipp = Sipp(work, "carrier", text, CARRIER_HOST, port, ["-rtp_echo"] if echo else [])
        self._sipp.await_port()

    def __enter__(self) -> Carrier:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the carrier at once."""
        self._sipp.stop()

    def invites(self) -> Counter[str]:
        """Return how often each number was called; a repeated INVITE of the same call counts once."""
        calls = {(call.number, call.sip_call_id) for call in self.calls() if call.what == "INVITE"}
        return Counter(number for number, _ in calls)

    def calls(self) -> list[CarrierCall]:
        """Return everything that happened so far, in order."""
        parts = [line.split(" ") for line in self._sipp.lines()]
        return [
            CarrierCall(what, number, caller.removeprefix("sip:"), call_id, float(sec) + float(usec) / 1e6)
            for what, number, caller, call_id, sec, usec in (part for part in parts if len(part) == 6)
        ]

    def errors(self) -> str:
        """Return what was unexpected for the carrier."""
        return self._sipp.errors()


def _scenario(ring_s: float, talks: str) -> str:
    ring_ms = max(1, round(ring_s * 1000))
    refusals = [label(f"refuse{code}") + respond(f"{code} Refused", 'retrans="500" next="ack"') for code in REFUSALS]
    return scenario(
        '<recv request="OPTIONS" optional="true" next="hello"/>',
        '<recv request="REGISTER" optional="true" next="hello"/>',
        _invited(),
        branch(0, "silent"),
        respond("100 Trying", tag=""),
        *(branch(code, f"refuse{code}") for code in REFUSALS),
        branch(208, "challenge"),
        label("rings"),
        branch(181, "late"),
        respond("180 Ringing"),
        branch(180, "silent"),
        f'<recv request="CANCEL" timeout="{ring_ms}" ontimeout="answer" next="cancelled"/>',
        label("answer"),
        *(branch(code, "echoes") for code in (204, 205, 207)),
        respond("200 OK", 'retrans="500" next="taken"', sdp=SDP),
        label("echoes"),
        respond("200 OK", 'retrans="500"', sdp=SDP_OF_PCAP),
        label("taken"),
        acknowledged(*_WORDS),
        talks,
        ends(*_WORDS),
        *refusals,
        _challenge(),
        label("ack"),
        '<recv request="ACK" next="end"/>',
        label("late"),
        '<pause milliseconds="3000"/>',
        respond("180 Ringing"),
        label("silent"),
        '<recv request="CANCEL"/>',
        label("cancelled"),
        act(log("CANCEL", *_WORDS)),
        terminated(),
        label("hello"),
        respond("200 OK"),
    )


def _challenge() -> str:
    """401, and the INVITE that answers it; the second one is the same call and is not logged again."""
    ask = respond("401 Unauthorized", 'retrans="500"').replace(
        "Contact:",
        'WWW-Authenticate: Digest realm="carrier",nonce="47ebe028cda119c35d4877b383027d28",algorithm=MD5\nContact:',
    )
    check = f'<verifyauth assign_to="good" username="{USER}" password="{PASSWORD}"/>{REMEMBER}'
    again = f'<recv request="INVITE"><action>{check}</action></recv>\n<nop next="rings" test="good"/>\n'
    return label("challenge") + ask + '<recv request="ACK"/>\n' + again + '<nop next="refuse403"/>\n'


def _invited() -> str:
    read = f"<ereg {_NUMBER}/><ereg {_CALLER}/>{REMEMBER}"
    read += f'<todouble assign_to="code" variable="tail"/>{log("INVITE", *_WORDS)}'
    return f'<recv request="INVITE"><action>{read}</action></recv>'


def _talks(
    talk_s: float, debtor: Path | None, machine: Path | None, hello: Path | None, digits: Mapping[int, Path]
) -> str:
    """Return the answered part, one branch a behaviour; each ends in label `ok` (BYE came) or `bye` (BYE is sent)."""
    behaviours = {
        201: play(debtor) + wait_for_bye(round(talk_s * 1000)),
        202: play(machine) + wait_for_bye(),
        203: wait_for_bye(500),
        204: _presses(digits[1]),
        205: _presses(digits[2]),
        206: wait_for_bye(),
        207: wait_for_bye(),
        209: play(hello, times=1) + wait_for_bye(),
    }
    choices = "".join(branch(code, f"talk{code}") for code in behaviours)
    rest = "".join(label(f"talk{code}") + steps for code, steps in behaviours.items())
    return choices + play(debtor) + wait_for_bye() + rest


def _presses(keys: Path) -> str:
    return act(f'<exec play_pcap_audio="{keys}"/>') + wait_for_bye()
