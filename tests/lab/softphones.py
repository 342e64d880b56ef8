"""Agents' softphones: one sipp registers them all with digest authentication, another answers their calls."""

from __future__ import annotations

from pathlib import Path

from tests.lab.asterisk import AsteriskLab
from tests.lab.processes import LabError, eventually, free_port
from tests.lab.scenario import (
    FOREVER_MS,
    REMEMBER,
    SDP,
    acknowledged,
    ends,
    label,
    log,
    play,
    respond,
    scenario,
    send,
    wait_for_bye,
)
from tests.lab.sipp import Sipp
from tests.lab.sounds import AGENT_HZ, tone

HOST = "127.0.0.1"
TRIES = 2
"""Now and then a sipp that registers does not end; registering is not what any test is about."""
_WORDS = ("[$number]",)


class Softphones:
    """Every softphone of the lab, registered and answering at once; `bye_after_s` makes the agents hang up."""

    def __init__(
        self,
        lab: AsteriskLab,
        work: Path,
        *,
        first: int | None = None,
        count: int | None = None,
        bye_after_s: float | None = None,
        media: bool = True,
    ) -> None:
        agents = lab.config.agents
        self.first = agents.first_extension if first is None else first
        self.extensions = range(self.first, self.first + (agents.extensions if count is None else count))
        self._lab = lab
        self._work = work / f"softphones-{self.first}"
        self._port = free_port(HOST)
        self.register()
        audio = tone(work / "sounds" / "agent.ul", AGENT_HZ) if media else None
        stay_ms = FOREVER_MS if bye_after_s is None else round(bye_after_s * 1000)
        self._sipp = Sipp(self._work, "phones", _answering(audio, stay_ms), HOST, self._port)
        self._sipp.await_port()
        eventually(self._reachable, "Asterisk reaches every softphone", 20)

    def __enter__(self) -> Softphones:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def register(self, expires_s: int = 3600) -> None:
        """Register every softphone; `expires_s=0` takes them out (only before this object answers calls)."""
        users = self._work / "users.csv"
        users.parent.mkdir(parents=True, exist_ok=True)
        lines = (_user(number, self._lab.secrets.extension(number)) for number in self.extensions)
        users.write_text("SEQUENTIAL\n" + "".join(lines))
        count = str(len(self.extensions))
        options = ["-inf", str(users), "-m", count, "-l", count, "-r", "100", f"{HOST}:{self._lab.sip_port}"]
        trouble = ""
        for _ in range(TRIES):
            registrar = Sipp(self._work, "register", _registering(expires_s), HOST, self._port, options)
            try:
                registrar.await_end(15)
            except LabError as exc:
                trouble = str(exc)
            finally:
                registrar.stop()
            if registrar.lines().count("REGISTERED") == len(self.extensions):
                return
        raise LabError(f"softphones not registered: {trouble} {registrar.errors()[-2000:]}")

    def unregister(self, extension: int) -> None:
        """Take one softphone out as its user would; it still answers calls that are up."""
        users = self._work / f"leaving-{extension}.csv"
        users.write_text("SEQUENTIAL\n" + _user(extension, self._lab.secrets.extension(extension)))
        options = ["-inf", str(users), "-m", "1", f"{HOST}:{self._lab.sip_port}"]
        # From a port of its own, this one is taken: the star means every contact of this softphone.
        text = _registering(0).replace("Contact: <sip:[field0]@[local_ip]:[local_port]>", "Contact: *")
        leaving = Sipp(self._work, f"unregister-{extension}", text, HOST, free_port(HOST), options)
        leaving.await_end(30)
        if "REGISTERED" not in leaving.lines():
            raise LabError(f"softphone {extension} not unregistered: {leaving.errors()[-2000:]}")

    def _reachable(self) -> bool:
        """Nobody answered Asterisk's questions while sipp was registering: the next ones must come through."""
        with self._lab.ami() as ami:
            ami.action("PJSIPShowContacts")
            ami.wait("ContactListComplete")
            up = {contact["Endpoint"] for contact in ami.events("ContactList", Status="Reachable")}
        return {str(number) for number in self.extensions} <= up

    def answered(self) -> list[str]:
        """Return the extensions whose calls were answered, in order."""
        return [line.split(" ")[1] for line in self._sipp.lines() if line.startswith("ANSWERED ")]

    def errors(self) -> str:
        """Return what was unexpected for the softphones."""
        return self._sipp.errors()

    def stop(self) -> None:
        """Lose every softphone silently, as a crashed computer does: no BYE, no unregister."""
        self._sipp.stop()


def _user(number: int, secret: str) -> str:
    return f"{number};[authentication username={number} password={secret}]\n"


def _registering(expires_s: int) -> str:
    return scenario(
        send(_register(expires_s), 'retrans="500"'),
        '<recv response="401" auth="true"/>',
        label("again"),
        send(_register(expires_s, "[field1]\n"), 'retrans="500"'),
        '<recv response="401" auth="true" optional="true" next="again"/>',
        '<recv response="200"><action><log message="REGISTERED"/></action></recv>',
    )


def _register(expires_s: int, authorization: str = "") -> str:
    return (
        "REGISTER sip:[remote_ip]:[remote_port] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\n"
        "From: <sip:[field0]@[remote_ip]>;tag=[pid]r[call_number]\nTo: <sip:[field0]@[remote_ip]>\n"
        "Call-ID: [call_id]\nCSeq: [cseq] REGISTER\nContact: <sip:[field0]@[local_ip]:[local_port]>\n"
        f"Expires: {expires_s}\n{authorization}Content-Length: 0\n\n"
    )


def _answering(audio: Path | None, stay_ms: int) -> str:
    number = '<ereg regexp="sip:([0-9]+)@" search_in="hdr" header="To:" assign_to="match,number"/>'
    return scenario(
        '<recv request="OPTIONS" optional="true" next="hello"/>',
        f'<recv request="INVITE"><action>{number}{REMEMBER}{log("INVITE", *_WORDS)}</action></recv>',
        respond("180 Ringing"),
        respond("200 OK", 'retrans="500"', sdp=SDP),
        acknowledged(*_WORDS),
        play(audio),
        wait_for_bye(stay_ms),
        ends(*_WORDS),
        '<label id="hello"/>',
        respond("200 OK"),
    )
