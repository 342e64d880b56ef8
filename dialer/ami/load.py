"""How a node copes: when it answers slower than we talk to people, no new call may be placed."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from dialer.config import AmiConfig

ACK_WINDOW_S: Final = 5.0
"""How long an acknowledgement counts; it must age, or a node once slow would never be tried again."""

LAG_FRESH_S: Final = 2.0
"""How long the lag of the newest event stands when no further event comes."""

_PINGS = 20
_ACKS = 1000


class NodeClock:
    """The offset between the node's clock and our monotonic one, so that a wrong clock is no lag.

    Each pong carries the node's time; the quickest of the last 20 round trips errs least.
    """

    def __init__(self) -> None:
        self._pongs: deque[tuple[float, float]] = deque(maxlen=_PINGS)
        self._offset: float | None = None

    def pong(self, node_time: float, round_trip_s: float, now: float) -> None:
        """Learn from one pong: the node's time, the round trip, our monotonic time when it came."""
        self._pongs.append((round_trip_s, node_time - (now - round_trip_s / 2)))
        _, self._offset = min(self._pongs)

    def age_s(self, timestamp: float, now: float) -> float:
        """Return how old something stamped by the node is; 0 while nothing is known of its clock."""
        return max(0.0, now + self._offset - timestamp) if self._offset is not None else 0.0


class Load:
    """What is known of the node's speed; every method takes our monotonic time."""

    def __init__(self) -> None:
        self.clock = NodeClock()
        self._lag = 0.0
        self._lag_at = -math.inf
        self._acks: deque[tuple[float, float]] = deque(maxlen=_ACKS)
        self._unfinished: set[str] = set()

    def event(self, timestamp: float | None, now: float) -> float | None:
        """Learn the age of an event and return it in seconds; None when the node did not stamp it."""
        if timestamp is None:
            return None
        self._lag, self._lag_at = self.clock.age_s(timestamp, now), now
        return self._lag

    def originated(self, call_id: str) -> None:
        """Count a call Asterisk is busy with: two threads each until it is answered or over."""
        self._unfinished.add(call_id)

    def finished(self, call_id: str) -> None:
        """Forget a call that was answered, failed or hung up."""
        self._unfinished.discard(call_id)

    def acked(self, took_s: float, now: float) -> None:
        """Learn how long an Originate waited for its acknowledgement."""
        self._acks.append((now, took_s))

    def event_lag_s(self, now: float) -> float:
        """Return the age of the newest event when it was read, 0 when there was none lately."""
        return self._lag if now - self._lag_at <= LAG_FRESH_S else 0.0

    def ack_p99_s(self, now: float) -> float:
        """Return the 99th percentile of the acknowledgements of the last seconds, 0 without any."""
        while self._acks and now - self._acks[0][0] > ACK_WINDOW_S:
            self._acks.popleft()
        took = sorted(seconds for _, seconds in self._acks)
        return took[math.ceil(len(took) * 0.99) - 1] if took else 0.0

    @property
    def outstanding(self) -> int:
        """Originates Asterisk has not finished."""
        return len(self._unfinished)

    def shed_reason(self, limits: AmiConfig, now: float) -> str | None:
        """Return why no new call may be placed, None when all is well."""
        if (lag := self.event_lag_s(now)) > limits.shed_event_lag_s:
            return f"event lag {lag:.3f} s is over shed_event_lag_s {limits.shed_event_lag_s}"
        if (ack := self.ack_p99_s(now)) > limits.shed_ack_p99_s:
            return f"Originate is acknowledged after {ack:.3f} s (p99), over shed_ack_p99_s {limits.shed_ack_p99_s}"
        if self.outstanding >= limits.shed_outstanding:
            return f"{self.outstanding} Originates are unfinished, shed_outstanding is {limits.shed_outstanding}"
        return None
