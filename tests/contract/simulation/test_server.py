"""The manager interface of the twin on a real port: the door, the fence, the filters, the limits."""

from __future__ import annotations

import asyncio
from hashlib import md5

import pytest

from dialer.ami.messages import WANTED_EVENTS
from tests.contract.simulation.conftest import CALL, Twin, originate


async def test_nothing_but_a_login_is_answered_before_it(twin: Twin):
    async with twin.connection() as bare:
        assert (await bare.ask("Ping"))["Message"] == "Permission denied"
        assert (await bare.ask("NoSuch"))["Message"] == "Permission denied"
        assert (await bare.ask("Logoff"))["Message"] == "Thanks for all the fish."
        assert await bare.ended() == b""


async def test_a_wrong_secret_waits_a_second_and_ends(twin: Twin):
    async with twin.connection() as bare:
        began = asyncio.get_running_loop().time()
        answer = await bare.ask("Login", Username="dialer-act", Secret="wrong")
        assert answer["Message"] == "Authentication failed"
        assert asyncio.get_running_loop().time() - began > 0.9
        assert await bare.ended() == b""


async def test_a_challenge_is_answered_instead_of_the_secret(twin: Twin):
    async with twin.connection() as bare:
        number = (await bare.ask("Challenge", AuthType="MD5"))["Challenge"]
        key = md5(f"{number}{twin.secrets.actions}".encode(), usedforsecurity=False).hexdigest()
        answer = await bare.ask("Login", AuthType="MD5", Username="dialer-act", Key=key, Events="off")
        assert answer["Message"] == "Authentication accepted"
        assert (await bare.ask("Login", Username="x"))["Message"] == "Already authenticated"


async def test_the_actions_user_is_a_fence_and_the_admin_is_not(twin: Twin):
    async with twin.login("actions"), twin.connection() as second:
        answer = await second.ask("Login", Username="dialer-act", Secret=twin.secrets.actions)
        assert answer["Message"] == "Login Already In Use"
    async with twin.login("admin"), twin.login("admin") as second:
        assert (await second.ask("Ping"))["Ping"] == "Pong"


async def test_the_fence_opens_when_the_first_is_gone(twin: Twin):
    async with twin.login("actions") as first:
        await first.ask("Logoff")
    async with twin.login("actions") as second:
        assert (await second.ask("Ping"))["Response"] == "Success"


async def test_rights_are_those_of_the_rendered_file(twin: Twin):
    async with twin.login("events", Events="off") as events:
        assert (await events.ask("Originate", **originate("+5491155500299")))["Message"] == "Permission denied"
    async with twin.login("actions") as actions:
        assert (await actions.ask("Command", Command="core show version"))["Message"] == "Permission denied"


async def test_the_events_user_hears_what_the_filters_let_through(twin: Twin):
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        await events.event("FullyBooted")
        await actions.ask("Originate", **originate("+5491155500201"))
        await events.event("Hangup", Uniqueid=CALL)
        assert {message["Event"] for message in events.seen if "Event" in message} <= set(WANTED_EVENTS)
        await actions.ask("Ping")
        assert not [message for message in actions.seen if "Event" in message]


async def test_events_may_be_switched_off_and_on(twin: Twin):
    async with twin.login("events") as events, twin.login("actions", Events="off") as actions:
        assert (await events.ask("Events", EventMask="off"))["Events"] == "Off"
        await actions.ask("UserEvent", UserEvent="Unheard")
        assert (await events.ask("Events", EventMask="user"))["Events"] == "On"
        await actions.ask("UserEvent", UserEvent="Heard")
        await events.event("Heard")
        assert not [message for message in events.seen if message.get("UserEvent") == "Unheard"]


async def test_the_answer_to_an_order_comes_before_what_follows_from_it(twin: Twin):
    async with twin.login("admin", Events="on") as admin:
        asked = admin.send("Reload", Module="res_pjsip")
        await admin.event("Reload")
        answered = [message.get("ActionID") for message in admin.seen]
        assert asked in answered


async def test_time_on_the_wire_is_the_machines(twin: Twin):
    async with twin.login("admin") as admin:
        pong = await admin.ask("Ping")
    assert abs(float(pong["Timestamp"]) - twin.node.server._now()) < 5


async def test_a_reader_that_falls_behind_is_cut(twin: Twin):
    async with twin.login("events") as events:
        events.reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(200):
            twin.node.server.emit("UserEvent", [("UserEvent", "Flood"), ("Text", "x" * 100_000)])
            await asyncio.sleep(0)
            if not twin.node.server.sessions:
                break
        assert twin.node.server.sessions == 0


async def test_requests_written_in_one_piece_are_answered_in_order(twin: Twin):
    async with twin.login("actions", Events="off") as actions:
        sent = [actions.send("Ping") for _ in range(300)]
        answered = [(await actions.message())["ActionID"] for _ in sent]
        assert answered == sent


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "Channel not specified"),
        ({"Channel": "nonsense"}, "Invalid channel"),
        ({"Channel": "PJSIP/1@carrier", "Priority": "x"}, "Invalid priority"),
        ({"Channel": "PJSIP/1@carrier", "Timeout": "abc"}, "Invalid timeout"),
        ({"Channel": "PJSIP/1@carrier"}, "The simulated node originates with Async: true only"),
        ({"Channel": "PJSIP/1@carrier", "Async": "true", "EarlyMedia": "true"}, "The simulated node has no EarlyMedia"),
    ],
)
async def test_an_order_that_is_not_whole_is_refused(twin: Twin, headers: dict[str, str], words: str):
    async with twin.login("actions", Events="off") as actions:
        assert (await actions.ask("Originate", **headers))["Message"] == words


async def test_global_variables_are_kept(twin: Twin):
    async with twin.login("actions", Events="off") as actions:
        await actions.ask("Setvar", Variable="GLOBAL_ONE", Value="1")
        assert (await actions.ask("Getvar", Variable="GLOBAL_ONE"))["Value"] == "1"
