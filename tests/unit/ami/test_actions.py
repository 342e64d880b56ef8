"""Orders carry exactly what Asterisk needs, and refuse what it would misread."""

from __future__ import annotations

import pytest

from dialer.ami import actions
from dialer.ami.wire import AmiFieldError

CALL = "t" + "a" * 26


def originate(**variables: str) -> dict[str, str]:
    action = actions.originate(
        CALL, "PJSIP/+549@carrier", context="dialer-debtor", timeout_ms=32000, caller_id="+54911", variables=variables
    )
    return dict(action.fields)


def test_an_originate_is_async_named_by_the_call_and_never_early():
    fields = originate()
    assert (fields["Async"], fields["ChannelId"], fields["Timeout"]) == ("true", CALL, "32000")
    assert "EarlyMedia" not in fields


def test_each_variable_has_its_own_header():
    action = actions.originate(CALL, "PJSIP/1@c", context="x", timeout_ms=1, variables={"A": "1", "B": "2"})
    assert [value for name, value in action.fields if name == "Variable"] == ["A=1", "B=2"]


@pytest.mark.parametrize("value", ["es,GLOBAL(x)=1", 'a"b', "a\\b"])
def test_a_variable_s_value_cannot_set_another_one(value):
    with pytest.raises(AmiFieldError, match="DIALER_LANG"):
        originate(DIALER_LANG=value)


@pytest.mark.parametrize("name", ["SHELL(x)", "", "A=B"])
def test_only_plain_variables_can_be_set(name):
    with pytest.raises(AmiFieldError, match="plain names"):
        actions.setvar(CALL, name, "1")


def test_a_variable_is_never_set_for_all_channels():
    with pytest.raises(AmiFieldError, match="plain names"):
        actions.setvar("", "DIALER_AGENT", "ana")


def test_a_hangup_is_never_a_pattern_over_all_channels():
    with pytest.raises(AmiFieldError, match="pattern"):
        actions.hangup("/PJSIP.*/")


def test_the_secret_does_not_cross_the_wire_with_a_challenge():
    fields = dict(actions.login_md5("dialer-ev", "s3cret", "4711", events=True).fields)
    assert (fields["AuthType"], fields["Key"]) == ("MD5", "9e0cd7571b7ac467b15090b76101af63")
    assert "s3cret" not in str(fields)
