"""People who call us: a sipp at the carrier's address places inbound calls."""

from __future__ import annotations

from pathlib import Path

from tests.lab.asterisk import CARRIER_HOST, AsteriskLab
from tests.lab.processes import free_port
from tests.lab.scenario import SDP, label, log, play, scenario, send
from tests.lab.sipp import Sipp
from tests.lab.sounds import DEBTOR_HZ, tone


class Caller:
    """One inbound call from `caller` to `dialled`; the caller hangs up after `stay_s` when we do not before."""

    def __init__(
        self, lab: AsteriskLab, work: Path, dialled: str, caller: str = "+5491155556666", stay_s: float = 60
    ) -> None:
        audio = tone(work / "sounds" / "caller.ul", DEBTOR_HZ)
        text = _calling(dialled, caller, audio, round(stay_s * 1000))
        port = free_port(CARRIER_HOST)
        options = ["-m", "1", f"127.0.0.1:{lab.sip_port}"]
        self._sipp = Sipp(work, f"caller-{port}", text, CARRIER_HOST, port, options)

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self._sipp.stop()

    def ended(self, timeout_s: float = 30) -> list[str]:
        """Wait for the end of the call; return what happened: ANSWERED, BYE (ours), BYED, or the refusal's status."""
        self._sipp.await_end(timeout_s)
        return [line.split(" ")[0] for line in self._sipp.lines()]

    def errors(self) -> str:
        """Return what was unexpected for the caller."""
        return self._sipp.errors()


def _calling(dialled: str, caller: str, audio: Path, stay_ms: int) -> str:
    refused = (
        f'<recv response="{code}" optional="true" next="refused"><action>{log(str(code))}</action></recv>'
        for code in (403, 404, 486, 603)
    )
    return scenario(
        send(
            _request("INVITE", dialled, caller, 1, f"Content-Type: application/sdp\nContent-Length: [len]\n\n{SDP}"),
            'retrans="500"',
        ),
        '<recv response="100" optional="true"/>',
        '<recv response="180" optional="true"/>',
        '<recv response="183" optional="true"/>',
        *refused,
        f'<recv response="200" rrs="true"><action>{log("ANSWERED")}</action></recv>',
        send(_request("ACK", dialled, caller, 1)),
        play(audio),
        f'<recv request="BYE" timeout="{stay_ms}" ontimeout="leave"><action>{log("BYED")}</action></recv>',
        send(
            "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
            "Content-Length: 0\n\n",
            'next="end"',
        ),
        label("leave"),
        send(_request("BYE", dialled, caller, 2), 'retrans="500"'),
        f'<recv response="200" next="end"><action>{log("BYE")}</action></recv>',
        label("refused"),
        send(_request("ACK", dialled, caller, 1)),
    )


def _request(method: str, dialled: str, caller: str, cseq: int, rest: str = "Content-Length: 0\n") -> str:
    to_tag = "" if method == "INVITE" else "[peer_tag_param]"
    return (
        f"{method} sip:{dialled}@[remote_ip]:[remote_port] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\n"
        f"From: <sip:{caller}@[local_ip]>;tag=[pid]i[call_number]\nTo: <sip:{dialled}@[remote_ip]>{to_tag}\n"
        f"Call-ID: [call_id]\nCSeq: {cseq} {method}\nContact: <sip:{caller}@[local_ip]:[local_port]>\n{rest}\n"
    )
