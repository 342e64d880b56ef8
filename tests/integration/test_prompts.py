"""The prompts as espeak-ng and sox make them."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from dialer.ami.config.prompts import make_prompts
from dialer.config import Config, ServiceConfig
from tests.lab.root import missing


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    for program in ("espeak-ng", "sox"):
        if shutil.which(program) is None:
            missing(f"{program} is not installed: run scripts/provision as root")
    home = tmp_path_factory.mktemp("spoken")
    return make_prompts(Config(service=ServiceConfig(home=home)), home / "out")


def test_every_prompt_is_telephone_audio_that_can_be_heard(made: list[Path]) -> None:
    for path in made:
        with wave.open(str(path)) as audio:
            assert (audio.getframerate(), audio.getnchannels(), audio.getsampwidth()) == (8000, 1, 2), path
            samples = np.frombuffer(audio.readframes(audio.getnframes()), dtype="<i2").astype(float)
        assert np.sqrt(np.mean(samples**2)) > 500, path


def test_every_language_says_all_of_it(made: list[Path]) -> None:
    by_language = {
        language: {path.stem for path in made if path.parent.name == language} for language in ("es", "en", "pt")
    }
    assert by_language["es"] == by_language["en"] == by_language["pt"]
    assert {"abandon", "menu", "callback", "optout", "goodbye", "notice", "inbound"} == by_language["es"]
