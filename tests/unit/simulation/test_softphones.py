"""Telephones come, go and fall silent."""

from __future__ import annotations

import pytest

from dialer.simulation.far_end import LegReply
from dialer.simulation.softphones import Softphones, address
from dialer.types import InputError


@pytest.fixture
def phones() -> Softphones:
    return Softphones(["1001", "1002"])


@pytest.fixture
def told(phones: Softphones) -> list[tuple[str, str]]:
    changes: list[tuple[str, str]] = []
    phones.on_status = lambda extension, status: changes.append((extension, status))
    return changes


def test_a_phone_that_registers_is_known_and_then_reachable(phones: Softphones, told: list[tuple[str, str]]):
    phones.register("1001")
    assert told == [("1001", "NonQualified"), ("1001", "Reachable")]
    assert phones.contacts() == {"1001": "Reachable"}


def test_registering_again_is_no_news(phones: Softphones, told: list[tuple[str, str]]):
    phones.register("1001")
    phones.register("1001")
    assert len(told) == 2


def test_a_phone_that_leaves_is_removed_once(phones: Softphones, told: list[tuple[str, str]]):
    phones.register("1001")
    phones.unregister("1001")
    phones.unregister("1001")
    assert told[2:] == [("1001", "Removed")]
    assert phones.contacts() == {}


def test_a_silent_phone_is_believed_in_until_it_is_asked(phones: Softphones, told: list[tuple[str, str]]):
    phones.register("1001")
    phones.lose("1001")
    assert phones.takes_calls("1001") is not None
    assert not phones.answers("1001")
    phones.asked("1001")
    assert told[-1] == ("1001", "Unreachable")
    assert phones.takes_calls("1001") is None


def test_a_silent_phone_comes_back(phones: Softphones, told: list[tuple[str, str]]):
    phones.register("1001")
    phones.lose("1001")
    phones.asked("1001")
    phones.register("1001")
    assert told[-1] == ("1001", "Reachable")


def test_how_a_phone_takes_calls_can_change(phones: Softphones):
    phones.register("1001", LegReply(1.0, 486))
    assert phones.takes_calls("1001") == LegReply(1.0, 486)


def test_only_configured_extensions_exist(phones: Softphones):
    assert "1001" in phones
    assert "4711" not in phones
    assert phones.takes_calls("4711") is None


def test_another_extension_cannot_be_registered(phones: Softphones):
    with pytest.raises(InputError, match="'4711' is not configured"):
        phones.register("4711")


def test_a_contact_has_an_address():
    assert address("1001").startswith("sip:1001@")
