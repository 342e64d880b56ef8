"""Which action or event a fault hits, and what cannot be ordered."""

from __future__ import annotations

import pytest

from dialer.simulation.faults import Fault, Faults, FaultUnknown, Kind, read_fault
from dialer.simulation.protocol import Request


def action(*lines: str) -> Request:
    return Request(lines)


ORIGINATE = action("Action: Originate", "ChannelId: t1")


class Node:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def refuse(self, trunk: str, sip: int | None) -> None:
        self.told.append((trunk, sip))

    def miss(self, trunk: str, *, missing: bool) -> None:
        self.told.append((trunk, missing))

    def restart(self, *, lose_channels: bool) -> None:
        self.told.append(lose_channels)

    def away(self, seconds: float) -> None:
        self.told.append(seconds)


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def faults(node: Node) -> Faults:
    made = Faults()
    made.bind(node, node.away)
    return made


def hits(faults: Faults, request: Request, times: int) -> list[bool]:
    return [faults.for_action(request) is not None for _ in range(times)]


def test_the_nth_match_is_hit_once(faults):
    faults.order(Fault(kind=Kind.DROP_BEFORE_ACK, match="Originate", nth=2))
    assert hits(faults, action("Action: Ping"), 3) == [False] * 3
    assert hits(faults, ORIGINATE, 4) == [False, True, False, False]


def test_several_times_and_for_ever(faults):
    faults.order(Fault(kind=Kind.DELAY_ANSWER, match="Originate", times=2))
    assert hits(faults, ORIGINATE, 3) == [True, True, False]
    faults.order(Fault(kind=Kind.DELAY_ANSWER, match="*", times=0))
    assert hits(faults, ORIGINATE, 3) == [True, True, True]
    faults.take(None)
    assert hits(faults, ORIGINATE, 1) == [False]


def test_a_fault_may_wait_for_one_call(faults):
    faults.order(Fault(kind=Kind.DROP_UNREAD, match="Originate", where="t2"))
    assert hits(faults, ORIGINATE, 1) == [False]
    assert hits(faults, action("Action: Originate", "ChannelId: t2"), 1) == [True]


def test_events_go_by_their_name_and_user_events_by_their_own(faults):
    faults.order(Fault(kind=Kind.LOSE_EVENT, match="DialerAnswered"))
    assert faults.for_event("Hangup", []) is None
    assert faults.for_event("UserEvent", [("UserEvent", "DialerAnswered")]) is not None


def test_trunks_and_restarts_are_the_nodes_business(faults, node):
    faults.order(Fault(kind=Kind.REFUSE_TRUNK, trunk="carrier", sip=503))
    faults.order(Fault(kind=Kind.MISS_TRUNK, trunk="carrier"))
    faults.order(Fault(kind=Kind.MEND_TRUNK, trunk="carrier"))
    faults.order(Fault(kind=Kind.RESTART, lose_channels=False))
    faults.order(Fault(kind=Kind.AWAY, seconds=2.0))
    assert node.told == [("carrier", 503), ("carrier", True), ("carrier", None), ("carrier", False), False, 2.0]
    assert faults.played == 5


def test_a_fault_over_ami_says_the_same():
    asked = action("Fault: delay-event", "Match: Hangup", "Nth: 3", "Times: 0", "Seconds: 0.5", "Where: t1")
    told = Fault(kind=Kind.DELAY_EVENT, match="Hangup", nth=3, times=0, seconds=0.5, where="t1")
    assert read_fault(asked) == told
    assert read_fault(action("Fault: none")) is None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("Fault: nonsense",), "drop-before-ack"),
        (("Fault: refuse-trunk",), "Trunk"),
        (("Fault: delay-event", "Seconds: soon"), "numbers"),
        (("Fault: delay-event", "Nth: 0"), "Nth"),
        (("Fault: refuse-trunk", "Trunk: a", "Sip: 200"), "400 to 699"),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(lines, words):
    with pytest.raises(FaultUnknown, match=words):
        read_fault(action(*lines))


def test_a_fault_nobody_can_play_is_told():
    with pytest.raises(FaultUnknown, match="cannot play"):
        Faults().order(Fault(kind=Kind.RESTART))
