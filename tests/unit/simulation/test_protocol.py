"""Requests out of bytes: any cut of them, and Asterisk's limits."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dialer.simulation.protocol import TOO_LONG, TOO_MANY, Request, RequestReader

TWO = b"Action: Ping\r\nActionID: a\r\n\r\naction:  Login\r\nUSERNAME: ann\r\nVariable: A=1\r\nvariable: B=2\r\n\r\n"


def read(*pieces: bytes) -> list[Request]:
    reader = RequestReader()
    return [request for piece in pieces for request in reader.feed(piece)]


@given(st.sets(st.integers(min_value=0, max_value=len(TWO))))
def test_every_cut_of_the_bytes_gives_the_same_requests(cuts):
    places = [0, *sorted(cuts), len(TWO)]
    assert read(*(TWO[a:b] for a, b in pairwise(places))) == read(TWO)


def test_header_names_have_no_case_and_may_repeat():
    login = read(TWO)[1]
    assert (login.action, login.get("Username"), login.all("Variable")) == ("login", "ann", ["A=1", "B=2"])


def test_a_bare_line_feed_ends_a_line_too():
    assert [request.action for request in read(b"Action: Ping\n\n")] == ["ping"]


def test_a_line_too_long_spoils_its_message_only():
    spoiled, good = read(b"Action: Ping\r\nX: " + b"y" * 5000, b"y\r\n\r\nAction: Ping\r\n\r\n")
    assert (spoiled.complaint, good.complaint) == (TOO_LONG, "")


def test_more_than_128_lines_are_refused():
    (request,) = read(b"Action: Ping\r\n" + b"X: 1\r\n" * 128 + b"\r\n")
    assert request.complaint == TOO_MANY


def test_a_line_without_end_is_not_kept():
    reader = RequestReader()
    for _ in range(100):
        reader.feed(b"z" * 1000)
    assert len(reader._held) <= 1024


def test_a_message_of_nothing_has_no_action():
    assert read(b"\r\n") == [Request(())]
