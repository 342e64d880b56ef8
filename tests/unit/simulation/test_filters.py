"""Which events go through."""

from __future__ import annotations

import pytest

from dialer.simulation.filters import EventFilter, legacy_filter, parse_filter
from dialer.types import ConfigError


def filters(*options: str) -> EventFilter:
    return EventFilter(tuple(parse_filter(option, "") for option in options))


def test_without_filters_everything_goes_through():
    assert EventFilter().may_want("Hangup")
    assert EventFilter().wants("Hangup", "Event: Hangup")


def test_names_include_only_themselves():
    wanted = filters("eventfilter(name(Hangup))", "eventfilter(name(Newstate))")
    assert [wanted.may_want(name) for name in ("Hangup", "Newstate", "VarSet")] == [True, True, False]
    assert wanted.by_name


def test_an_exclusion_lets_everything_else_through():
    wanted = filters("eventfilter(action(exclude),name(Hangup))")
    assert [wanted.may_want(name) for name in ("Hangup", "Newstate")] == [False, True]


def test_an_older_filter_looks_at_the_text():
    wanted = EventFilter().and_(legacy_filter("Uniqueid: t1")).and_(legacy_filter("!Cause: 17"))
    assert not wanted.by_name
    assert wanted.wants("Hangup", "Uniqueid: t1\r\nCause: 16")
    assert not wanted.wants("Hangup", "Uniqueid: t1\r\nCause: 17")
    assert not wanted.wants("Hangup", "Uniqueid: t2\r\nCause: 16")


def test_what_is_not_simulated_is_refused():
    with pytest.raises(ConfigError, match="header"):
        parse_filter("eventfilter(name(Hangup),header(Cause))", "17")
