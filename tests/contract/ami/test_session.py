"""One session against a scripted Asterisk: what is asked is answered once, late, or declared unknown, never resent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dialer.ami import actions
from dialer.ami.session import (
    DuplicateAction,
    LoginRefused,
    NotConnected,
    OutcomeUnknown,
    Session,
    SessionBusy,
    SessionLost,
    connect,
)
from dialer.ami.wire import Action, AmiFieldError, Message
from tests.contract.ami.fake import FakeAsterisk, event, fake_asterisk, text

CALL = "t" + "a" * 26
HANGUP = event("Hangup", Uniqueid=CALL, CallerIDName="Иванов", Cause=17)


@pytest.fixture
async def fake() -> AsyncIterator[FakeAsterisk]:
    async with fake_asterisk() as asterisk:
        yield asterisk


class NotedSession(Session):
    """Tells when something was read."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.read = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.read.set()


class Line:
    """A session with everything it hears."""

    def __init__(self, wanted: set[str] | None = None) -> None:
        self.heard: list[Message] = []
        self.broken: set[int] = set()
        self.session = NotedSession("node1", "events", frozenset(wanted or {"Hangup"}), self._hear)

    def _hear(self, message: Message) -> None:
        self.heard.append(message)
        if len(self.heard) in self.broken:
            raise RuntimeError("a bug in a handler")

    async def open(self, fake: FakeAsterisk) -> Line:
        await connect(self.session, "127.0.0.1", fake.port, None, 5)
        await self.session.login("ev", "ev-secret", events=True, clear=False)
        return self

    async def settle(self) -> None:
        """Return when everything sent before has been read: a pong comes after it."""
        assert (await self.session.ask(actions.ping(), 5)).success


@pytest.fixture
async def line(fake: FakeAsterisk) -> AsyncIterator[Line]:
    opened = await Line().open(fake)
    yield opened
    opened.session.drop("end of the test")
    await opened.session.lost()


def originate() -> Action:
    return actions.originate(CALL, "PJSIP/549@carrier", context="dialer-debtor", timeout_ms=32000)


async def test_the_secret_in_clear_also_logs_in(fake):
    line = Line()
    await connect(line.session, "127.0.0.1", fake.port, None, 5)
    await line.session.login("ev", "ev-secret", events=True, clear=True)
    assert fake.sent("Login")[0]["Secret"] == "ev-secret"
    line.session.drop("end of the test")


async def test_without_tls_the_secret_answers_a_challenge(fake, line):
    assert "Secret" not in fake.sent("Login")[0]


async def test_a_wrong_secret_is_refused_naming_the_user(fake):
    line = Line()
    await connect(line.session, "127.0.0.1", fake.port, None, 5)
    with pytest.raises(LoginRefused, match="'ev'"):
        await line.session.login("ev", "wrong", events=True, clear=False)
    line.session.drop("end of the test")


async def test_a_login_held_by_somebody_else_is_worth_another_try(fake):
    fake.script["Login"] = lambda _, sent: text(
        Response="Error", ActionID=sent["ActionID"], Message="Login Already In Use"
    )
    line = Line()
    await connect(line.session, "127.0.0.1", fake.port, None, 5)
    with pytest.raises(SessionBusy, match="Already In Use"):
        await line.session.login("ev", "ev-secret", events=True, clear=False)
    line.session.drop("end of the test")


async def test_an_unreachable_node_says_what_to_check():
    async with fake_asterisk() as gone:
        port = gone.port
    with pytest.raises(SessionLost, match="is Asterisk running") as caught:
        await connect(Line().session, "127.0.0.1", port, None, 5)
    assert caught.value.error_id == "ami-unreachable"


async def test_answers_find_their_question_in_any_order(fake, line):
    held: list[str] = []
    fake.script["Setvar"] = lambda _, sent: held.append(sent["ActionID"])
    futures = line.session.submit([(actions.setvar(CALL, "A", "1"), "a"), (actions.setvar(CALL, "B", "2"), "b")], 5)
    await fake.got("Setvar", 2)
    for action_id in reversed(held):
        fake.events.send(text(Response="Success", ActionID=action_id, Message=f"for {action_id}"))
    assert [(await future).text for future in futures] == ["for a", "for b"]


async def test_a_refusal_is_an_answer(fake, line):
    fake.script["Redirect"] = lambda _, sent: text(
        Response="Error", ActionID=sent["ActionID"], Message="No such channel"
    )
    answer = await line.session.ask(actions.redirect(CALL, "dialer-join"), 5)
    assert (answer.success, answer.text) == (False, "No such channel")


async def test_the_connection_lost_before_the_answer_leaves_the_outcome_unknown(fake, line):
    fake.script["Originate"] = lambda peer, _: peer.cut()
    with pytest.raises(OutcomeUnknown, match="connection lost"):
        await line.session.ask(originate(), 5, action_id=CALL)
    assert fake.times("Originate") == 1


async def test_while_down_nothing_is_accepted_or_kept(fake, line):
    fake.events.cut()
    await line.session.lost()
    with pytest.raises(NotConnected, match="was not sent"):
        line.session.submit([(originate(), CALL)], 5)
    assert fake.times("Originate") == 0


async def test_a_passed_deadline_leaves_the_outcome_unknown_and_the_late_answer_reaches_nobody(fake, line):
    fake.script["Originate"] = lambda *_: None
    with pytest.raises(OutcomeUnknown, match="unanswered after"):
        await line.session.ask(originate(), 0.02, action_id=CALL)
    fake.events.send(text(Response="Success", ActionID=CALL))
    await line.settle()
    assert line.session.late_responses == 1
    assert line.session.connected


async def test_an_originate_still_unanswered_is_never_sent_again(fake, line):
    fake.script["Originate"] = lambda *_: None
    line.session.submit([(originate(), CALL)], 5)
    with pytest.raises(DuplicateAction, match=CALL):
        line.session.submit([(originate(), CALL)], 5)
    await line.settle()
    assert fake.times("Originate") == 1


async def test_a_line_break_in_a_value_sends_nothing_at_all(fake, line):
    evil = actions.setvar(CALL, "A", "1\r\n\r\nAction: Command\r\nCommand: core stop now")
    with pytest.raises(AmiFieldError):
        line.session.submit([(actions.redirect(CALL, "dialer-join"), None), (evil, None)], 5)
    await line.settle()
    assert fake.times("Redirect") == fake.times("Command") == 0


async def test_several_actions_arrive_in_order(fake, line):
    await asyncio.gather(
        *line.session.submit(
            [(actions.setvar(CALL, "DIALER_AGENT", "ana"), None), (actions.redirect(CALL, "dialer-join"), None)], 5
        )
    )
    assert [name for name, _ in fake.received][-2:] == ["Setvar", "Redirect"]


async def test_half_messages_and_a_split_character_are_put_together(fake, line):
    middle = HANGUP.index("в".encode()) + 1
    line.session.read.clear()
    fake.events.send(HANGUP[:middle])
    await line.session.read.wait()
    assert line.heard == []
    fake.events.send(HANGUP[middle:])
    await line.settle()
    assert [message.get("CallerIDName") for message in line.heard] == ["Иванов"]


async def test_a_burst_of_8_mb_is_delivered_whole(fake, line):
    count = 8 * 1024 * 1024 // len(HANGUP) + 1
    fake.events.send(HANGUP * count)
    await line.settle()
    assert len(line.heard) == count


async def test_an_exception_in_a_handler_is_counted_and_costs_nothing_else(fake, line):
    line.broken = {2}
    fake.events.send(HANGUP * 3)
    await line.settle()
    assert (len(line.heard), line.session.handler_errors, line.session.connected) == (3, 1, True)


async def test_a_list_whose_end_comes_in_the_same_read_is_complete(fake):
    line = await Line({"CoreShowChannel", "CoreShowChannelsComplete"}).open(fake)
    fake.channels = [{"Uniqueid": f"c{number}"} for number in range(3)]
    answer = await line.session.ask(actions.core_show_channels(), 5, is_list=True)
    assert [row.get("Uniqueid") for row in answer.rows] == ["c0", "c1", "c2"]
    line.session.drop("end of the test")


async def test_a_list_that_stops_in_the_middle_is_unknown_not_short(fake):
    line = await Line({"CoreShowChannel", "CoreShowChannelsComplete"}).open(fake)
    fake.script["CoreShowChannels"] = lambda _, sent: (
        text(Response="Success", ActionID=sent["ActionID"], EventList="start")
        + event("CoreShowChannel", ActionID=sent["ActionID"], Uniqueid="c0")
    )
    with pytest.raises(OutcomeUnknown):
        await line.session.ask(actions.core_show_channels(), 0.05, is_list=True)
    line.session.drop("end of the test")


async def test_a_message_without_end_closes_the_connection(fake, line):
    fake.events.send(b"Event: Hangup\r\nX: " + b"x" * (1 << 21))
    async with asyncio.timeout(5):
        assert await line.session.lost() == "a message without end"


async def test_a_missing_pong_closes_the_connection(fake, line):
    fake.script["Ping"] = lambda *_: None
    with pytest.raises(SessionLost, match=r"no pong within 0\.05 s"):
        await line.session.keep_alive(0.01, 0.05, lambda *_: None)
    assert not line.session.connected


async def test_pongs_are_told_with_their_round_trip(fake, line):
    trips: list[float] = []

    def pong(_: object, round_trip_s: float) -> None:
        trips.append(round_trip_s)
        if len(trips) == 3:
            line.session.drop("enough")

    with pytest.raises(SessionLost, match="enough"):
        await line.session.keep_alive(0.001, 5, pong)
    assert len(trips) == 3
    assert all(trip > 0 for trip in trips)


async def test_asterisk_not_reading_shows_as_congestion(line):
    order = actions.setvar(CALL, "A", "x" * 900)
    # The fake shares our loop: while we do not yield, it reads nothing.
    while not line.session.congested:
        line.session.submit([(order, None)] * 100, 5)
    await line.settle()
    assert not line.session.congested
