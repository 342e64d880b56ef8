"""Whatever happens in whatever order: what begins ends once, who enters leaves, and every order has one result."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from dialer.simulation.far_end import LegReply, Reply
from dialer.simulation.node import OriginateOrder, Refused
from tests.unit.simulation.workbench import CALLER_ID, Workbench

Happening = Callable[[Workbench], None]

SECONDS = st.sampled_from([0.0, 0.2, 0.5, 1.0, 3.0, 12.0])
REPLIES = st.builds(
    Reply,
    rings_after_s=st.sampled_from([None, 0.0, 0.5]),
    ends_after_s=st.sampled_from([0.0, 0.5, 3.0, 100.0]),
    sip=st.sampled_from([200, 200, 200, 486, 503]),
    amd_status=st.sampled_from(["HUMAN", "MACHINE"]),
    talk_s=st.sampled_from([0.0, 1.0, 20.0]),
    patience_s=st.sampled_from([0.0, 0.5, 5.0, 1000.0]),
)
TARGETS = st.integers(0, 9)


def calls(serial: int, reply: Reply, amd: str, record: str) -> Happening:
    number = f"+54911{serial:08d}"
    return lambda bench: bench.call(f"t{serial:026d}", number, reply, DIALER_AMD=amd, DIALER_RECORD=record)


def logs_in(serial: int, extension: str, reply: LegReply) -> Happening:
    def happen(bench: Workbench) -> None:
        bench.phones.register(extension, reply)
        bench.originate(f"g{serial:026d}", f"PJSIP/{extension}", "dialer-agent", {"DIALER_AGENT": extension})

    return happen


def chosen(bench: Workbench, target: int) -> str:
    names = [row.channel for row in bench.node.channels()]
    return names[target % len(names)] if names else "nobody"


def redirects(target: int, agent: int, context: str) -> Happening:
    def happen(bench: Workbench) -> None:
        debtor, leg = chosen(bench, target), chosen(bench, agent)
        bench.node.set_variable(debtor, "DIALER_AGENT_CHANNEL", leg)
        bench.node.redirect(debtor, context, "s", 1)

    return happen


def speaks_notice(target: int) -> Happening:
    def happen(bench: Workbench) -> None:
        spied = chosen(bench, target)
        order = OriginateOrder(
            action_id="n",
            channel="Local/s@dialer-notice/n",
            channel_id="",
            application="ChanSpy",
            data=f"{spied},quBES",
        )
        bench.node.originate(order)

    return happen


PHONES = st.sampled_from(["1001", "1002"])
SERIALS = st.integers(0, 5)
CONTEXTS = st.sampled_from(["dialer-join", "dialer-join", "dialer-agent", "dialer-abandon", "nowhere"])
HAPPENINGS: st.SearchStrategy[Happening] = st.one_of(
    st.builds(calls, SERIALS, REPLIES, st.sampled_from("01"), st.sampled_from(["no", "now"])),
    st.builds(logs_in, SERIALS, PHONES, st.builds(LegReply, SECONDS, st.sampled_from([200, 200, 486]))),
    st.builds(redirects, TARGETS, TARGETS, CONTEXTS),
    st.builds(speaks_notice, TARGETS),
    SECONDS.map(lambda seconds: lambda bench: bench.forward(seconds)),
    TARGETS.map(lambda target: lambda bench: bench.node.hang_up(chosen(bench, target), 16)),
    st.tuples(TARGETS, TARGETS).map(
        lambda two: lambda bench: bench.node.bridge(chosen(bench, two[0]), chosen(bench, two[1]), "no")
    ),
    PHONES.map(lambda phone: lambda bench: bench.phones.lose(phone)),
    PHONES.map(lambda phone: lambda bench: bench.node.phone_hangs_up(phone)),
    REPLIES.map(lambda reply: lambda bench: bench.node.arrive("+5491155556666", CALLER_ID, "carrier", reply)),
)


def lived(happenings: list[Happening]) -> Workbench:
    """Let all of this happen, then end everything."""
    bench = Workbench()
    for happen in happenings:
        with contextlib.suppress(Refused):
            happen(bench)
        assert_nobody_is_in_two_places(bench)
    bench.node.hang_up("/./", 16)
    bench.forward(120)
    return bench


def assert_nobody_is_in_two_places(bench: Workbench) -> None:
    inside = Counter(row.bridge_id for row in bench.node.channels() if row.bridge_id)
    talking = {event["BridgeUniqueid"] for event in bench.named("BridgeEnter") if event["BridgeType"] == "basic"}
    assert [bridge for bridge, members in inside.items() if bridge in talking and members != 2] == []


@given(st.lists(HAPPENINGS, max_size=25))
def test_everything_that_begins_ends_once(happenings: list[Happening]):
    bench = lived(happenings)
    assert bench.node.channels() == []
    assert Counter(event["Channel"] for event in bench.named("Newchannel")) == Counter(
        event["Channel"] for event in bench.named("Hangup")
    )
    assert bench.recorder.running == {}


@given(st.lists(HAPPENINGS, max_size=25))
def test_whoever_enters_a_bridge_leaves_it(happenings: list[Happening]):
    bench = lived(happenings)
    passages = [
        Counter((event["BridgeUniqueid"], event["Channel"]) for event in bench.named(name))
        for name in ("BridgeEnter", "BridgeLeave")
    ]
    assert passages[0] == passages[1]


@given(st.lists(HAPPENINGS, max_size=25))
def test_every_originate_has_one_result(happenings: list[Happening]):
    bench = lived(happenings)
    placed = [event for event in bench.named("Newchannel") if event["Uniqueid"].startswith(("t", "g"))]
    made = Counter(event["Uniqueid"] for event in placed)
    results = Counter(event["Uniqueid"] for event in bench.named("OriginateResponse"))
    assert {uniqueid for uniqueid, count in made.items() if results[uniqueid] < count} == set()


@given(st.lists(HAPPENINGS, max_size=25))
def test_the_call_log_says_the_same_as_the_events(happenings: list[Happening]):
    bench = lived(happenings)
    written = Counter(line.split()[0] for line in bench.book.lines)
    told = Counter(name for name, _ in bench.events)
    assert (written["CHAN_START"], written["CHAN_END"]) == (told["Newchannel"], told["Hangup"])
    assert written["BRIDGE_ENTER"] == told["BridgeEnter"]
