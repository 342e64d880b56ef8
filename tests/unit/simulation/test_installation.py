"""A node as its rendered files describe it."""

from __future__ import annotations

from dialer.ami.messages import WANTED_EVENTS
from tests.unit.simulation.counter import installation


def test_endpoints_are_trunks_and_softphones_by_name():
    assert [(one.name, one.trunk) for one in installation().endpoints.values()] == [
        ("1001", False),
        ("1002", False),
        ("carrier", True),
    ]


def test_contacts_have_names_of_their_own():
    first, second = (installation().endpoints[name].contact_id for name in ("1001", "1002"))
    assert first.startswith("1001;@")
    assert first.partition("@")[2] != second.partition("@")[2]


def test_users_are_those_of_manager_conf():
    users = installation().accounts.users
    assert [users[name].secret for name in ("dialer-ev", "dialer-act", "dialer-adm")] == ["e", "a", "d"]
    assert all(users["dialer-ev"].filter.may_want(name) for name in WANTED_EVENTS)
    assert not users["dialer-ev"].filter.may_want("Newexten")


def test_modules_are_those_of_modules_conf():
    assert {"app_amd.so", "chan_pjsip.so"} <= set(installation().modules)
