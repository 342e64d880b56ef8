"""Building blocks of sipp scenarios: messages, waiting, branching, sound, log lines."""

from __future__ import annotations

import re
from pathlib import Path

FOREVER_MS = 3_600_000

NEW_TAG = ";tag=[pid]c[call_number]"
"""Our side's tag: in every response to a request that has none yet."""

SDP = """v=0
o=lab 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv"""

SDP_OF_PCAP = SDP.replace("[rtpstream_audio_port]", "[media_port]")
"""For calls that play pcap files, or whose sound is echoed: sipp does both on another port than streams."""

REMEMBER = (
    '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>'
    '<ereg regexp="<?(sip:[^>;]*)" search_in="hdr" header="Contact:" assign_to="contact,remote"/>'
).replace("<?(", "&lt;?(")
"""Actions on an INVITE: what a later 487 or BYE needs."""


def scenario(*steps: str) -> str:
    """Return a whole scenario file."""
    body = "\n".join([*steps, label("end"), act('<log message="END"/>')])
    return (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
        f'<scenario name="lab">\n{body}\n{_unused(body)}</scenario>\n'
    )


def _unused(body: str) -> str:
    """Sipp refuses a scenario with a variable that is only assigned, unless it is declared here."""
    names = {name for names in re.findall(r'assign_to="([^"]*)"', body) for name in names.split(",")}
    lonely = sorted(name for name in names if len(re.findall(rf"\b{name}\b", body)) == 1)
    return f'<Reference variables="{",".join(lonely)}"/>\n' if lonely else ""


def label(name: str) -> str:
    """Return a place to jump to."""
    return f'\n<label id="{name}"/>\n'


def act(*actions: str, attributes: str = "") -> str:
    """Return a step that only acts."""
    return f"<nop {attributes}><action>{''.join(actions)}</action></nop>\n"


def log(*words: str) -> str:
    """Return the action that writes one line: the words, then the SIP call id, epoch seconds and microseconds."""
    line = " ".join(words)
    return f'<gettimeofday assign_to="sec,usec"/><log message="{line} [call_id] [$sec] [$usec]"/>'


def branch(code: int, target: str) -> str:
    """Return the step that jumps when the call's `code` is this one."""
    test = f'<test assign_to="is{code}" variable="code" compare="equal" value="{code}"/>'
    return act(test) + f'<nop next="{target}" test="is{code}"/>\n'


def send(message: str, attributes: str = "") -> str:
    """Return the step that sends a message."""
    return f"<send {attributes}>\n<![CDATA[\n\n{message}\n]]>\n</send>\n"


def respond(status: str, attributes: str = "", *, tag: str = NEW_TAG, sdp: str = "") -> str:
    """Return the step that answers the last request; `tag` is empty when the request carries ours already."""
    head = f"SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n"
    head += "Contact: <sip:[local_ip]:[local_port]>\n"
    if not sdp:
        return send(f"{head}Content-Length: 0\n\n", attributes)
    return send(f"{head}Content-Type: application/sdp\nContent-Length: [len]\n\n{sdp}\n", attributes)


def terminated() -> str:
    """Return the steps that end a cancelled INVITE: 200 for the CANCEL, 487 for the INVITE, its ACK."""
    head = f"SIP/2.0 487 Request Terminated\n[last_Via:]\n[last_From:]\n[last_To:]{NEW_TAG}\n[last_Call-ID:]\n"
    final = send(f"{head}CSeq: [$cseq] INVITE\nContent-Length: 0\n\n", 'retrans="500"')
    return respond("200 OK") + final + '<recv request="ACK" next="end"/>\n'


def wait_for_bye(timeout_ms: int = FOREVER_MS, after: str = "bye") -> str:
    """Return the step that waits for the other side's BYE; after the time it goes to label `after`."""
    return f'<recv request="BYE" timeout="{timeout_ms}" ontimeout="{after}" next="ok"/>\n'


def ends(*log_words: str) -> str:
    """Return the two ends of an answered call we received: `bye` sends one, `ok` answers one."""
    bye = send(
        "BYE [$remote] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From:[$us]\nTo:[$them]\nCall-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70\nContent-Length: 0\n\n",
        'retrans="500"',
    )
    sent = label("bye") + act(log("BYE", *log_words)) + bye + '<recv response="200" next="end"/>\n'
    return sent + label("ok") + act(log("BYED", *log_words)) + respond("200 OK", 'next="end"', tag="")


def acknowledged(*log_words: str) -> str:
    """Return the step that takes the ACK of our 200 and remembers the dialog's two sides for a BYE."""
    sides = '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="us"/>'
    sides += '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="them"/>'
    return f'<recv request="ACK"><action>{sides}{log("ANSWERED", *log_words)}</action></recv>\n'


def play(audio: Path | None, times: int = -1) -> str:
    """Return the step that streams raw mu-law (-1: again and again), or nothing."""
    return "" if audio is None else act(f'<exec rtp_stream="{audio},{times},0,PCMU/8000"/>')
