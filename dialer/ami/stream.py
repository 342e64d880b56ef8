"""The events of one node on their way to the engine: held during reconciliation, then delivered in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog
from prometheus_client import Counter

from dialer import metrics
from dialer.ami.load import Load
from dialer.ami.messages import Event, FullyBooted, Hangup, OriginateResponse, parse_event
from dialer.ami.wire import Message
from dialer.types import Clock

HELD_EVENTS: Final = 50_000
"""Events kept while the snapshot is reconciled; more means that it will never catch up."""

log = structlog.get_logger(__name__)


class EventStream:
    """The events of one connection; `overflow` is called when more are held than can ever be caught up with."""

    def __init__(
        self, node: str, clock: Clock, load: Load, deliver: Callable[[Event], None], overflow: Callable[[str], None]
    ) -> None:
        self._node = node
        self._clock = clock
        self._load = load
        self._deliver = deliver
        self._overflow = overflow
        self._held: deque[Event] = deque()
        # Looking a metric up by its labels costs more than counting.
        self._ages = metrics.AMI_EVENT_AGE.labels(node)
        self._counters: dict[str, Counter] = {}
        self.live = False
        self.booted = asyncio.Event()

    def take(self, message: Message) -> None:
        """Read one message; deliver it, or hold it until `release`."""
        event = parse_event(message)
        if event is None:
            return
        self._counter(message.name).inc()
        age_s = self._load.event(event.timestamp, self._clock.monotonic())
        if age_s is not None:
            self._ages.observe(age_s)
        self._note(event)
        if self.live:
            self._hand_over(event)
        elif len(self._held) < HELD_EVENTS:
            self._held.append(event)
        else:
            self._overflow(f"more than {HELD_EVENTS} events came during reconciliation")

    def release(self) -> None:
        """Deliver what was held, in order; from here on events go straight through."""
        self.live = True
        while self._held:
            self._hand_over(self._held.popleft())

    def _counter(self, name: str) -> Counter:
        known = self._counters.get(name)
        if known is None:
            known = self._counters[name] = metrics.AMI_EVENTS.labels(self._node, name)
        return known

    def _note(self, event: Event) -> None:
        match event:
            case FullyBooted():
                self.booted.set()
            case OriginateResponse() | Hangup():
                self._load.finished(event.uniqueid)
            case _:
                pass

    def _hand_over(self, event: Event) -> None:
        try:
            self._deliver(event)
        except Exception:
            # One bug in a handler must not blind us for all other calls.
            metrics.AMI_HANDLER_ERRORS.labels(self._node).inc()
            log.exception("event handler failed", node=self._node, ami_event=repr(event))
