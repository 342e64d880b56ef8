"""Raw mu-law for sipp to stream, and how loud a tone is in a recording."""

from __future__ import annotations

import math
import struct
import subprocess
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000

DEBTOR_HZ, AGENT_HZ = 440, 1250
"""What debtors and agents sound like in the lab: one can tell them apart in any recording."""


def tone(path: Path, hz: int, seconds: float = 2.0) -> Path:
    """Write a steady tone as raw mu-law."""
    path.parent.mkdir(parents=True, exist_ok=True)
    step = 2 * math.pi * hz / RATE_HZ
    path.write_bytes(bytes(_mulaw(round(8000 * math.sin(step * n))) for n in range(round(seconds * RATE_HZ))))
    return path


def speech(path: Path, text: str, voice: str = "es-419") -> Path:
    """Write a spoken sentence as raw mu-law (an answering machine's greeting)."""
    spoken = path.with_suffix(".wav")
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["espeak-ng", "-v", voice, "-w", str(spoken), text], check=True, timeout=30)
    subprocess.run(
        ["sox", "-v", "0.5", str(spoken), "-r", "8000", "-c", "1", "-t", "ul", str(path)], check=True, timeout=30
    )
    return path


def stereo(raw: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return left and right of an interleaved 16-bit recording."""
    samples = np.frombuffer(raw.read_bytes()[: raw.stat().st_size // 4 * 4], dtype="<i2").astype(np.float64)
    return samples[0::2], samples[1::2]


def loudness(samples: NDArray[np.float64], hz: int | None = None) -> float:
    """Return the amplitude (of one tone): 0 is silence, 8000 is what `tone` writes."""
    if len(samples) == 0:
        return 0.0
    if hz is None:
        return float(np.sqrt(np.mean(samples**2)))
    wave = np.exp(-2j * np.pi * hz / RATE_HZ * np.arange(len(samples)))
    return float(2 * abs(np.mean(samples * wave)))


AUDIBLE = 1000
"""Amplitude of a tone that somebody hears; what leaks or hums stays below 300."""


def seconds_of(samples: NDArray[np.float64], hz: int) -> float:
    """Return for how many seconds a tone is heard, by pieces of 50 ms: a lost packet shifts the phase of the rest."""
    step = RATE_HZ // 20
    pieces = [samples[start : start + step] for start in range(0, len(samples) - step + 1, step)]
    return sum(loudness(piece, hz) > AUDIBLE for piece in pieces) / 20


def _mulaw(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> (exponent + 3) & 0x0F) & 0xFF


def key_presses(path: Path, key: int, presses: int = 60) -> Path:
    """Write a key pressed every second (RFC 4733, payload 101) as the pcap file that sipp plays.

    Every press has a time stamp of its own: Asterisk takes one it knows for a repetition.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    packets = [(press, step, _event(key, press, step)) for press in range(presses) for step in range(1, 10)]
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    stamped = (struct.pack("<IIII", press, step * 20000, len(p), len(p)) + p for press, step, p in packets)
    path.write_bytes(header + b"".join(stamped))
    return path


def _event(key: int, press: int, step: int) -> bytes:
    marker, ended = (0x80 if step == 1 else 0), (0x80 if step > 6 else 0)
    sequence, stamp = press * 9 + step, (press + 1) * RATE_HZ
    rtp = struct.pack("!BBHII", 0x80, 101 | marker, sequence, stamp, 0x0D1A1E12)
    payload = rtp + struct.pack("!BBH", key, ended | 10, min(step, 7) * 160)
    udp = struct.pack("!HHHH", 4000, 4000, 8 + len(payload), 0) + payload
    loopback = bytes([127, 0, 0, 1])
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), step, 0, 64, 17, 0, loopback, loopback) + udp
    return bytes(12) + b"\x08\x00" + ip


PROMPT_HZ = {
    "abandon": 700,
    "menu": 900,
    "callback": 1000,
    "optout": 1100,
    "goodbye": 600,
    "notice": 800,
    "inbound": 500,
}
"""What each prompt sounds like where a test must tell which one was played."""


def own_prompts(directory: Path, seconds: float = 0.8) -> Path:
    """Write a tone for every prompt in every language, as a centre's own audio; return the directory."""
    for language in ("es", "en", "pt"):
        (directory / language).mkdir(parents=True, exist_ok=True)
        for prompt, hz in PROMPT_HZ.items():
            with wave.open(str(directory / language / f"{prompt}.wav"), "wb") as audio:
                audio.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
                times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
                audio.writeframes((8000 * np.sin(2 * np.pi * hz * times)).astype("<i2").tobytes())
    return directory
