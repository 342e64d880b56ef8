"""Manager users out of manager.conf."""

from __future__ import annotations

from hashlib import md5

import pytest

from dialer.simulation.accounts import read_accounts, sections_of
from dialer.types import ConfigError

TEXT = """
; a comment
[general]
disabledevents = VarSet,Newexten
authtimeout = 10
[ann]
secret = s3cret#=x
read = system,call
write = originate
allowmultiplelogin = no
eventfilter(name(Hangup)) =
[bob]
read = all
"""


def test_a_user_is_what_its_section_says():
    accounts = read_accounts(TEXT)
    ann = accounts.users["ann"]
    assert ann.read == frozenset({"system", "call"})
    assert ann.write == frozenset({"originate"})
    assert not ann.multiple
    assert ann.filter.may_want("Hangup")
    assert not ann.filter.may_want("Newstate")


def test_what_holds_for_all_is_in_general():
    accounts = read_accounts(TEXT)
    assert accounts.disabled == frozenset({"VarSet", "Newexten"})
    assert accounts.auth_timeout_s == 10.0
    assert accounts.users["bob"].multiple


def test_a_secret_opens_in_clear_and_by_challenge():
    ann = read_accounts(TEXT).users["ann"]
    key = md5(b"4711s3cret#=x", usedforsecurity=False).hexdigest()
    assert ann.knows("s3cret#=x")
    assert not ann.knows("other")
    assert ann.answers("4711", key)
    assert not ann.answers("4712", key)
    assert not ann.answers("", key)


def test_a_user_without_a_secret_never_comes_in():
    bob = read_accounts(TEXT).users["bob"]
    assert not bob.knows("")
    assert not bob.answers("1", md5(b"1", usedforsecurity=False).hexdigest())


def test_a_secret_is_not_shown():
    assert "s3cret" not in repr(read_accounts(TEXT))


def test_a_line_that_is_no_option_is_told():
    with pytest.raises(ConfigError, match="nonsense"):
        list(sections_of("[a]\nnonsense\n"))


def test_what_a_section_inherits_comes_first_and_templates_are_left_out():
    text = "[T](!)\na = 1\n[one](T)\nb = 2\n[two](one)\nc = 3\n"
    assert list(sections_of(text)) == [("one", [("a", "1"), ("b", "2")]), ("two", [("a", "1"), ("b", "2"), ("c", "3")])]
