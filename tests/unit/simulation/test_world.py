"""The world moves on request."""

from __future__ import annotations

import pytest

from dialer.simulation.far_end import LegReply, Reply
from dialer.simulation.protocol import Request
from dialer.simulation.world import WorldUnknown, move


class People:
    """Writes down who did what; only 1001 to 1003 are known."""

    def __init__(self) -> None:
        self.did: list[tuple[str, ...]] = []
        self.reply: Reply | None = None

    @property
    def softphones(self) -> People:
        return self

    def __contains__(self, extension: str) -> bool:
        return extension in {"1001", "1002", "1003"}

    def register(self, extension: str, reply: LegReply | None = None) -> None:
        self.did.append(("register", extension))

    def unregister(self, extension: str) -> None:
        self.did.append(("unregister", extension))

    def lose(self, extension: str) -> None:
        self.did.append(("lose", extension))

    def phone_hangs_up(self, extension: str) -> None:
        self.did.append(("hang-up", extension))

    def arrive(self, caller: str, dialled: str, trunk: str, reply: Reply | None = None) -> str | None:
        self.reply = reply
        return f"{caller} {trunk}" if dialled == "+54" else None


def asked(people: People, *lines: str) -> str:
    return move(people, Request(lines))


@pytest.mark.parametrize("what", ["register", "unregister", "lose", "hang-up"])
def test_a_softphone_does_what_is_asked(what):
    people = People()
    asked(people, f"Do: {what}", "Extension: 1001")
    assert people.did == [(what, "1001")]


def test_a_range_is_several():
    people = People()
    assert asked(people, "Do: lose", "Extension: 1001-1003") == "lose: 3 softphone(s)"
    assert len(people.did) == 3


def test_somebody_calls_and_stays():
    people = People()
    assert asked(people, "Do: call", "Caller: +1", "Dialled: +54", "Trunk: carrier", "Stay: 5") == "call: +1 carrier"
    assert people.reply is not None
    assert people.reply.talk_s == 5.0


@pytest.mark.parametrize(
    "lines",
    [("Do: dance",), ("Do: lose", "Extension: 9"), ("Do: lose", "Extension: a-b"), ("Do: call", "Dialled: +1"),
     ("Do: call", "Dialled: +54", "Stay: long")],
)  # fmt: skip
def test_what_cannot_be_is_refused(lines):
    with pytest.raises(WorldUnknown):
        asked(People(), *lines)
