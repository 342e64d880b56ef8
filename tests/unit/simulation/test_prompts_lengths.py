"""How long prompts and the menu take."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.config import Config
from dialer.simulation.prompts import PROMPTS, menu_lengths, prompt_lengths
from tests.lab.sounds import own_prompts


def test_own_audio_takes_as_long_as_it_is(tmp_path: Path):
    config = Config.model_validate({"prompts": {"dir": own_prompts(tmp_path, 0.2)}})
    lengths = prompt_lengths(config)
    assert {lengths[prompt] for prompt in ("abandon", "notice")} == {0.2}


def test_a_longer_text_takes_longer():
    lengths = prompt_lengths(Config())
    assert set(PROMPTS) <= set(lengths)
    assert 1 < lengths["notice"] < lengths["abandon"] < 20


def test_nobody_presses_and_the_menu_is_said_twice():
    pressed_s, none_s = menu_lengths({"menu": 6.0, "callback": 2.0, "goodbye": 1.0})
    assert (pressed_s, none_s) == pytest.approx((8.0, 21.0))
