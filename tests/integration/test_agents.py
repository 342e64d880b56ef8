"""An agent's day on a real softphone: seated, talking, writing up, losing the line; and who gets which debtor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dialer.clock import SystemClock
from tests.lab.centre import Centre, centre
from tests.lab.processes import eventually
from tests.lab.softphones import Softphones
from tests.lab.witness import Line, Row, numbers

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(120)]

WRAP_UP_S = 5.0
TALKS = 300
"""The ending of a number whose debtor talks until the dialer hangs up."""

LEAVES = 201
"""The ending of a number whose debtor hangs up after `talk_s`."""

IMPATIENT, LOST, UNREGISTERED = 8, 10, 11
"""Places of softphones (0 is the first): two that hang up, one that is lost, one that never registers."""


@pytest.fixture(scope="module")
def at(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    work = tmp_path_factory.mktemp("agents")
    tables = {"agents": {"wrap_up_s": WRAP_UP_S, "login_timeout_s": 5}}
    with centre(lab_root, work, softphones=12, registered=IMPATIENT, talk_s=2.0, tables=tables) as at:
        yield at


def campaign(at: Centre, name: str, place: int, *tails: int, **changes: object) -> list[str]:
    """Create and start a campaign with one debtor for each ending; return the phones."""
    phones = numbers(place, tails)
    at.campaign([(f"{name}{n}", phone, "alta") for n, phone in enumerate(phones)], name=name, **changes)
    return phones


def states(at: Centre, agent: str) -> list[str]:
    """Return what an agent was, one state after another."""
    return [line["state"] for line in at.witness.said("agent", agent=agent)]


def after_talking(at: Centre, agent: str) -> list[str]:
    """Return what an agent was after the first conversation."""
    was = states(at, agent)
    return was[was.index("talking") + 1 :]


def status(at: Centre, agent: str) -> Line:
    """Return an agent's line of `dialer agent status --json`."""
    found: list[Line] = [row for row in at.service.json("agent", "status") if row["agent"] == agent]
    return found[0]


def ends_of(at: Centre, phone: str) -> list[str]:
    """Return what the carrier saw of a call after its INVITE."""
    return [call.what for call in at.carrier.calls() if call.number == phone and call.what != "INVITE"]


@dataclass(frozen=True, slots=True)
class Shift:
    """What was seen at each point of a shift told by commands."""

    at: Centre
    phones: list[str]
    logged_in: Line
    invited_before_ready: int
    during_pause: Line
    after_pause: Line
    leg_ids: list[str]
    legs_left: int


@pytest.fixture(scope="module")
def shift(at: Centre) -> Shift:
    """Four debtors: the first is hung up and disposed, wrap-up ends by `ready`, by its limit, and into a pause."""
    phones = campaign(at, "turno", 10, TALKS, LEAVES, LEAVES, TALKS)
    at.hire("ana", 0)
    dialer, hears = at.service.run, at.witness.agent
    dialer("agent", "login", "ana", "--campaign", "turno")
    logged_in, invited = status(at, "ana"), sum(at.carrier.invites()[phone] for phone in phones)
    dialer("agent", "ready", "ana")
    hears("ana", "talking")
    leg_ids = [at.witness.order("agent.ready", agent="ana")["leg_id"]]
    dialer("agent", "hangup", "ana")
    hears("ana", "wrap_up")
    dialer("agent", "dispose", "ana", "promise")
    hears("ana", "wrap_up", count=2)
    dialer("agent", "ready", "ana")
    hears("ana", "talking", count=4, timeout_s=25)
    dialer("agent", "pause", "ana", "almuerzo")
    during = status(at, "ana")
    leg_ids.append(during["leg_id"])
    dialer("agent", "hangup", "ana")
    dialer("agent", "dispose", "ana", "refusal")
    hears("ana", "paused", count=2)
    after = status(at, "ana")
    dialer("agent", "logout", "ana")
    hears("ana", "logged_out")
    eventually(lambda: legs(at, 0) == 0, "the leg is gone")
    return Shift(at, phones, logged_in, invited, during, after, leg_ids, legs(at, 0))


def legs(at: Centre, place: int) -> int:
    """Return how many channels a softphone has in Asterisk."""
    with at.lab.ami() as ami:
        ami.action("CoreShowChannels")
        ami.wait("CoreShowChannelsComplete")
        name = f"PJSIP/{at.extension(place)}-"
        return sum(1 for channel in ami.events("CoreShowChannel") if channel["Channel"].startswith(name))


class TestShift:
    def test_a_login_calls_the_softphone_and_waits_for_ready(self, shift: Shift) -> None:
        assert (shift.logged_in["state"], shift.logged_in["reason"]) == ("paused", "logged in")

    def test_nobody_is_called_for_an_agent_who_is_not_ready(self, shift: Shift) -> None:
        assert shift.invited_before_ready == 0

    def test_the_agent_goes_through_every_state(self, shift: Shift) -> None:
        talk = ["reserved", "talking", "wrap_up"]
        day = ["calling", "paused", *(["ready", *talk] * 4), "paused", "logged_out"]
        assert states(shift.at, "ana") == day

    def test_the_hangup_command_ends_the_conversation_not_the_leg(self, shift: Shift) -> None:
        assert ends_of(shift.at, shift.phones[0]) == ["ANSWERED", "BYED"]
        assert len(set(shift.leg_ids)) == 1

    def test_one_leg_carries_the_whole_shift(self, shift: Shift) -> None:
        assert shift.at.phones.answered().count(str(shift.at.extension(0))) == 1

    def test_wrap_up_ends_by_dispose_by_ready_or_by_its_limit(self, shift: Shift) -> None:
        rows = shift.at.witness.attempts("turno")
        wraps = [(row["wrap_ended_at"] - row["ended_at"]).total_seconds() for row in rows]
        assert wraps[2] == pytest.approx(WRAP_UP_S, abs=0.5)
        assert max(wraps[0], wraps[1], wraps[3]) < WRAP_UP_S

    def test_a_pause_during_a_call_comes_after_it(self, shift: Shift) -> None:
        assert shift.during_pause["state"] == "talking"
        assert (shift.after_pause["state"], shift.after_pause["reason"]) == ("paused", "almuerzo")

    def test_logging_out_ends_the_leg(self, shift: Shift) -> None:
        assert shift.legs_left == 0

    def test_the_report_tells_conversations_and_what_the_agent_noted(self, shift: Shift) -> None:
        row = next(row for row in shift.at.service.report("agents") if row["agent"] == "ana")
        assert (row["conversations"], row["dispositions"]) == (4, {"promise": 1, "refusal": 1})


SEGMENTS = [
    {"name": "alta", "priority": 200, "skills": {"negociacion": 5}},
    {"name": "ingles", "priority": 150, "language": "en"},
    {"name": "baja", "priority": 100},
]


@dataclass(frozen=True, slots=True)
class Routed:
    """Who got which debtor, and the log line that says why; `idlest` is who had waited longest for the plain one."""

    skilled: Line
    foreign: Line
    plain: Line
    again: Line
    idlest: str


@pytest.fixture(scope="module")
def routed(at: Centre) -> Routed:
    """Nora negotiates, Bob speaks English, Clara came first; then the debtor Nora spoke with is called again."""
    hard, english, plain = numbers(30, [LEAVES] * 3)
    at.campaign([("dura", hard, "alta"), ("ann", english, "ingles")], name="reparto", segments=SEGMENTS)
    at.hire("clara", 4)
    at.hire("nora", 5, "--skill", "negociacion=5")
    at.hire("bob", 6, "--language", "en")
    for name in ("clara", "nora", "bob"):
        at.seat(name, "reparto", ready=False)
    for name in ("clara", "nora", "bob"):
        at.witness.order("agent.ready", agent=name)
    at.witness.agent("nora", "ready", count=2)
    at.witness.agent("bob", "ready", count=2)
    more = at.work / "more.csv"
    more.write_text(f"debtor,name,phone,segment\nllana,Llana,{plain},baja\n")
    at.quick.run("leads", "import", "reparto", str(more))
    lines = {row["phone"]: told(at, row) for row in at.witness.ended("reparto", 3)}
    return Routed(lines[hard], lines[english], lines[plain], again(at, hard), "clara")


def again(at: Centre, phone: str) -> Line:
    """Call the debtor of a past conversation in a campaign that asks for no skill, with both agents ready."""
    at.campaign([("dura", phone, "baja")], name="vuelta", max_tries_per_phone_per_day=5)
    at.witness.order("campaign.pause", campaign="vuelta")
    for name in ("clara", "nora"):
        at.witness.order("agent.logout", agent=name)
        at.witness.agent(name, "logged_out")
        at.seat(name, "vuelta")
    at.start("vuelta")
    return told(at, at.witness.ended("vuelta", 1)[0])


def told(at: Centre, row: Row) -> Line:
    """Return the line that says why this attempt went to its agent."""
    return at.witness.hears("routed", 1, call_id=row["call_id"], agent=row["agent"])


class TestRouting:
    def test_the_skill_a_segment_wants_decides(self, routed: Routed) -> None:
        assert (routed.skilled["agent"], routed.skilled["skills"]) == ("nora", 1.0)

    def test_the_language_of_the_segment_decides(self, routed: Routed) -> None:
        assert (routed.foreign["agent"], routed.foreign["language"]) == ("bob", 1.0)

    def test_among_equals_the_longest_idle_is_chosen(self, routed: Routed) -> None:
        assert routed.plain["agent"] == routed.idlest
        assert routed.plain["idle_s"] > 5

    def test_a_debtor_hears_a_familiar_voice_again(self, routed: Routed) -> None:
        assert (routed.again["agent"], routed.again["last_agent"]) == ("nora", 1.0)

    def test_the_score_is_logged_with_its_parts(self, routed: Routed) -> None:
        assert {"call_id", "agent", "fit", "language", "skills", "last_agent", "idle_s"} <= set(routed.skilled)


class TestLogin:
    def test_an_unregistered_softphone_is_refused_in_a_clear_sentence(self, at: Centre) -> None:
        campaign(at, "puerta", 20, LEAVES)
        at.hire("berta", UNREGISTERED)
        told = at.service.run("agent", "login", "berta", "--campaign", "puerta", ok=False)
        assert f"is softphone {at.extension(UNREGISTERED)} registered on node lab?" in told
        assert states(at, "berta")[-1] == "logged_out"

    def test_a_second_login_is_refused(self, at: Centre) -> None:
        campaign(at, "doble", 21, LEAVES)
        at.hire("bruno", 1)
        at.seat("bruno", "doble", ready=False)
        assert "already logged in" in at.service.run("agent", "login", "bruno", "--campaign", "doble", ok=False)


class TestLostSoftphones:
    def test_unregistering_takes_the_agent_out_at_once(self, at: Centre) -> None:
        campaign(at, "salida", 22, 486)
        at.hire("mia", 2)
        at.seat("mia", "salida", ready=False)
        at.phones.unregister(at.extension(2))
        gone = at.witness.hears("softphone lost", 3, agent="mia")
        assert gone["detail"] == "softphone removed"
        eventually(lambda: legs(at, 2) == 0, "the leg is hung up", 5)

    def test_silent_loss_is_noticed_and_a_debtor_on_the_dead_leg_hears_the_message_and_is_counted(
        self, at: Centre
    ) -> None:
        at.hire("lola", LOST)
        phone = numbers(23, [TALKS])[0]
        name = at.quick.campaign([("muda", phone, "alta")], name="muda")
        with Softphones(at.lab, at.work, first=at.extension(LOST), count=1) as phones:
            at.start(name)
            at.witness.order("campaign.pause", campaign=name)
            at.seat("lola", name)
            phones.stop()
            stopped = SystemClock().now()
            at.start(name)
            lost = at.witness.hears("softphone lost", 6, agent="lola")
        (row,) = at.witness.ended(name, 1)
        assert (at.witness.moment(lost) - stopped).total_seconds() < 2.5
        assert (row["outcome"], row["flags"], row["bridged_at"]) == ("abandoned", ["dead_leg"], None)
        assert row["agent"] is None
        assert at.service.report("abandonment", "--campaign", name)[0]["abandoned"] == 1

    def test_a_softphone_that_hangs_up_leaves_its_debtor_to_another_agent_or_to_the_message(self, at: Centre) -> None:
        (kept,), (left,) = campaign(at, "relevo", 24, TALKS), campaign(at, "solo", 25, TALKS)
        for name, place in (("ivan", IMPATIENT), ("karl", IMPATIENT + 1), ("jana", 3)):
            at.hire(name, place)
        at.seat("jana", "relevo", ready=False)
        with Softphones(at.lab, at.work, first=at.extension(IMPATIENT), count=2, bye_after_s=5):
            at.seat("ivan", "relevo")
            at.seat("karl", "solo")
            at.witness.agent("ivan", "talking")
            at.witness.order("agent.ready", agent="jana")
            at.witness.agent("jana", "talking")
            (alone,) = at.witness.ended("solo", 1)
            at.witness.order("agent.hangup", agent="jana")
            (passed,) = at.witness.ended("relevo", 1)
        # Whether Asterisk tells first of the leg or of the bridge, there is no way back to ready.
        assert {*after_talking(at, "ivan"), *after_talking(at, "karl")} <= {"wrap_up", "logged_out"}
        assert states(at, "ivan")[-1] == states(at, "karl")[-1] == "logged_out"
        assert (passed["agent"], passed["flags"], passed["outcome"]) == ("jana", ["agent_lost"], "answered")
        assert (alone["agent"], alone["flags"], alone["outcome"]) == ("karl", ["agent_lost"], "answered")
        assert ends_of(at, kept) == ends_of(at, left) == ["ANSWERED", "BYED"]
