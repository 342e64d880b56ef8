"""What debtors and agents hear: spoken by espeak-ng at render time, or the centre's own audio."""

from __future__ import annotations

import math
import shutil
import struct
import subprocess
import wave
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from dialer.config import AgencyConfig, Config, Language
from dialer.types import ConfigError

RATE_HZ = 8000
"""Telephone audio: 8 kHz, mono, 16 bit."""

TONE_S = 0.12
"""Length of the tone an agent hears when a debtor is joined: it covers the first words, so it is short."""

_VOICES = MappingProxyType({"es": "es-419", "en": "en-us", "pt": "pt-br"})

# No message names a debt: anybody may be listening.
_TEXTS = MappingProxyType(
    {
        "es": MappingProxyType(
            {
                "abandon": "Hola. Le ha llamado {name}. En este momento no hay nadie disponible para atenderle. "
                "Le pedimos disculpas. Puede llamarnos al {number}.",
                "menu": "Para que le llamemos más tarde, marque uno. "
                "Para que no volvamos a llamar a este número, marque dos.",
                "callback": "Le llamaremos más tarde. Gracias.",
                "optout": "No volveremos a llamar a este número. Gracias.",
                "goodbye": "Gracias. Adiós.",
                "notice": "Esta llamada puede ser grabada.",
                "inbound": "Gracias por llamar a {name}. En este momento no hay nadie disponible. "
                "Nuestro horario es {hours}. Por favor, vuelva a llamar al {number}.",
            }
        ),
        "en": MappingProxyType(
            {
                "abandon": "Hello. This was a call from {name}. Nobody is free to speak with you at the moment. "
                "We apologise. You can call us at {number}.",
                "menu": "To be called back later, press one. To receive no more calls on this number, press two.",
                "callback": "We will call you later. Thank you.",
                "optout": "We will not call this number again. Thank you.",
                "goodbye": "Thank you. Goodbye.",
                "notice": "This call may be recorded.",
                "inbound": "Thank you for calling {name}. Nobody is free at the moment. "
                "Our hours are {hours}. Please call again at {number}.",
            }
        ),
        "pt": MappingProxyType(
            {
                "abandon": "Olá. Quem ligou foi {name}. No momento não há ninguém disponível para atender. "
                "Pedimos desculpas. Você pode ligar para {number}.",
                "menu": "Para que liguemos mais tarde, digite um. "
                "Para não receber mais ligações neste número, digite dois.",
                "callback": "Ligaremos mais tarde. Obrigado.",
                "optout": "Não ligaremos mais para este número. Obrigado.",
                "goodbye": "Obrigado. Até logo.",
                "notice": "Esta ligação pode ser gravada.",
                "inbound": "Obrigado por ligar para {name}. No momento não há ninguém disponível. "
                "Nosso horário é {hours}. Por favor, ligue novamente para {number}.",
            }
        ),
    }
)


def prompt_text(language: Language, prompt: str, agency: AgencyConfig) -> str:
    """Return what a prompt says; the callback number is spoken digit by digit."""
    digits = ", ".join(agency.callback_number.removeprefix("+"))
    return _TEXTS[language][prompt].format(name=agency.name, number=digits, hours=agency.hours)


def make_prompts(config: Config, out: Path) -> list[Path]:
    """Write `<out>/<language>/<prompt>.wav` and `<out>/tone.wav`; return the paths.

    Raises ConfigError when own audio has the wrong form, or espeak-ng or sox is missing.
    """
    made = []
    for language in get_args(Language):
        (out / language).mkdir(parents=True, exist_ok=True)
        for prompt in _TEXTS[language]:
            target = out / language / f"{prompt}.wav"
            _make(config, language, prompt, target)
            made.append(target)
    _write_tone(out / "tone.wav")
    return [*made, out / "tone.wav"]


def _make(config: Config, language: Language, prompt: str, target: Path) -> None:
    own = config.prompts.dir / language / f"{prompt}.wav" if config.prompts.dir else None
    if own is not None and own.exists():
        _check_form(own)
        shutil.copyfile(own, target)
    else:
        _speak(_VOICES[language], prompt_text(language, prompt, config.agency), target)


def _check_form(path: Path) -> None:
    try:
        with wave.open(str(path), "rb") as audio:
            form = (audio.getframerate(), audio.getnchannels(), audio.getsampwidth() * 8)
    except (OSError, EOFError, wave.Error) as exc:
        raise ConfigError(f"prompts.dir: {path} is not a WAV file: {exc}") from exc
    if form != (RATE_HZ, 1, 16):
        rate, channels, bits = form
        raise ConfigError(
            f"prompts.dir: {path} is {rate} Hz, {channels} channel(s), {bits} bit; it must be 8000 Hz, mono, 16 bit "
            f"(sox {path.name} -r 8000 -c 1 -b 16 new.wav)"
        )


def _speak(voice: str, text: str, target: Path) -> None:
    spoken = target.with_suffix(".spoken.wav")
    _run("espeak-ng", "-v", voice, "-s", "150", "-w", str(spoken), text)
    _run("sox", str(spoken), "-r", str(RATE_HZ), "-c", "1", "-b", "16", str(target), "norm", "-6")
    spoken.unlink()


def _run(program: str, *arguments: str) -> None:
    if shutil.which(program) is None:
        raise ConfigError(
            f"{program} is not installed: 'apt-get install espeak-ng sox', or give every prompt in prompts.dir"
        )
    try:
        subprocess.run([program, *arguments], check=True, capture_output=True, timeout=30)
    except subprocess.CalledProcessError as exc:
        raise ConfigError(f"{program} could not make a prompt: {exc.stderr.decode(errors='replace').strip()}") from exc


def _write_tone(target: Path) -> None:
    length = round(TONE_S * RATE_HZ)
    samples = (_tone_sample(index, length) for index in range(length))
    with wave.open(str(target), "wb") as audio:
        audio.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        audio.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


def _tone_sample(index: int, length: int) -> int:
    fade = min(1.0, index / 80, (length - index) / 80)
    return round(6000 * fade * math.sin(2 * math.pi * 880 * index / RATE_HZ))
