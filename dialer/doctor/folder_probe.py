"""The probe: a Local channel on the node records a tone where recordings go; nobody is called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from dialer.ami.session import Session
from dialer.ami.wire import Action, Message
from dialer.config import NodeConfig
from dialer.doctor.folders import ProbeFacts
from dialer.doctor.line import ADMIN, ANSWER_S, logged_in
from dialer.doctor.manager import PROBE
from dialer.types import Unavailable, trial_call_id

FILE = "dialer-doctor.wav"
_APPEARS_S, _LOOK_S = 2.0, 0.05
"""A network mount may show a file a moment later."""

_TAIL = 1 << 16


async def probe_folders(node: NodeConfig, secret: str, now: datetime) -> ProbeFacts:
    """Run the probe and look for its traces on this machine."""
    probe = trial_call_id(node.name, now)
    file, log = node.recordings_dir / FILE, node.evidence_file
    with suppress(OSError):
        file.unlink()  # an older one would pass for this one
    written = await _run(node, secret, probe)
    seen = written is not None and written > 0 and await _appears(file.exists)
    logged = written is not None and await _appears(lambda: _holds(log, probe))
    folder = node.recordings_dir.is_dir()
    taken = seen and _taken(file)
    return ProbeFacts(written is not None, written or 0, folder, seen, taken, log.exists(), logged)


def _taken(file: Path) -> bool:
    try:
        file.unlink()
    except OSError:
        return False
    return True


async def _run(node: NodeConfig, secret: str, probe: str) -> int | None:
    """Return how many bytes Asterisk wrote; None when its dialplan does not have the probe."""
    told: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    def hear(message: Message) -> None:
        if told.done():
            return
        if message.get("UserEvent") == PROBE and message.get("CallId") == probe:
            size = message.get("Size")
            told.set_result(int(size) if size.isdigit() else 0)
        elif message.get("ActionID") == probe and message.get("Response") == "Failure":
            told.set_result(None)

    async with logged_in(node, ADMIN, secret, events=frozenset({"UserEvent", "OriginateResponse"}), hear=hear) as line:
        await only_about(line, probe)
        answer = await line.ask(_order(probe), ANSWER_S, action_id=probe)
        if not answer.success:
            raise Unavailable(f"the probe was refused: {answer.text}; render manager.conf again and restart Asterisk")
        try:
            async with asyncio.timeout(ANSWER_S):
                return await told
        except TimeoutError:
            return None


async def only_about(line: Session, call_id: str) -> None:
    """Let this session hear only of one call: a busy node tells of hundreds."""
    await line.ask(Action("Filter", (("Operation", "Add"), ("Filter", call_id))), ANSWER_S)


def _order(probe: str) -> Action:
    return Action(
        "Originate",
        (
            ("Channel", "Local/s@dialer-probe/n"),
            ("ChannelId", probe),
            ("Application", "Wait"),
            ("Data", "1"),
            ("Timeout", "3000"),
            ("Async", "true"),
            ("Variable", f"DIALER_PROBE={probe}"),
        ),
    )


async def _appears(there: Callable[[], bool]) -> bool:
    """Look until it is there or time is up; another machine writes it, so there is nothing to be woken by."""
    try:
        async with asyncio.timeout(_APPEARS_S):
            while not there():  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        return False
    return True


def _holds(file: Path, text: str) -> bool:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - _TAIL))
            return text.encode() in opened.read()
    except OSError:
        return False
