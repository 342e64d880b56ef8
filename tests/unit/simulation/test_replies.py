"""Answers, events and lists as bytes."""

from __future__ import annotations

from dialer.simulation.replies import answer, done, event, event_class, listing, refusal


def test_an_answer_repeats_the_action_id_only_where_there_was_one():
    assert done("7", "Variable Set") == b"Response: Success\r\nActionID: 7\r\nMessage: Variable Set\r\n\r\n"
    assert answer("Success", "") == b"Response: Success\r\n\r\n"


def test_a_refusal_is_an_error():
    assert refusal("", "No such channel") == b"Response: Error\r\nMessage: No such channel\r\n\r\n"


def test_an_event_carries_its_class_the_machines_time_and_the_node():
    told = event("UserEvent", 1.5, "lab", [("UserEvent", "Ours")])
    head = b"Event: UserEvent\r\nPrivilege: user,all\r\nTimestamp: 1.500000\r\nSystemName: lab\r\n"
    assert told == head + b"UserEvent: Ours\r\n\r\n"


def test_what_is_in_no_table_is_about_a_call():
    assert (event_class("Hangup"), event_class("ContactStatus")) == ("call", "system")


def test_a_list_ends_with_its_count():
    told = listing("9", "Rows follow", "Row", [[("A", "1")], [("A", "2")]], "RowsComplete", totals=[("Items", "2")])
    parts = told.decode().split("\r\n\r\n")
    assert parts[0] == "Response: Success\r\nActionID: 9\r\nEventList: start\r\nMessage: Rows follow"
    assert parts[1] == "Event: Row\r\nActionID: 9\r\nA: 1"
    assert parts[3] == "Event: RowsComplete\r\nActionID: 9\r\nEventList: Complete\r\nListItems: 2\r\nItems: 2"
