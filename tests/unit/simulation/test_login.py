"""Who comes in at the simulated node."""

from __future__ import annotations

import random

import pytest

from dialer.simulation.login import PENALTY_S, Entrance, fully_booted, wants_events
from dialer.simulation.protocol import Request
from tests.unit.simulation.counter import installation


def entrance(*inside: str) -> Entrance:
    return Entrance(installation().accounts, set(inside).__contains__, random.Random(7))


def login(user: str, secret: str) -> Request:
    return Request((f"Username: {user}", f"Secret: {secret}"))


def test_the_right_secret_opens():
    reply, account = entrance().login(login("dialer-act", "a"), "")
    assert account is not None
    assert b"Authentication accepted" in reply.data
    assert not reply.close


@pytest.mark.parametrize(("user", "secret"), [("dialer-act", "wrong"), ("nobody", "a"), ("dialer-act", "")])
def test_anything_else_waits_and_ends(user, secret):
    reply, account = entrance().login(login(user, secret), "")
    assert account is None
    assert b"Authentication failed" in reply.data
    assert (reply.delay_s, reply.close) == (PENALTY_S, True)


def test_the_fence_is_looked_at_before_the_secret():
    reply, _ = entrance("dialer-act").login(login("dialer-act", "wrong"), "")
    assert b"Login Already In Use" in reply.data


def test_a_challenge_is_of_one_kind():
    reply, number = entrance().challenge(Request(("AuthType: MD5",)))
    assert number.encode() in reply.data
    assert b"Must specify AuthType" in entrance().challenge(Request(()))[0].data


def test_events_are_all_unless_asked_otherwise():
    assert wants_events(Request(())) is None
    assert wants_events(Request(("Events: off",))) == frozenset()
    assert wants_events(Request(("Events: call,user",))) == frozenset({"call", "user"})


def test_the_greeting_of_a_listener_carries_no_time():
    assert b"Timestamp" not in fully_booted(7)
    assert b"Uptime: 7\r\n" in fully_booted(7)
