"""How the engine ends: nobody is left on the line, and what the last calls left behind is kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from dialer.call import UNANSWERED, UNJOINED
from dialer.events import CancelOrdered
from dialer.types import Unavailable

if TYPE_CHECKING:
    from dialer.engine.engine import Engine

log = structlog.get_logger("dialer.engine")

LOOK_S = 0.25
LAST_WORDS_S = 30.0
"""How long recordings and records may take to reach disk and database after the last call."""

FORCED_S = 5.0


class Ending:
    """Brings an engine to its end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def drain(self, force: asyncio.Event) -> None:
        """No new calls; rings are cancelled after the legal minimum, conversations end by themselves.

        `force` cuts everything that is not a conversation.
        """
        engine = self._engine
        engine.dialling.closed = "the engine is stopping"
        log.info("stopping", calls=len(engine.book), inbound=len(engine.inbound))
        for call in engine.book.calls():
            if call.stage in UNANSWERED:
                engine.book.apply(call.call_id, CancelOrdered())
        while (len(engine.book) or len(engine.inbound)) and not force.is_set():  # noqa: ASYNC110 - calls end one by one
            await asyncio.sleep(LOOK_S)
        if force.is_set():
            await self._cut()
        else:
            await self._recorded(force)

    async def last_words(self) -> None:
        """Keep what the last calls left behind; what cannot be kept now is found again at the next start."""
        engine = self._engine
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await engine.keeper.flush()
                await engine.bookkeeper.drain()
                await engine.keep_diaries(all_of_it=True)
                await engine.publish()
                await engine.beat.stop()
        except (TimeoutError, Unavailable) as exc:
            log.error("not everything was stored", detail=str(exc) or "timeout", records=engine.keeper.backlog)  # noqa: TRY400
        log.info("engine stopped", calls=len(engine.book), records=engine.keeper.backlog)

    async def _cut(self) -> None:
        """The second signal: cut everything that is not a conversation, and say so in the records."""
        engine = self._engine
        log.warning("forced to stop", calls=len(engine.book))
        for call in engine.book.calls():
            engine.book.apply(call.call_id, CancelOrdered(forced=True))
        for _ in range(int(FORCED_S / LOOK_S)):
            if not any(call.stage in UNJOINED for call in engine.book.calls()):
                return
            await asyncio.sleep(LOOK_S)

    async def _recorded(self, force: asyncio.Event) -> None:
        """Wait for the last recordings; what is not wrapped by then stays raw until the next start."""
        for _ in range(int(LAST_WORDS_S / LOOK_S)):
            if not self._engine.recorder.waiting or force.is_set():
                return
            await asyncio.sleep(LOOK_S)
        log.warning("recordings left for the next start", waiting=self._engine.recorder.waiting)
