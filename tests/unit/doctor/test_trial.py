from __future__ import annotations

import pytest

from dialer.config import Config
from dialer.doctor.trial import own_phone, trunk_for
from dialer.types import ConfigError, InputError

TRUNK = {"node": "ast1", "host": "sip.example", "caller_id": "+541150000000"}
CONFIG = Config.model_validate(
    {"nodes": [{"name": "ast1"}], "trunks": [{"name": "first", **TRUNK}, {"name": "second", **TRUNK}]}
)


def test_a_number_in_full_form_is_taken():
    assert own_phone("+541165550201") == "+541165550201"


@pytest.mark.parametrize(
    "text", ["", "911", "1165550201", "+5411", "+54 11 6555 0201", "tel:+541165550201", "+541165550201;x", "+٥٤١"]
)
def test_anything_else_is_refused(text: str):
    with pytest.raises(InputError):
        own_phone(text)


def test_the_first_trunk_is_taken_unless_one_is_named():
    assert (trunk_for(CONFIG, "").name, trunk_for(CONFIG, "second").name) == ("first", "second")


def test_an_unknown_trunk_and_no_trunk_at_all_are_told():
    with pytest.raises(ConfigError, match="first"):
        trunk_for(CONFIG, "third")
    with pytest.raises(ConfigError, match="no \\[\\[trunks\\]\\]"):
        trunk_for(Config(), "")
