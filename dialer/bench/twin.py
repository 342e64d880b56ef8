"""The simulated node of a bench, in a process of its own: it writes down every call it is asked for."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

import uvloop

from dialer.ami.config import ensure_secrets
from dialer.config import load_config
from dialer.simulation.far_end import FarEnd, LegReply, Reply
from dialer.simulation.numbers import Numbers
from dialer.simulation.running import SimulatedNode, simulated_node

SEED = 1


class Witness:
    """A world that notes each call, at its moment, before it goes on as `world` says."""

    def __init__(self, world: FarEnd, notes: TextIO) -> None:
        self._world = world
        self._notes = notes

    def called(self, number: str, trunk: str, at: datetime) -> Reply:
        """Note the call and return how it goes."""
        reply = self._world.called(number, trunk, at)
        answers = reply.sip == 200 and reply.ends_after_s < float("inf")
        self._notes.write(f"{number} {at.timestamp():.3f} {int(answers)}\n")
        return reply


@dataclass(frozen=True, slots=True)
class Note:
    """One call as the far end saw it; `at` is epoch seconds, `answers` whether it is going to be answered."""

    number: str
    at: float
    answers: bool


def read_notes(lines: Iterable[str]) -> list[Note]:
    """Return what was noted, in order; a line being written does not count yet."""
    parts = [line.split() for line in lines if line.endswith("\n")]
    return [Note(number, float(at), answers == "1") for number, at, answers in parts]


async def serve(file: Path, notes: Path, ring_s: float, talk_s: float) -> None:
    """Run the node of a config.toml until SIGTERM."""
    config, stop = load_config(file), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with notes.open("w", buffering=1) as out:
        node = SimulatedNode(
            config,
            config.nodes[0],
            ensure_secrets(config),
            clock=config.clock(),
            far_end=Witness(Numbers(ring_s=ring_s, talk_s=talk_s), out),
            rng=random.Random(SEED),  # noqa: S311 - a simulation's dice
            leg=LegReply(answers_after_s=0.05),
        )
        async with simulated_node(node):
            await stop.wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
