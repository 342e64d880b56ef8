"""Bytes become messages and back, however the network cuts them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.ami.wire import MAX_HEADERS, MAX_LINE, MAX_MESSAGE, Action, AmiFieldError, Decoder, Kind, Message

BANNER = "Asterisk Call Manager/11.0.0\r\n"
HANGUP = "Event: Hangup\r\nChannel: PJSIP/carrier-1\r\nCallerIDName: Иванов Ñandú\r\nCause: 17\r\n\r\n"
VARSET = "Event: VarSet\r\nVariable: X\r\n\r\n"
ANSWER = "Response: Success\r\nActionID: a-1\r\nMessage: fine\r\n\r\n"
STREAM = (BANNER + ANSWER + "\r\n" + HANGUP + VARSET + "a line that is no header\r\n" + HANGUP).encode()

values = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=100)
names = st.text("abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789-", min_size=1, max_size=30)


def decode(*chunks: bytes) -> list[Message]:
    decoder = Decoder(frozenset({"Hangup"}))
    return [message for chunk in chunks for message in decoder.feed(chunk)]


def shown(messages: list[Message]) -> list[tuple[Kind, str, dict[str, str]]]:
    return [(message.kind, message.name, dict(message.headers())) for message in messages]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cut_of_the_stream_gives_the_same_messages(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[first:last] for first, last in itertools.pairwise(edges)]
    assert shown(decode(*chunks)) == shown(decode(STREAM))


def test_byte_by_byte_a_character_cut_in_two_survives():
    messages = decode(*(STREAM[at : at + 1] for at in range(len(STREAM))))
    assert [message.get("CallerIDName") for message in messages if message.name == "Hangup"] == ["Иванов Ñandú"] * 2


def test_greeting_spare_lines_and_odd_lines_do_not_hide_messages():
    assert [(message.kind, message.name) for message in decode(STREAM)] == [
        (Kind.RESPONSE, "Success"),
        (Kind.EVENT, "Hangup"),
        (Kind.EVENT, "Hangup"),
    ]


def test_the_greeting_is_kept_and_odd_lines_are_counted():
    decoder = Decoder(frozenset({"Hangup"}))
    decoder.feed(STREAM)
    assert (decoder.banner, decoder.odd, decoder.skipped) == ("Asterisk Call Manager/11.0.0", 1, 1)


@given(names, st.lists(st.tuples(names, values), max_size=20))
def test_what_is_encoded_decodes_to_the_same_headers(action_id, fields):
    sent = Action("Ping", tuple(fields)).encode(action_id)
    (message,) = decode(b"Response: Success\r\n" + sent)
    for name, _ in fields:
        own = [value for header, value in fields if header == name]
        assert message.all(name)[-len(own) :] == own


def test_repeated_headers_are_all_kept_and_the_first_one_is_given():
    (message,) = decode(b"Event: Hangup\r\nV: a=1\r\nV: b=2\r\nV: c=3\r\n\r\n")
    assert (message.get("V"), message.all("V"), message.all("W")) == ("a=1", ["a=1", "b=2", "c=3"], [])


@pytest.mark.parametrize("poison", ["x\r\nAction: Command", "x\nAction: Command", "x\0"])
def test_a_value_cannot_smuggle_in_a_second_action(poison):
    with pytest.raises(AmiFieldError, match="CallerID"):
        Action("Originate", (("CallerID", poison),)).encode("a-1")


@pytest.mark.parametrize("name", ["", "Bad\r\n", "Bad:", " Bad"])
def test_a_header_name_cannot_smuggle_either(name):
    with pytest.raises(AmiFieldError, match="header name"):
        Action("Originate", ((name, "x"),)).encode("a-1")


def test_action_name_and_action_id_are_checked_too():
    with pytest.raises(AmiFieldError, match="ActionID"):
        Action("Ping").encode("a\r\n")
    with pytest.raises(AmiFieldError, match="Action "):
        Action("Ping\r\nX: y").encode("a")


def test_a_line_asterisk_would_cut_is_refused_in_bytes_not_characters():
    fits = "ñ" * ((MAX_LINE - len("Name: ")) // 2)
    Action("Originate", (("Name", fits),)).encode("a")
    with pytest.raises(AmiFieldError, match="shorten it"):
        Action("Originate", (("Name", fits + "ñ"),)).encode("a")


def test_more_headers_than_asterisk_keeps_are_refused():
    with pytest.raises(AmiFieldError, match="send fewer"):
        Action("Originate", (("Variable", "a=1"),) * (MAX_HEADERS - 1)).encode("a")


def test_a_message_without_end_is_reported_however_it_comes():
    whole, pieces = Decoder(frozenset()), Decoder(frozenset())
    endless = b"Event: Hangup\r\nX: " + b"x" * (MAX_MESSAGE + 10)
    whole.feed(endless)
    for at in range(0, len(endless), 50_000):
        pieces.feed(endless[at : at + 50_000])
    assert whole.oversized
    assert pieces.oversized


def test_messages_before_an_endless_one_are_still_given():
    decoder = Decoder(frozenset({"Hangup"}))
    messages = decoder.feed(HANGUP.encode() + b"Event: Hangup\r\nX: " + b"x" * (MAX_MESSAGE + 10) + b"\r\n\r\n")
    assert [message.name for message in messages] == ["Hangup"]
    assert decoder.oversized


def test_a_burst_of_8_mb_loses_nothing():
    count = 8 * 1024 * 1024 // len(HANGUP.encode()) + 1
    assert len(decode(HANGUP.encode() * count)) == count


def test_the_parts_of_one_long_message_are_not_searched_again_and_again():
    # A million one-byte reads of one message: seconds when every read copied or searched what is held.
    decoder = Decoder(frozenset({"Hangup"}))
    for _ in range(MAX_MESSAGE // 2):
        decoder.feed(b"x")
    assert not decoder.oversized


@given(st.lists(st.text(alphabet="ab: \t", max_size=6), max_size=6))
def test_every_line_is_split_at_its_first_colon_and_loses_one_blank(lines):
    raw = "\r\n".join(["Event: E", *(line for line in lines if line)])
    expected: dict[str, str] = {}
    for line in raw.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            expected.setdefault(name, value.removeprefix(" "))
    (message,) = Decoder(frozenset({"E"})).feed(raw.encode() + b"\r\n\r\n")
    assert dict(message.headers()) == expected
