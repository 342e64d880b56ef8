"""The processes of one performance: the simulated Asterisk and the engine, started, watched and ended in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from dialer.queues import EmbeddedRedis, embedded
from dialer.types import Unavailable

READY_S = 30.0
"""How long a process may take until it serves: a slow disk and a cold cache."""

LOOK_S = 0.05
LOG_END = 800
_PIDS = ".pid"


@dataclass(frozen=True, slots=True)
class Player:
    """One process, what it is called, and where its words go."""

    name: str
    process: Process
    log: Path

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.process.returncode is not None

    def last_words(self) -> str:
        """Return the end of what it said."""
        return self.log.read_text(encoding="utf-8", errors="replace").strip()[-LOG_END:]


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stage:
    """Ends whatever it started, however the block ends; the engine first, then the Asterisk it talks to."""

    def __init__(self, place: Path, config: Path) -> None:
        self._place = place
        self._config = config
        self._players: list[Player] = []

    async def __aenter__(self) -> Self:
        """Begin with an empty stage."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything at once; in good order it has ended before."""
        await self.end(patience_s=2.0)

    async def enter(self, seed: int, people: Path) -> None:
        """Start both: they load while the books are being filled."""
        await self._enter("asterisk", "asterisk", "simulate", "--seed", str(seed), "--people", str(people))
        await self._enter("engine", "engine")

    async def ready(self, port: int) -> None:
        """Wait until the Asterisk takes connections and the engine orders; raises Unavailable."""
        try:
            async with asyncio.timeout(READY_S):
                while not (await _listens(port) and await embedded.find(self._place)):
                    self.check()
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise Unavailable(f"the demo is not ready after {READY_S:g} s; see {self._place / 'logs'}") from None

    def check(self) -> None:
        """Raise Unavailable, with its last words, when a process has ended by itself."""
        for player in self._players:
            self._alive(player)

    async def end(self, *, patience_s: float) -> None:
        """End the players, the last one first: asked, asked again after `patience_s`, then killed."""
        while self._players:
            await _ended(self._players[-1], patience_s)
            player = self._players.pop()
            (self._place / f"{player.name}{_PIDS}").unlink(missing_ok=True)
        await end_redis(self._place)

    def ask(self) -> None:
        """Ask everybody to end; a second time cuts what the first one let end by itself."""
        for player in self._players:
            _signal(player, signal.SIGTERM)

    async def _enter(self, name: str, *words: str) -> Player:
        log = self._place / "logs" / f"{name}.out"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as out:
            # A session of its own: Ctrl-C reaches us alone, and we end the others in order.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from dialer.cli import main; main()"),
                *("--config", str(self._config), *words),
                stdin=DEVNULL,
                stdout=out,
                stderr=STDOUT,
                cwd=self._place,
                env={key: value for key, value in os.environ.items() if not key.startswith("DIALER_")},
                start_new_session=True,
            )
        player = Player(name, process, log)
        self._players.append(player)
        (self._place / f"{name}{_PIDS}").write_text(f"{process.pid}\n", encoding="ascii")
        return player

    def _alive(self, player: Player) -> None:
        if player.over:
            raise Unavailable(
                f"the demo's {player.name} ended with status {player.process.returncode}; "
                f"its log {player.log} ends: {player.last_words()}"
            )


async def _listens(port: int) -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def _ended(player: Player, patience_s: float) -> None:
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
        _signal(player, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await player.process.wait()
                return
    await player.process.wait()


def _signal(player: Player, number: signal.Signals) -> None:
    if not player.over:
        with suppress(ProcessLookupError):  # it ended in this very moment
            if number is signal.SIGKILL:
                os.killpg(player.process.pid, number)  # its workers too: nobody could tell them any more
            else:
                player.process.send_signal(number)


async def end_redis(place: Path) -> None:
    """Stop the private Redis of this place, if one answers; a killed engine leaves it behind."""
    if (url := await embedded.find(place)) is not None:
        await EmbeddedRedis(url, started_by_us=True, directory=(place / "redis").resolve()).stop()
