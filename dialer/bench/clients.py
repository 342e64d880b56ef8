"""Our AMI client and panoramisk on the same recorded stream: processor time an event, nothing else in the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import panoramisk

from dialer.ami.load import Load
from dialer.ami.messages import WANTED_EVENTS, parse_event
from dialer.ami.session import Session
from dialer.ami.stream import EventStream
from dialer.ami.wire import Decoder
from dialer.clock import SystemClock
from dialer.types import DialerError

READ_BYTES = 4096
"""How much comes with one read, for all alike."""

EVENTS = 20_000
TURNS = 3
"""Each client reads the stream so often; the quickest counts."""

_WANTED = frozenset(WANTED_EVENTS)
_MICRO = 1e6


class ClientsDisagree(DialerError):
    """The clients did not see the same events in one stream, so their times cannot be compared."""

    error_id = "bench-clients"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Microseconds of processor time an event: `ours_decoded` up to typed events, `ours` with the session around it."""

    events: int
    wanted: int
    ours_decoded_us: float
    ours_us: float
    panoramisk_us: float

    def figures(self) -> Mapping[str, float]:
        """Return the figures as plain data."""
        return {
            "events": self.events,
            "wanted": self.wanted,
            "ours_decoded_us": round(self.ours_decoded_us, 2),
            "ours_us": round(self.ours_us, 2),
            "panoramisk_us": round(self.panoramisk_us, 2),
            "times_cheaper": round(self.panoramisk_us / self.ours_us, 1),
        }


def compare(stream: bytes) -> Comparison | None:
    """Read a recorded stream (whole messages) with each client; None when it holds no events."""
    count = stream.count(b"Event: ")
    if not count:
        return None
    copies = max(1, EVENTS // count)
    reads, events = _reads(stream * copies), count * copies
    turns = [asyncio.run(_best(reader, reads)) for reader in (_decoded, _session, _panoramisk)]
    seen = {seen for _, seen in turns}
    if len(seen) != 1:
        raise ClientsDisagree(f"decoder, session and panoramisk delivered {[seen for _, seen in turns]} events")
    decoded, session, other = (seconds / events * _MICRO for seconds, _ in turns)
    return Comparison(events, seen.pop(), decoded, session, other)


async def _best(reader: Callable[[Sequence[bytes]], int], reads: Sequence[bytes]) -> tuple[float, int]:
    """Return the reader's quickest turn in seconds, and how many wanted events it delivered."""
    turns = []
    for _ in range(TURNS):
        began = time.process_time()
        seen = reader(reads)
        turns.append(time.process_time() - began)
    return min(turns), seen


def _decoded(reads: Sequence[bytes]) -> int:
    decoder, seen = Decoder(_WANTED), 0
    for read in reads:
        for message in decoder.feed(read):
            seen += parse_event(message) is not None
    return seen


def _session(reads: Sequence[bytes]) -> int:
    count = 0

    def deliver(_: object) -> None:
        nonlocal count
        count += 1

    stream = EventStream("bench", SystemClock(), Load(), deliver, lambda _: None)
    stream.live = True
    session = Session("bench", "events", _WANTED, stream.take)
    for read in reads:
        session.data_received(read)
    return count


def _panoramisk(reads: Sequence[bytes]) -> int:
    manager = panoramisk.Manager(loop=asyncio.get_running_loop())
    manager.callbacks.clear()
    manager.patterns.clear()
    count = 0

    def deliver(_: object, message: Mapping[str, str]) -> None:
        nonlocal count
        # What our events carry as well: who it is about, and when.
        message.get("Uniqueid")
        count += 1

    for name in WANTED_EVENTS:
        manager.register_event(name, deliver)
    protocol = panoramisk.manager.AMIProtocol()
    protocol.connection_made(None)
    protocol.factory, protocol.encoding, protocol.version = manager, "utf8", "recorded"
    for read in reads:
        protocol.data_received(read)
    return count


def _reads(stream: bytes) -> list[bytes]:
    return [stream[at : at + READ_BYTES] for at in range(0, len(stream), READ_BYTES)]
